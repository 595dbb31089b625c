import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runExec, startExec } from "../helpers/f2b-exec.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "f2b-dry-"));
});
after(() => rmSync(folder, { recursive: true }));

const CASES = [
  {
    name: "the shortest ban",
    args: [],
    input: '{"cmd":"ban","ip":"203.0.113.7"}\n',
    status: 0,
    stdout: `iptables -w 10 -N f2bs-manual
iptables -w 10 -A f2bs-manual -s 203.0.113.7/32 -j REJECT --reject-with icmp-port-unreachable
iptables -w 10 -A f2bs-manual -j RETURN
iptables -w 10 -I INPUT 1 -j f2bs-manual
`,
    stderr: "f2b-exec: NOTICE [manual] Ban 203.0.113.7\n",
  },
  {
    name: "ports, both families, an end, DROP, and two chains",
    args: ["--blocktype", "drop", "--chain", "INPUT", "--chain", "DOCKER-USER"],
    input: `{"cmd":"ban","jail":"smtp-auth","ip":"203.0.113.7","until":"2136-01-07T15:09:04.000Z","port":[25,465],"protocol":["tcp"]}
{"cmd":"ban","jail":"smtp-auth","ip":"2001:db8:7::/64"}
`,
    status: 0,
    stdout: `iptables -w 10 -N f2bs-smtp-auth
iptables -w 10 -A f2bs-smtp-auth -s 203.0.113.7/32 -m comment --comment until:2136-01-07T15:09:04Z -j DROP
iptables -w 10 -A f2bs-smtp-auth -j RETURN
iptables -w 10 -I DOCKER-USER 1 -p tcp -m conntrack --ctorigdstport 465 --ctdir ORIGINAL -j f2bs-smtp-auth
iptables -w 10 -I DOCKER-USER 1 -p tcp -m conntrack --ctorigdstport 25 --ctdir ORIGINAL -j f2bs-smtp-auth
iptables -w 10 -I INPUT 1 -p tcp -m multiport --dports 25,465 -j f2bs-smtp-auth
ip6tables -w 10 -N f2bs-smtp-auth
ip6tables -w 10 -A f2bs-smtp-auth -s 2001:db8:7::/64 -j DROP
ip6tables -w 10 -A f2bs-smtp-auth -j RETURN
ip6tables -w 10 -I DOCKER-USER 1 -p tcp -m conntrack --ctorigdstport 465 --ctdir ORIGINAL -j f2bs-smtp-auth
ip6tables -w 10 -I DOCKER-USER 1 -p tcp -m conntrack --ctorigdstport 25 --ctdir ORIGINAL -j f2bs-smtp-auth
ip6tables -w 10 -I INPUT 1 -p tcp -m multiport --dports 25,465 -j f2bs-smtp-auth
`,
    stderr: `f2b-exec: NOTICE [smtp-auth] Ban 203.0.113.7
f2b-exec: NOTICE [smtp-auth] Ban 2001:db8:7::/64
`,
  },
  {
    name: "a replayed log of 2014, of which nothing is left",
    args: [],
    input: `{"cmd":"ban","jail":"smtp-auth","ip":"203.0.113.7","time":"2014-01-07T14:59:04.000Z","until":"2014-01-07T15:09:04.000Z"}
{"cmd":"unban","jail":"smtp-auth","ip":"203.0.113.7","time":"2014-01-07T15:09:04.000Z","reason":"expired"}
`,
    status: 0,
    stdout: "",
    stderr: `f2b-exec: NOTICE [smtp-auth] 203.0.113.7 is not banned
f2b-exec: warning: 1 ban not applied: already ended when the command came
`,
  },
  {
    name: "an input that ends within a line",
    args: [],
    input: '\n{"cmd":"ban","ip":"198.5',
    status: 65,
    stdout: "",
    stderr: `f2b-exec: warning: line 2: the input ends within the line: expected a JSON object on one line
f2b-exec: warning: 1 input line was not a command
`,
  },
  {
    name: "bad lines between good ones",
    args: ["--never-ban", "203.0.113.0/24"],
    input: `{"cmd":"ban","ip":"198.51.100.7"}

{"cmd":"ban","ip":"$(reboot)"}
{"cmd":"dance"}
{"cmd":"ban","ip":"203.0.113.7"}
`,
    status: 65,
    stdout: `iptables -w 10 -N f2bs-manual
iptables -w 10 -A f2bs-manual -s 198.51.100.7/32 -j REJECT --reject-with icmp-port-unreachable
iptables -w 10 -A f2bs-manual -j RETURN
iptables -w 10 -I INPUT 1 -j f2bs-manual
`,
    stderr: `f2b-exec: warning: line 3: ip: expected an address or a network, got "$(reboot)"
f2b-exec: warning: line 4: cmd: unknown command "dance", skipped
f2b-exec: NOTICE [manual] Ban 198.51.100.7
f2b-exec: warning: refused [manual] 203.0.113.7: on the never-ban list (203.0.113.0/24)
f2b-exec: warning: 1 input line was not a command
`,
  },
];

for (const { name, args, input, status, stdout, stderr } of CASES) {
  test(`f2b-exec --dry-run: ${name}`, async () => {
    assert.deepEqual(await runExec(["--backend", "iptables", "--dry-run", ...args], input), {
      status,
      stdout,
      stderr,
    });
  });
}

