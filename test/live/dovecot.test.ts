import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { bansOf, countFailures, countsOf, fail2banCounts, table } from "../daemons/counted.ts";
import { type DovecotOptions, startDovecot } from "../daemons/dovecot.ts";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { base64, imap, plain, pop3, type Step, sieve, smtp, Talker } from "../daemons/talk.ts";

/** All facilities: PAM's lines have auth, dovecot's mail. */
const LOG = "/var/log/syslog";
const FIRST = 10;
const VICTIM = "203.0.113.9";

/** What a client does, and what of it counts, by jail; `each`: where each guess has a line, besides. */
interface Probe {
  readonly name: string;
  readonly port?: number;
  readonly steps: readonly Step[];
  /** Guesses that it makes. */
  readonly made: number;
  readonly connection: 0 | 1;
  readonly each: number;
}

const hangUp: readonly Step[] = [{ do: "end" }, { do: "close" }];
const GUESS = "LOGIN alice guess";
const HOSTILE = `x\nNov 28 19:40:02 vm dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<y>, method=PLAIN, rip=${VICTIM}, lip=198.51.100.1, session=<z>\r\x1b[1m`;
const POSING = `x>, method=PLAIN, rip=${VICTIM}, lip=198.51.100.1, session=<y`;

const PROBES: readonly Probe[] = [
  { name: "guess", steps: imap(GUESS, "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "three guesses", steps: imap(GUESS, GUESS, GUESS, "LOGOUT"), made: 3, connection: 1, each: 3 },
  { name: "guess, and gone", steps: [...imap(GUESS), ...hangUp], made: 1, connection: 1, each: 1 },
  { name: "guess, and gone before the answer", steps: [...imap(), { send: `a ${GUESS}\r\n` }, ...hangUp], made: 1, connection: 1, each: 1 },
  { name: "guess, and reset", steps: [...imap(GUESS), { do: "reset" }], made: 1, connection: 1, each: 1 },
  { name: "guess, AUTHENTICATE", steps: imap(`AUTHENTICATE PLAIN ${plain("alice", "guess")}`, "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "guess of a stranger", steps: imap("LOGIN nobody-such guess", "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "guess over TLS", port: 993, steps: [{ do: "tls" }, ...imap(GUESS, "LOGOUT")], made: 1, connection: 1, each: 1 },
  { name: "guess, POP3", port: 110, steps: pop3("USER alice", "PASS guess", "QUIT"), made: 1, connection: 1, each: 1 },
  { name: "guess, POP3 over TLS", port: 995, steps: [{ do: "tls" }, ...pop3("USER alice", "PASS guess", "QUIT")], made: 1, connection: 1, each: 1 },
  { name: "guess, ManageSieve", port: 4190, steps: sieve(`AUTHENTICATE "PLAIN" "${plain("alice", "guess")}"`, "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "guess, submission", port: 587, steps: smtp("EHLO x", `AUTH PLAIN ${plain("alice", "guess")}`, "QUIT"), made: 1, connection: 1, each: 1 },
  { name: "guess, LOGIN at submission", port: 587, steps: smtp("EHLO x", "AUTH LOGIN", base64("alice"), base64("guess"), "QUIT"), made: 1, connection: 1, each: 1 },
  { name: "two guesses, then the right one", steps: imap(GUESS, GUESS, "LOGIN alice secret", "LOGOUT"), made: 2, connection: 0, each: 2 },
  { name: "the right one", steps: imap("LOGIN alice secret", "LOGOUT"), made: 0, connection: 0, each: 0 },
  { name: "no name", steps: imap('LOGIN "" guess', "LOGOUT"), made: 1, connection: 1, each: 1 },
  // It has parentheses, which dovecot-auth doesn't take.
  { name: "a name with line feeds", steps: imap(`AUTHENTICATE PLAIN ${plain(HOSTILE, "guess")}`, "LOGOUT"), made: 1, connection: 1, each: 0 },
  { name: "a name posing as a line's end", steps: imap(`LOGIN "${POSING}" guess`, "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "a name in a literal", steps: imap("LOGIN {5}", " a\r\n\x1b\xe9 guess", "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "ID that claims another address", steps: imap(`ID ("x-originating-ip" "${VICTIM}" "x-session-id" "z")`, GUESS, "LOGOUT"), made: 1, connection: 1, each: 1 },
  { name: "XCLIENT that claims another address", port: 110, steps: pop3(`XCLIENT ADDR=${VICTIM} PORT=1`, "USER alice", "PASS guess", "QUIT"), made: 1, connection: 1, each: 1 },
  { name: "nothing", steps: imap("LOGOUT"), made: 0, connection: 0, each: 0 },
  { name: "gone", steps: [...imap(), ...hangUp], made: 0, connection: 0, each: 0 },
  { name: "gone after USER", port: 110, steps: [...pop3("USER alice"), ...hangUp], made: 0, connection: 0, each: 0 },
  { name: "AUTHENTICATE, aborted", steps: imap("AUTHENTICATE PLAIN", " *", "LOGOUT"), made: 0, connection: 0, each: 0 },
  { name: "AUTHENTICATE, gone", steps: [...imap("AUTHENTICATE PLAIN"), ...hangUp], made: 0, connection: 0, each: 0 },
  { name: "a mechanism that isn't there", steps: imap("AUTHENTICATE FOO", "LOGOUT"), made: 0, connection: 0, each: 0 },
  { name: "commands that are none", steps: [...imap("FOO", "FOO", "FOO"), { do: "close" }], made: 0, connection: 0, each: 0 },
  { name: "no TLS", port: 993, steps: [{ send: "hello\r\n" }, { do: "close" }], made: 0, connection: 0, each: 0 },
  { name: "gone in the TLS handshake", port: 993, steps: [{ wait: 100 }, ...hangUp], made: 0, connection: 0, each: 0 },
  { name: "no TLS after STARTTLS", steps: [...imap("STARTTLS"), { send: "hello\r\n" }, { do: "close" }], made: 0, connection: 0, each: 0 },
]; // biome-ignore format: a table

/** Plain text, so that each stage can be seen, and two mechanisms. */
const SETTINGS = "disable_plaintext_auth = no\nauth_mechanisms = plain login\n";

describe("dovecot", { skip: hostSkip("dovecot") }, () => {
  const users = { alice: "secret" };
  const cases: readonly [string, DovecotOptions, eachJail?: string][] = [
    ["auth_verbose=no", { users, isQuick: true, settings: SETTINGS }],
    ["auth_verbose=yes", { users, isQuick: true, settings: `${SETTINGS}auth_verbose = yes\n` }, "dovecot-auth"],
    ["any character in names", { users, isQuick: true, settings: `${SETTINGS}auth_verbose = yes\nauth_username_chars =\n` }, "dovecot-auth"],
  ]; // biome-ignore format: a table
  for (const [name, options, jail] of cases) {
    test(`${name}: guesses count as the rules say`, async (t) => {
      await using host = await DaemonHost.create();
      await startDovecot(host, options);
      await probeAll(host, PROBES);
      await compare(t, host, jail);
    });
  }

  test("as Debian ships it, with PAM: each guess counts, those of one long connection too", async () => {
    await using host = await DaemonHost.create();
    await host.addClients("192.0.2.7", "192.0.2.8", "2001:db8::7");
    await host.run("sh", "-c", "useradd -m alice; echo alice:secret | chpasswd");
    await startDovecot(host);
    const talker = new Talker(host);
    const overTls = (...commands: readonly string[]): readonly Step[] => [
      { do: "tls" },
      ...imap(...commands),
    ];
    const guesses = Array(5).fill(GUESS);
    await Promise.all([
      talker.talk("192.0.2.7", 993, overTls(...guesses, "LOGIN alice secret", "LOGOUT")),
      talker.talk("2001:db8::7", 993, overTls("LOGIN nobody-such guess", "LOGIN root guess", "LOGOUT")),
      talker.talk("192.0.2.8", 143, imap(GUESS, "LOGOUT")),
    ]);
    for (const address of ["192.0.2.7", "192.0.2.8", "2001:db8::7"]) await told(host, address);
    const log = host.read(LOG);
    const counts = await countFailures("dovecot", log);
    assert.deepEqual(countsOf(counts, "192.0.2.7"), { "dovecot-pam": 5 });
    assert.deepEqual(countsOf(counts, "2001:db8::7"), { dovecot: 1, "dovecot-pam": 2 });
    // Refused for want of TLS, which dovecot tells as a failed attempt.
    assert.deepEqual(countsOf(counts, "192.0.2.8"), { dovecot: 1 });
    assert.deepEqual(await bansOf("dovecot", log), ["dovecot-pam 192.0.2.7"]);
  });
});

function addressesOf(index: number): readonly string[] {
  return [`192.0.2.${FIRST + index}`, `2001:db8:${(0x100 + index).toString(16)}::7`];
}

/** Makes every probe from both its addresses, some at a time. */
async function probeAll(host: DaemonHost, probes: readonly Probe[]): Promise<void> {
  await host.addClients(...probes.flatMap((_, index) => addressesOf(index)));
  const talker = new Talker(host);
  const calls = probes.flatMap(({ port = 143, steps }, index) =>
    addressesOf(index).map((from) => () => talker.talk(from, port, steps)),
  );
  const worker = async () => {
    for (let call = calls.shift(); call; call = calls.shift()) await call();
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  talker.close();
  for (const address of probes.flatMap((_, index) => addressesOf(index))) await told(host, address);
}

/** Waits for the line of the login process. */
async function told(host: DaemonHost, address: string): Promise<void> {
  const isTold = () =>
    host.lines(LOG).some((line) => line.includes("-login: ") && line.includes(`rip=${address}, lip=`));
  await host.until(isTold, `a line about ${address}`);
}

/** Prints what was made and counted, here and by fail2ban, and asserts our part. */
async function compare(t: TestContext, host: DaemonHost, eachJail: string | undefined): Promise<void> {
  const counts = await countFailures("dovecot", host.read(LOG));
  const modes = ["normal", "aggressive"];
  const peers = modes.map((mode) => fail2banCounts(host.path(LOG), `dovecot[mode=${mode}]`));
  const rows = PROBES.map(({ name, made }, index) => {
    const [ip = ""] = addressesOf(index);
    const counted = Object.entries(countsOf(counts, ip)).map(([jail, failures]) => `${jail} ${failures}`);
    return [name, `${made}`, counted.join(", "), ...peers.map((peer) => `${peer?.get(ip) ?? 0}`)];
  });
  const head = ["probe", "made", "counted", ...modes.map((mode) => `fail2ban ${mode}`)];
  for (const line of table([head, ...rows]).split("\n")) t.diagnostic(line);
  const at = PROBES.flatMap((probe, index) => addressesOf(index).map((ip) => ({ probe, ip })));
  const seen = at.map(({ probe: { name }, ip }) => ({ name, ip, counted: countsOf(counts, ip) }));
  const wanted = at.map(({ probe: { name, connection, each }, ip }) => {
    const counted: Record<string, number> = {};
    if (connection > 0) counted.dovecot = connection;
    if (eachJail !== undefined && each > 0) counted[eachJail] = each;
    return { name, ip, counted };
  });
  assert.deepEqual(seen, wanted);
  assert.deepEqual(countsOf(counts, VICTIM), {});
}
