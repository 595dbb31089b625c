import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { killRest, Running } from "../helpers/f2b-exec.ts";
import { CLIENT, Netns, netnsSkip, SERVER } from "../helpers/netns.ts";
import { program, runProgram } from "../helpers/program.ts";
import { connect, listen } from "../helpers/tcp.ts";

// The two stories that the project began with, from the line in the log to the connection that is refused.

const quote = (argv: readonly string[]) => argv.map((word) => `'${word}'`).join(" ");

/** `Jan  7 14:59:03`, now. */
function stamp(time = Date.now()): string {
  const [, month, day, , clock] = new Date(time).toString().split(" ");
  return `${month} ${day?.replace(/^0/, " ")} ${clock}`;
}

describe("f2b-stream | f2b-exec", {
  skip: netnsSkip("iptables", "logger", "python3"),
  timeout: 60_000,
}, () => {
  let net: Netns;
  let folder = "";
  before(async () => {
    net = await Netns.create();
    folder = mkdtempSync(join(tmpdir(), "f2b-seeds-"));
  });
  after(async () => {
    killRest();
    await net.remove();
    rmSync(folder, { recursive: true });
  });

  /** Both programs in a pipe at the server's end, reading log lines. */
  const pipe = (stream: readonly string[], exec: readonly string[]) =>
    new Running([
      ...net.atServer,
      "sh",
      "-c",
      `${quote([process.execPath, program("f2b-stream"), ...stream])} | ${quote([process.execPath, program("f2b-exec"), "--backend", "iptables", ...exec])}`,
    ]);

  test("cuts off who guesses passwords at sendmail, and lets him in again", async () => {
    const server = await listen(net, [25, 2525]);
    const running = pipe(
      ["-r", "./examples/rules/smtp-auth.yaml", "--set", "smtp-auth.bantime=4s"],
      ["--on-eof", "wait"],
    );
    const failure = (end: string) =>
      `${stamp()} lory sendmail[28424]: s07EriLI028424: AUTH failure (PLAIN): authentication failure (-13) SASL(-13): authentication failure: ${end}\n`;
    assert.equal(await connect(net, SERVER.ipv4, 25), "open");
    running.child.stdin.write(failure(`checkpass failed, relay=[${CLIENT.ipv4}]`));
    running.child.stdin.write(
      failure(`Password verification failed, relay=client.example.net [${CLIENT.ipv4}]`),
    );
    running.child.stdin.write(
      failure(`Password verification failed, relay=client.example.net [${CLIENT.ipv4}]`),
    );
    await running.said(`NOTICE [smtp-auth] Ban ${CLIENT.ipv4}`);
    const [chain, jump, rule, end] = await net.rules();
    assert.deepEqual(
      [chain, jump, end],
      [
        "-N f2bs-smtp-auth",
        "-A INPUT -p tcp -m multiport --dports 25 -j f2bs-smtp-auth",
        "-A f2bs-smtp-auth -j RETURN",
      ],
    );
    assert.match(
      rule ?? "",
      new RegExp(`^-A f2bs-smtp-auth -s ${CLIENT.ipv4}/32 .*-j REJECT --reject-with icmp-port-unreachable$`),
    );
    assert.equal(await connect(net, SERVER.ipv4, 25), "refused");
    assert.equal(await connect(net, SERVER.ipv4, 2525), "open", "another port");
    await running.said(`NOTICE [smtp-auth] Unban ${CLIENT.ipv4}`);
    assert.equal(await connect(net, SERVER.ipv4, 25), "open");
    running.child.stdin.end();
    assert.equal((await running.ended).status, 0);
    server.child.kill();
  });

  test("bans for empty SMTP sessions and says so in the mail log", async () => {
    const socket = join(folder, "log");
    const config = join(folder, "exec.yaml");
    writeFileSync(
      config,
      `defaults:
  blocktype: drop
  actions:
    - actionban: [logger, --socket, ${socket}, -t, smtp/f2b, -i, -p, mail.info, "ALERT <ip> BANNED FOR EMPTY SMTP SESSIONS"]
`,
    );
    const syslog = new Running(["python3", "-c", SYSLOG, socket]);
    await syslog.said("bound");
    const running = pipe(
      ["-r", "postfix", "--set", "postfix-empty.maxretry=1", "--set", "postfix-empty.findtime=60"],
      ["-c", config],
    );
    running.child.stdin.write(
      [
        `${stamp()} mx2 postfix/smtpd[29473]: connect from unknown[${CLIENT.ipv4}]`,
        `${stamp()} mx2 postfix/smtpd[29474]: connect from lists.example.net[192.0.2.80]`,
        `${stamp()} mx2 postfix/smtpd[29473]: disconnect from unknown[${CLIENT.ipv4}]`,
        `${stamp()} mx2 postfix/smtpd[29474]: 8DF1A2C03F: client=lists.example.net[192.0.2.80]`,
        `${stamp()} mx2 postfix/smtpd[29474]: disconnect from lists.example.net[192.0.2.80] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5`,
        "",
      ].join("\n"),
    );
    assert.match(
      (await syslog.ended).stdout,
      new RegExp(`smtp/f2b\\[\\d+\\]: ALERT ${CLIENT.ipv4} BANNED FOR EMPTY SMTP SESSIONS`),
    );
    running.child.stdin.end();
    const { status, stderr } = await running.ended;
    assert.equal(status, 0);
    assert.equal(stderr.match(/ Ban /g)?.length, 1, stderr);
    const rules = (await net.rules()).filter((line) => line.includes("-s "));
    assert.equal(rules.length, 1);
    assert.match(rules[0] ?? "", new RegExp(`^-A f2bs-postfix-empty -s ${CLIENT.ipv4}/32 .*-j DROP$`));
  });
});