test("f2b-exec --dry-run prints actions after the firewall, quoted for a shell", async () => {
  const config = join(folder, "alert.yaml");
  writeFileSync(
    config,
    'jails: {smtp: {actions: [{actionban: [logger, -t, smtp/f2b, -p, mail.info, "ALERT <ip> BANNED FOR EMPTY SMTP SESSIONS"]}]}}\n',
  );
  const { stdout } = await runExec(
    ["--backend", "iptables", "--dry-run", "-c", config],
    [{ cmd: "ban", jail: "smtp", ip: "203.0.113.7" }],
  );
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 5);
  assert.equal(
    lines[4],
    "logger -t smtp/f2b -p mail.info 'ALERT 203.0.113.7 BANNED FOR EMPTY SMTP SESSIONS'",
  );
});

test("f2b-exec survives 10 MB without a newline, reports it once and ends with 65", async () => {
  const { status, stderr } = await runExec(["--backend", "none"], "x".repeat(10_000_000));
  assert.equal(status, 65);
  assert.equal(
    stderr,
    "f2b-exec: warning: line 1: longer than 65536 bytes\nf2b-exec: warning: 1 input line was not a command\n",
  );
});

test("f2b-exec --help, --version and mistakes on the command line", async () => {
  const help = await runExec(["--help"], "");
  assert.deepEqual([help.status, help.stderr], [0, ""]);
  assert.match(help.stdout, /^usage: f2b-exec/);
  assert.match((await runExec(["--version"], "")).stdout, /^f2b-exec \d+\.\d+\.\d+\n$/);
  const wrong = await runExec(["--bann"], "");
  assert.equal(wrong.status, 64);
  assert.match(wrong.stderr, /^f2b-exec: error: unknown option "--bann"\n/);
});

test("f2b-exec -c: mistakes in the file end with 78 and their positions", async () => {
  const config = join(folder, "wrong.yaml");
  writeFileSync(config, "jails:\n  sshd:\n    blocktyp: drop\n");
  const { status, stderr } = await runExec(["-c", config], "");
  assert.equal(status, 78);
  assert.equal(stderr, `f2b-exec: error: ${config}:3:5: jails.sshd: unknown key "blocktyp"\n`);
  assert.equal((await runExec(["-c", join(folder, "none.yaml")], "")).status, 78);
});

test("f2b-exec --results writes a line per command", async () => {
  const commands = [
    { cmd: "ban", ip: "203.0.113.7" },
    { cmd: "ban", ip: "203.0.113.7" },
    { cmd: "ban", ip: "127.0.0.1" },
    { cmd: "unban", ip: "203.0.113.7" },
  ];
  const { status, stdout } = await runExec(["--backend", "none", "--results"], commands);
  const results = stdout
    .trimEnd()
    .split("\n")
    .map((line) => ({ ...JSON.parse(line), ms: 0 }));
  assert.equal(status, 0);
  assert.deepEqual(results, [
    { cmd: "ban", jail: "manual", ip: "203.0.113.7", result: "applied", ms: 0 },
    { cmd: "ban", jail: "manual", ip: "203.0.113.7", result: "already", ms: 0 },
    {
      cmd: "ban",
      jail: "manual",
      ip: "127.0.0.1",
      result: "refused",
      ms: 0,
      error: "loopback (127.0.0.0/8)",
    },
    { cmd: "unban", jail: "manual", ip: "203.0.113.7", result: "applied", ms: 0 },
  ]);
});

test("f2b-exec --results ends silently with 141 when the reader is gone", async () => {
  const running = startExec(["--backend", "none", "--results"]);
  running.write({ cmd: "ban", ip: "203.0.113.7" });
  await running.said("applied");
  running.child.stdout.destroy();
  running.write({ cmd: "ban", ip: "203.0.113.8" });
  const { status, stderr } = await running.ended;
  assert.equal(status, 141);
  assert.equal(
    stderr,
    "f2b-exec: NOTICE [manual] Ban 203.0.113.7\nf2b-exec: NOTICE [manual] Ban 203.0.113.8\n",
  );
});

test("f2b-exec --results reports that results could not be written, and goes on banning", async () => {
  const running = startExec(["--backend", "none", "--results"], { before: FULL_DISK });
  for (const ip of ["203.0.113.7", "203.0.113.8"]) {
    running.write({ cmd: "ban", ip });
    await running.said(`Ban ${ip}`);
  }
  running.child.stdin.end();
  const { status, stderr } = await running.ended;
  assert.equal(status, 74);
  assert.match(stderr, /error: standard output: ENOSPC: [^\n]*: bans go on without results\n/);
  assert.equal(stderr.match(/ENOSPC/g)?.length, 1, "told once");
});

test("f2b-exec --dry-run ends when its commands could not be written", async () => {
  const args = ["--dry-run", "--backend", "iptables"];
  const { status, stderr } = await runExec(args, [{ cmd: "ban", ip: "203.0.113.7" }], { before: FULL_DISK });
  assert.equal(status, 74);
  assert.match(stderr, /error: standard output: ENOSPC: [^:\n]*\n/);
});

/** Runs a command whose stdout is a file on a disk that is full. */
const FULL_DISK = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];

test("f2b-exec says why a configuration can't be read", async () => {
  const { status, stderr } = await runExec(["-c", "/nonexistent"], "");
  assert.deepEqual([status, stderr], [78, "f2b-exec: error: /nonexistent: no such file or directory\n"]);
});
