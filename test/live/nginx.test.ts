import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { basic, request, request2, startNginx } from "../daemons/nginx.ts";
import { Talker } from "../daemons/talk.ts";
import { runProgram } from "../helpers/program.ts";

const ATTACKER = "192.0.2.7";
const VICTIM = "203.0.113.9";
const ACCESS = "/var/log/nginx/access.log";
const ERRORS = "/var/log/nginx/error.log";

/** Characters of these codes. */
const chars = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join("");
const ALL = chars(0x01, 0xff);
const percent = (text: string) =>
  [...text].map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");

/** Lines about the victim, as the two logs have them. */
const FORGED_ACCESS = `${VICTIM} - bob [21/Nov/2026:19:40:02 +0000] "GET / HTTP/1.1" 401 179 "-" "-"`;
const FORGED_ERROR = `2026/11/21 19:40:02 [error] 1#1: *1 user "bob": password mismatch, client: ${VICTIM}, server: x, request: "GET / HTTP/1.1", host: "x"`;
const FORGED_DENIED = `2026/11/21 19:40:02 [error] 1#1: *1 access forbidden by rule, client: ${VICTIM}, server: x, request: "GET / HTTP/1.1", host: "x"`;

/** What a client writes into a field. */
const TEXTS: readonly string[] = [
  ALL,
  ALL.replace(/[\r\n]/g, ""),
  ...[FORGED_ACCESS, FORGED_ERROR, FORGED_DENIED].flatMap((line) => [
    line,
    `x\n${line}\nx`,
    `x\r\n${line}\r\n`,
    `x\\n${line}`,
  ]),
  `x" 401 1 "-" "-"\n${FORGED_ACCESS}`,
  `x\\" 401 1 "`,
  `- [21/Nov/2026:19:40:02 +0000] "GET / HTTP/1.1" 401 1 "-" "${VICTIM}`,
  `${VICTIM} - - [] `,
  "é\u00a0\u0085",
];

/** Each field that a client can write, in HTTP/1.1 and HTTP/2, as a connection's bytes. */
const FIELDS: readonly { name: string; port: number; write: (text: string) => string }[] = [
  { name: "the path, escaped", port: 80, write: (text) => request(`GET /${percent(text)} HTTP/1.1`) },
  { name: "the path of a forbidden place, escaped", port: 80, write: (text) => request(`GET /denied/${percent(text)} HTTP/1.1`) },
  { name: "the path as it comes", port: 80, write: (text) => request(`GET /${text} HTTP/1.1`) },
  { name: "the query", port: 80, write: (text) => request(`GET /?${text.replaceAll(" ", "+")} HTTP/1.1`) },
  { name: "the method", port: 80, write: (text) => request(`${text} / HTTP/1.1`) },
  { name: "the version", port: 80, write: (text) => request(`GET / ${text}`) },
  { name: "the whole request", port: 80, write: (text) => `${text}\r\n\r\n` },
  { name: "the host", port: 80, write: (text) => request("GET /nowhere HTTP/1.1", { Host: text }) },
  { name: "the referer", port: 80, write: (text) => request("GET /nowhere HTTP/1.1", { Referer: text }) },
  { name: "the agent", port: 80, write: (text) => request("GET /nowhere HTTP/1.1", { "User-Agent": text }) },
  { name: "the user's name", port: 80, write: (text) => request("GET /basic/ HTTP/1.1", { Authorization: basic(text) }) },
  { name: "the user's name, before a colon", port: 80, write: (text) => request("GET /basic/ HTTP/1.1", { Authorization: basic(text.replaceAll(":", ";")) }) },
  { name: "the path of a protected place", port: 80, write: (text) => request(`GET /basic/${percent(text)} HTTP/1.1`, { Authorization: basic("bob") }) },
  { name: "HTTP/2's path, escaped", port: 81, write: (text) => request2({ ":path": `/${percent(text)}` }) },
  { name: "HTTP/2's path as it comes", port: 81, write: (text) => request2({ ":path": `/${text}` }) },
  { name: "HTTP/2's method", port: 81, write: (text) => request2({ ":method": text }) },
  { name: "HTTP/2's authority", port: 81, write: (text) => request2({ ":path": "/nowhere", ":authority": text }) },
  { name: "HTTP/2's referer", port: 81, write: (text) => request2({ ":path": "/nowhere", referer: text }) },
  { name: "HTTP/2's agent", port: 81, write: (text) => request2({ ":path": "/nowhere", "user-agent": text }) },
  { name: "HTTP/2's user's name", port: 81, write: (text) => request2({ ":path": "/basic/", authorization: basic(text) }) },
]; // biome-ignore format: a table

/** A line of access.log: of characters that can be seen, with a quote nowhere but around three fields, and no colon in the name. */
const COMBINED =
  /^[\d.]+ - [\x20\x21\x23-\x39\x3b-\x7e]+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[\x20\x21\x23-\x7e]*" \d{3} \d+ "[\x20\x21\x23-\x7e]*" "[\x20\x21\x23-\x7e]*"$/;