/** A syslog daemon for one message: binds a datagram socket, says so, prints what comes. */
const SYSLOG = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
print(s.recv(4096).decode(), flush=True)
`;

const postfix = (second: number, pid: number, text: string) =>
  `Nov 19 13:17:${String(second).padStart(2, "0")} mx2 postfix/smtpd[${pid}]: ${text}\n`;

/** Who is banned, in order. */
async function banned(rules: readonly string[], log: string): Promise<string[]> {
  const { stdout } = await runProgram("f2b-stream", [...rules, "--replay", "--now", "2018-11-20"], log);
  const lines = stdout
    .split("\n")
    .filter((line) => line.includes('"cmd":"ban"') && !line.includes('"repeat":true'));
  return lines.map((line) => (JSON.parse(line) as { ip: string }).ip);
}

// With the pattern of the story, connect and disconnect are tied by nothing.
const interleaved =
  postfix(1, 1, "connect from unknown[192.0.2.214]") +
  postfix(2, 2, "connect from mail.example.org[198.51.100.25]") +
  postfix(3, 1, "disconnect from unknown[192.0.2.214]") +
  postfix(4, 2, "7C1B2A: client=mail.example.org[198.51.100.25]") +
  postfix(5, 2, "disconnect from mail.example.org[198.51.100.25]");

const pairs = Array.from({ length: 4 }, (_, i) => [
  postfix(10 * i, 100 + i, `connect from unknown[192.0.2.${i % 2}]`),
  postfix(10 * i + 1, 100 + i, `disconnect from unknown[192.0.2.${i % 2}]`),
])
  .flat()
  .join("");

const seeds = ["-r", "./examples/rules/empty-smtp.yaml"];
const bundled = ["-r", "postfix", "--set", "postfix-empty.maxretry=1", "--set", "postfix-empty.findtime=60"];

const cases = [
  {
    name: "the pattern of the story bans each pair",
    rules: seeds,
    log: pairs,
    bans: ["192.0.2.0", "192.0.2.1"],
  },
  {
    name: "the pattern of the story bans a legitimate client",
    rules: seeds,
    log: interleaved,
    bans: ["198.51.100.25"],
  },
  {
    name: "the bundled rule bans each pair once",
    rules: bundled,
    log: pairs,
    bans: ["192.0.2.0", "192.0.2.1"],
  },
  {
    name: "the bundled rule ties the lines by their process",
    rules: bundled,
    log: interleaved,
    bans: ["192.0.2.214"],
  },
];

for (const { name, rules, log, bans } of cases) {
  test(`empty SMTP sessions: ${name}`, async () => {
    assert.deepEqual(await banned(rules, log), bans);
  });
}
