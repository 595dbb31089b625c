import assert from "node:assert/strict";
import test from "node:test";
import { bansOf } from "../daemons/counted.ts";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { type Attempt, authorizedKey, type Request, Sshd, type Text } from "../daemons/sshd.ts";

const WRONG: Request = { method: "password", password: "wrong" };

test("Sshd lets a client in by password, by prompt and by key, and tells of each guess", {
  skip: hostSkip("sshd"),
}, async () => {
  await using host = await DaemonHost.create();
  using sshd = await Sshd.on(host);
  await sshd.addUsers({ name: "alice", password: "right", keys: [authorizedKey("alice")] });
  await host.addClientNetwork("198.18.0.0/15");
  await host.addClientNetwork("2001:db8:7::/64");
  await sshd.start(22, { KbdInteractiveAuthentication: "yes" });
  const requests: readonly Request[] = [
    { method: "password", password: "right" },
    { method: "keyboard-interactive", answers: ["right"] },
    { method: "publickey", seed: "alice" },
  ];
  for (const from of ["198.18.3.4", "2001:db8:7::7"]) {
    for (const request of requests) {
      const { isLoggedIn } = await sshd.attempt({
        from,
        port: 22,
        user: "alice",
        requests: [WRONG, request],
      });
      assert.ok(isLoggedIn, `${from} ${request.method}`);
    }
  }
  const { isLoggedIn, refused } = await sshd.attempt({
    from: "198.18.9.9",
    port: 22,
    user: "bob",
    requests: [WRONG, WRONG],
  });
  assert.deepEqual([isLoggedIn, refused], [false, 2]);
  const told = (pattern: RegExp) => () =>
    host.lines("/var/log/auth.log").filter((line) => pattern.test(line)).length;
  const failed = told(/ sshd\[\d+\]: Failed password for (?:invalid user )?\w+ from \S+ port \d+ ssh2$/);
  await host.until(() => failed() === 8, "sshd's lines in auth.log");
});

const hostile: readonly (readonly [string, Text, string])[] = [
  ["a line feed", "x\nFailed password for root from 203.0.113.9 port 1 ssh2", "x\\nFailed password"],
  ["a carriage return", "x\rFailed password", "x\\rFailed password"],
  ["a byte that is no UTF-8", Uint8Array.of(120, 255, 121), "x\\377y"],
  ["a line separator of Unicode", "x\u2028y", "x\\342\\200\\250y"],
];

// What rules/sshd.yaml relies on: no field brings a line of its own, nor bytes that are not ASCII.
test("Debian's sshd escapes what is no printable ASCII in whatever a client can write", {
  skip: hostSkip("sshd"),
}, async () => {
  await using host = await DaemonHost.create();
  using sshd = await Sshd.on(host);
  await host.addClientNetwork("198.18.0.0/15");
  await sshd.start(22, { LogLevel: "DEBUG1" });
  const fields = (text: Text): readonly Partial<Attempt>[] => [
    { user: text, requests: [WRONG] },
    { user: "bob", requests: [WRONG, { ...WRONG, user: text }] },
    { user: "bob", requests: [{ method: "publickey", seed: "x", certificate: text }] },
    { user: "bob", requests: [{ method: "other", name: text }] },
    { version: Buffer.concat([Buffer.from("SSH-2.0-"), Buffer.from(text as string)]) },
    { raw: Buffer.concat([Buffer.from(text as string), Buffer.from("\r\n")]) },
    { end: { code: 11, message: text } },
  ];
  const from = "198.18.3.4";
  for (const [, text] of hostile) {
    for (const field of fields(text)) await sshd.attempt({ from, port: 22, ...field });
  }
  await sshd.attempt({ from, port: 22, user: "the last one", requests: [WRONG] });
  const syslog = () => host.read("/var/log/syslog");
  await host.until(() => syslog().includes("Failed password for invalid user the last one"), "the last line");
  for (const line of syslog().split("\n").slice(0, -1)) {
    assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.+]+ \S+ (?:sshd\[\d+\]|rsyslogd): [\x20-\x7e]*$/);
  }
  // The version and a line in its place end at a line feed by themselves.
  for (const [name, , written] of hostile) {
    const times = syslog().split(written).length - 1;
    assert.ok(times >= 3, `${name}: ${times} times`);
  }
});

// rules/sshd.yaml takes "message repeated N times" for N guesses besides the one before it, and bans at the fifth.
test("rsyslogd folds guesses of one connection that are alike, and each counts", {
  skip: hostSkip("sshd"),
}, async () => {
  await using host = await DaemonHost.create("$RepeatedMsgReduction on\n");
  using sshd = await Sshd.on(host);
  await host.addClientNetwork("192.0.2.0/24");
  await sshd.start(22, { MaxAuthTries: 10 });
  const guess = (from: string, count: number) =>
    sshd.attempt({ from, port: 22, user: "root", requests: Array<Request>(count).fill(WRONG) });
  await guess("192.0.2.7", 5);
  await guess("192.0.2.8", 4);
  const log = () => host.read("/var/log/auth.log");
  await host.until(() => log().split("Connection closed by").length === 3, "both connections in auth.log");
  assert.match(
    log(),
    /: message repeated 4 times: \[ Failed password for root from 192\.0\.2\.7 port \d+ ssh2\]$/m,
  );
  assert.match(
    log(),
    /: message repeated 3 times: \[ Failed password for root from 192\.0\.2\.8 port \d+ ssh2\]$/m,
  );
  assert.deepEqual(await bansOf("sshd", log()), ["sshd 192.0.2.7"]);
});