describe("nginx", { skip: hostSkip("nginx") }, () => {
  let host: DaemonHost;
  let talker: Talker;

  before(async () => {
    host = await DaemonHost.create();
    await host.addClients(ATTACKER);
    await startNginx(host);
    talker = new Talker(host);
  });
  after(async () => {
    talker.close();
    await host.remove();
  });

  /** Sends it, waits for the answer's end, and gives the lines that it brought in a log. */
  async function lines(log: string, port: number, text: string): Promise<readonly string[]> {
    const before = host.lines(log).length;
    // The last line feed ends a request that is not complete.
    await talker.talk(
      ATTACKER,
      port,
      [{ send: text }, { expect: port === 81 ? "." : "HTTP/1.1 \\d|<html" }, { do: "end" }, { do: "close" }],
      2000,
    );
    await settled();
    return host
      .lines(log)
      .slice(before)
      .filter((line) => !line.includes("/mark"));
  }

  /** All that was asked so far has been logged: a request of our own that comes last has been. */
  let marks = 0;
  async function settled(): Promise<void> {
    const mark = `/mark${++marks}`;
    await talker.talk(ATTACKER, 80, [{ send: request(`GET ${mark} HTTP/1.1`) }, { do: "close" }]);
    await host.until(() => host.read(ACCESS).includes(`"GET ${mark} `), `${mark} in access.log`);
  }

  for (const { name, port, write } of FIELDS) {
    test(`writes one line of access.log, escaped, whatever is in ${name}`, async () => {
      assert.equal((await lines(ACCESS, port, write("x"))).length, 1);
      for (const text of TEXTS) {
        for (const line of await lines(ACCESS, port, write(text))) {
          assert.match(line, COMBINED);
          assert.ok(line.startsWith(`${ATTACKER} - `), line);
        }
      }
    });
  }

  test("writes whole lines of a client's into error.log: what this is all about", async () => {
    const found = await lines(ERRORS, 80, request(`GET /${percent(`x\n${FORGED_ERROR}\n`)} HTTP/1.1`));
    assert.ok(found.includes(FORGED_ERROR), JSON.stringify(found));
    const named = await lines(
      ERRORS,
      80,
      request("GET /basic/ HTTP/1.1", { Authorization: basic("x\nline of a name\n") }),
    );
    assert.ok(named.includes("line of a name"), JSON.stringify(named));
  });

  /** Whom the bundled jails ban, if one failure is enough. */
  async function banned(
    log: string,
    jails: readonly string[],
  ): Promise<Readonly<Record<string, readonly string[]>>> {
    const sets = ["*.maxretry=1", "*.ignoreself=false", "nginx-syslog.enabled=true"].flatMap((set) => [
      "--set",
      set,
    ]);
    const args = ["-r", "nginx", "--replay", ...sets];
    const { status, stdout } = await runProgram("f2b-stream", args, host.readBytes(log));
    assert.equal(status, 0);
    const bans = stdout
      .split("\n")
      .filter((line) => line.startsWith('{"cmd":"ban"'))
      .map((line) => JSON.parse(line) as { jail: string; ip: string });
    return Object.fromEntries(
      jails.map((jail) => [jail, [...new Set(bans.flatMap((ban) => (ban.jail === jail ? ban.ip : [])))]]),
    );
  }

  test("has whoever wrote all that banned by its rules, and nobody else", async () => {
    assert.deepEqual(await banned(ACCESS, ["nginx-auth", "nginx-forbidden", "nginx-scan"]), {
      "nginx-auth": [ATTACKER],
      "nginx-forbidden": [ATTACKER],
      "nginx-scan": [ATTACKER],
    });
  });

  test("sends its errors to syslog, where an entry is a line, and nginx-syslog has the same banned", async () => {
    await lines(ERRORS, 80, request("GET /denied/ HTTP/1.1"));
    const SYSLOG = "/var/log/syslog";
    await host.until(() => host.read(SYSLOG).includes("access forbidden by rule"), "rsyslogd's line");
    assert.equal(
      host.lines(SYSLOG).some((line) => line === FORGED_ERROR || line === "line of a name"),
      false,
    );
    assert.ok(host.read(SYSLOG).includes("#012line of a name#012"));
    assert.deepEqual(await banned(SYSLOG, ["nginx-syslog"]), { "nginx-syslog": [ATTACKER] });
  });

  const GUESSES: readonly { name: string; headers: Record<string, string>; counts: number }[] = [
    { name: "no name: what a browser asks first", headers: {}, counts: 0 },
    { name: "the right password", headers: { Authorization: basic("alice", "secret") }, counts: 0 },
    { name: "a wrong password", headers: { Authorization: basic("alice") }, counts: 1 },
    { name: "an unknown name", headers: { Authorization: basic("bob") }, counts: 1 },
    { name: "a name that begins with -", headers: { Authorization: basic("-x") }, counts: 1 },
    { name: "a name of blanks", headers: { Authorization: basic("   ") }, counts: 1 },
    { name: "a name with a line feed", headers: { Authorization: basic("x\ny") }, counts: 1 },
    { name: "a name that looks like the rest of the line", headers: { Authorization: basic('- [] "GET / HTTP/1.1" 200 1 "-" "-') }, counts: 1 },
    { name: "the name -, which is written as no name is", headers: { Authorization: basic("-") }, counts: 0 },
  ]; // biome-ignore format: a table

  for (const { name, headers, counts } of GUESSES) {
    test(`counts a guess once: ${name}`, async () => {
      const found = await lines(ACCESS, 80, request("GET /basic/ HTTP/1.1", headers));
      const { stdout } = await runProgram(
        "f2b-regex",
        ["--json", "-", "nginx[nginx-auth]"],
        `${found.join("\n")}\n`,
      );
      assert.equal(
        stdout.split("\n").filter((line) => line.includes('"match":true')).length,
        counts,
        found[0],
      );
    });
  }

  test("writes lines of more than 64 KiB, of less than --max-line", async () => {
    const long = "\xff".repeat(8000);
    const [line = ""] = await lines(
      ACCESS,
      80,
      request(`GET /${"x".repeat(8000)} HTTP/1.1`, {
        Authorization: basic("\xff".repeat(5900)),
        Referer: long,
        "User-Agent": long,
      }),
    );
    assert.ok(line.length > 65_536 && line.length < 150_000, `${line.length}`);
  });
});
