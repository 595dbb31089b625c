import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { bansOf, countFailures, countsOf, fail2banCounts, table } from "../daemons/counted.ts";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import {
  POSTSCREEN,
  type PostfixOptions,
  SUBMISSION,
  startPostfix,
  startResolver,
} from "../daemons/postfix.ts";
import { base64, plain, type Step, smtp, smtpCommand, Talker } from "../daemons/talk.ts";

const LOG = "/var/log/mail.log";
/** The last label that an address has here: probe i comes from 192.0.2.(10 + i) and 2001:db8:(256 + i)::7. */
const FIRST = 10;

const HELLO = "EHLO x.example.net";
const FROM = "MAIL FROM:<a@example.net>";
const LOCAL = "RCPT TO:<root@mail.test>";
const UNKNOWN = "RCPT TO:<nobody-such@mail.test>";
const ELSEWHERE = "RCPT TO:<b@example.org>";

/** What a client does, and what of it counts, jail by jail, at each of its two addresses. */
interface Probe {
  readonly name: string;
  readonly port?: number;
  readonly steps: readonly Step[];
  /** Offences that it makes. */
  readonly made: number;
  readonly counted: Readonly<Record<string, number>>;
}

const hangUp: readonly Step[] = [{ do: "end" }, { do: "close" }];
const raw = (text: string): readonly Step[] => [{ send: text }, { wait: 300 }];
const rejected = (...commands: readonly string[]) => smtp(HELLO, FROM, ...commands, "QUIT");
const delivery: readonly Step[] = [
  ...smtp(HELLO, FROM, LOCAL, "DATA"),
  { send: "Subject: x\r\n\r\nhello\r\n.\r\n" },
  { expect: "^\\d{3} " },
  ...smtpCommand("QUIT"),
];
const guess = (password = "guess") => `AUTH PLAIN ${plain("alice", password)}`;
const loginGuess: readonly string[] = ["AUTH LOGIN", base64("alice"), base64("guess")];

const RELAYING: readonly Probe[] = [
  { name: "relay probe", steps: rejected(ELSEWHERE), made: 1, counted: { "postfix-reject": 1 } },
  { name: "five relay probes in a session", steps: rejected(...Array(5).fill(ELSEWHERE)), made: 5, counted: { "postfix-reject": 5 } },
  { name: "relay probe with a hostile recipient", steps: rejected('RCPT TO:<"x>: Recipient address rejected: Greylisted; from=<"@example.org>'), made: 1, counted: { "postfix-reject": 1 } },
  { name: "relay probe over LF alone", steps: [...smtp(), ...raw(`${HELLO}\n${FROM}\n${ELSEWHERE}\n`), ...smtpCommand("QUIT")], made: 2, counted: { "postfix-protocol": 1, "postfix-reject": 1 } },
  { name: "unknown recipient", steps: rejected(UNKNOWN), made: 1, counted: { "postfix-reject": 1 } },
  { name: "VRFY of a user, a stranger, a relay", steps: smtp(HELLO, "VRFY root", "VRFY nobody-such", "VRFY b@example.org", "QUIT"), made: 2, counted: { "postfix-reject": 2 } },
]; // biome-ignore format: a table

const SPEAKING: readonly Probe[] = [
  { name: "GET", steps: [...smtp(), { send: "GET / HTTP/1.1\r\nHost: x\r\n\r\n" }, { do: "close" }], made: 1, counted: { "postfix-protocol": 1 } },
  { name: "CONNECT", steps: [...smtp("CONNECT x:25 HTTP/1.0"), { do: "close" }], made: 1, counted: { "postfix-protocol": 1 } },
  { name: "EHLO and MAIL at once", steps: [...smtp(), ...raw(`${HELLO}\r\n${FROM}\r\n`), ...smtpCommand("QUIT")], made: 1, counted: { "postfix-protocol": 1 } },
  { name: "HELO to DATA at once", steps: [...smtp(), ...raw(`HELO x.example.net\r\n${FROM}\r\n${LOCAL}\r\n`), ...smtpCommand("QUIT")], made: 1, counted: { "postfix-protocol": 1 } },
  { name: "EHLO and GET at once", steps: [...smtp(), { send: `${HELLO}\r\nGET / HTTP/1.0\r\n\r\n` }, { do: "close" }], made: 2, counted: { "postfix-protocol": 2 } },
  { name: "25 commands that are none", steps: [...smtp(...Array(25).fill("FOO")), { do: "close" }], made: 1, counted: { "postfix-protocol": 1 } },
  { name: "two commands that are none", steps: smtp("FOO", "BAR", "QUIT"), made: 1, counted: { "postfix-empty": 1 } },
  { name: "nothing", steps: smtp(HELLO, "QUIT"), made: 1, counted: { "postfix-empty": 1 } },
  { name: "STARTTLS and nothing", steps: [...smtp(HELLO, "STARTTLS"), { do: "tls" }, ...smtpCommand(HELLO), ...smtpCommand("QUIT")], made: 1, counted: { "postfix-empty": 1 } },
  { name: "ETRN, which is refused", steps: smtp(HELLO, "ETRN example.org", "QUIT"), made: 1, counted: {} },
  { name: "a line of 3000 characters", steps: smtp(`EHLO ${"x".repeat(3000)}`, FROM, LOCAL, "QUIT"), made: 1, counted: {} },
]; // biome-ignore format: a table

const BREAKING: readonly Probe[] = [
  { name: "gone after CONNECT", steps: [...smtp(), { do: "reset" }], made: 0, counted: { "postfix-lost": 1 } },
  { name: "gone after EHLO", steps: [...smtp(HELLO), ...hangUp], made: 0, counted: { "postfix-lost": 1 } },
  { name: "gone in the TLS handshake", steps: [...smtp(HELLO, "STARTTLS"), ...hangUp], made: 0, counted: { "postfix-lost": 1 } },
  { name: "no TLS after STARTTLS", steps: [...smtp(HELLO, "STARTTLS"), { send: "hello\r\n" }, { do: "close" }], made: 0, counted: { "postfix-lost": 1 } },
  { name: "gone after RCPT", steps: [...smtp(HELLO, FROM, LOCAL), ...hangUp], made: 0, counted: {} },
  { name: "gone in DATA", steps: [...smtp(HELLO, FROM, LOCAL, "DATA"), { send: "x\r\n" }, ...hangUp], made: 0, counted: {} },
  { name: "mail", steps: delivery, made: 0, counted: {} },
]; // biome-ignore format: a table

/** As main.cf of the package has it: no SASL. */
const STOCK: readonly Probe[] = [
  ...RELAYING,
  ...SPEAKING,
  ...BREAKING,
  { name: "AUTH where none is offered", steps: smtp(HELLO, "AUTH LOGIN", "QUIT"), made: 1, counted: { "postfix-auth-refused": 1 } },
  { name: "three of them", steps: smtp(HELLO, guess(), guess(), guess(), "QUIT"), made: 1, counted: { "postfix-auth-refused": 1 } },
  { name: "AUTH where none is offered, and gone", steps: [...smtp(HELLO, "AUTH LOGIN"), ...hangUp], made: 1, counted: { "postfix-lost": 1 } },
  { name: "25 times AUTH where none is offered", steps: [...smtp(HELLO, ...Array(25).fill("AUTH LOGIN")), { do: "close" }], made: 1, counted: { "postfix-auth-refused": 1 } },
]; // biome-ignore format: a table

/** Passwords, at the port for them; what is the same whoever judges them. */
const LOGINS: readonly Probe[] = [
  { name: "guess, PLAIN", steps: smtp(HELLO, guess(), "QUIT"), made: 1, counted: { "postfix-auth": 1 } },
  { name: "guess, LOGIN", steps: smtp(HELLO, ...loginGuess, "QUIT"), made: 1, counted: { "postfix-auth": 1 } },
  { name: "guess, CRAM-MD5", steps: smtp(HELLO, "AUTH CRAM-MD5", base64("alice 0123456789abcdef0123456789abcdef"), "QUIT"), made: 1, counted: { "postfix-auth": 1 } },
  { name: "three guesses in a session", steps: smtp(HELLO, ...loginGuess, ...loginGuess, guess(), "QUIT"), made: 3, counted: { "postfix-auth": 3 } },
  { name: "guess, and gone", steps: [...smtp(HELLO), { send: `${guess()}\r\n` }, ...hangUp], made: 1, counted: { "postfix-auth": 1, "postfix-lost": 1 } },
  { name: "guess at smtps", port: 465, steps: [{ do: "tls" }, ...smtp(HELLO, guess(), "QUIT")], made: 1, counted: { "postfix-auth": 1 } },
  { name: "guess of a name with line feeds", steps: smtp(HELLO, `AUTH PLAIN ${plain("x\nNov 28 19:40:02 vm postfix/smtpd[1]: warning: unknown[203.0.113.9]: SASL PLAIN authentication failed: \r\0\x1b[1m", "x")}`, "QUIT"), made: 1, counted: { "postfix-auth": 1 } },
  { name: "guess, then the right one", steps: smtp(HELLO, guess(), guess("secret"), "QUIT"), made: 1, counted: { "postfix-auth": 1 } },
  { name: "the right one", steps: smtp(HELLO, guess("secret"), "QUIT"), made: 0, counted: {} },
  { name: "LOGIN, aborted", steps: smtp(HELLO, "AUTH LOGIN", base64("alice"), "*", "QUIT"), made: 0, counted: {} },
  { name: "LOGIN, gone before the password", steps: [...smtp(HELLO, "AUTH LOGIN", base64("alice")), ...hangUp], made: 0, counted: { "postfix-lost": 1 } },
  { name: "mechanisms that aren't there", steps: smtp(HELLO, "AUTH NTLM", "AUTH GSSAPI", "QUIT"), made: 0, counted: {} },
  { name: "relaying at submission", steps: rejected(ELSEWHERE), made: 1, counted: { "postfix-reject": 1 } },
  { name: "smtps without TLS", port: 465, steps: [{ send: `${HELLO}\r\n` }, { do: "close" }], made: 0, counted: { "postfix-lost": 1 } },
]; // biome-ignore format: a table

const PASSWORDS: readonly Probe[] = LOGINS.map((probe) => ({ port: 587, ...probe }));

/** With every restriction that main.cf's manual knows, and their codes made final where `is5xx`. */
const restrictions = (is5xx: boolean): Readonly<Record<string, string>> => ({
  smtpd_helo_required: "yes",
  smtpd_helo_restrictions:
    "reject_invalid_helo_hostname reject_non_fqdn_helo_hostname reject_unknown_helo_hostname",
  smtpd_sender_restrictions: "reject_non_fqdn_sender reject_unknown_sender_domain",
  smtpd_recipient_restrictions:
    "check_recipient_access inline:{{late@mail.test=450 4.2.0 Greylisted}} reject_non_fqdn_recipient reject_unauth_pipelining reject_rbl_client bl.test",
  ...(is5xx && {
    unknown_client_reject_code: "550",
    unknown_address_reject_code: "550",
    smtpd_relay_restrictions: "reject_unauth_destination",
    smtpd_client_restrictions: "reject_unknown_client_hostname",
  }),
});

const STRICT: readonly Probe[] = [
  { name: "HELO without a domain", steps: smtp("EHLO x", FROM, LOCAL, "QUIT"), made: 0, counted: { "postfix-misconfigured": 1 } },
  { name: "HELO that is no name", steps: smtp("EHLO x..y", FROM, LOCAL, "QUIT"), made: 0, counted: { "postfix-misconfigured": 1 } },
  { name: "HELO that doesn't exist", steps: smtp("EHLO nowhere.example", FROM, LOCAL, "QUIT"), made: 0, counted: {} },
  { name: "no HELO", steps: smtp(FROM, LOCAL, "QUIT"), made: 0, counted: {} },
  { name: "sender without a domain", steps: smtp(HELLO, "MAIL FROM:<a>", LOCAL, "QUIT"), made: 0, counted: { "postfix-misconfigured": 1 } },
  { name: "sender's domain doesn't exist", steps: smtp(HELLO, "MAIL FROM:<a@nowhere.example>", LOCAL, "QUIT"), made: 0, counted: {} },
  { name: "greylisted", steps: rejected("RCPT TO:<late@mail.test>"), made: 0, counted: {} },
  { name: "pipelining, refused", steps: [...smtp(), ...raw(`HELO x.example.net\r\n${FROM}\r\n${LOCAL}\r\n`), ...smtpCommand("QUIT")], made: 1, counted: { "postfix-protocol": 1 } },
]; // biome-ignore format: a table

const FINAL: readonly Probe[] = [
  { name: "relaying, refused for ever (554)", steps: rejected(ELSEWHERE), made: 1, counted: { "postfix-reject": 1 } },
  { name: "client without a name (550 5.7.25)", steps: rejected(LOCAL), made: 0, counted: { "postfix-misconfigured": 1 } },
]; // biome-ignore format: a table

const SCREENED: readonly Probe[] = [
  { name: "before the greeting", steps: [...raw(`${HELLO}\r\n`), { expect: "^250 " }, ...[FROM, LOCAL, "QUIT"].flatMap(smtpCommand)], made: 1, counted: { "postfix-postscreen": 1 } },
  { name: "GET before the greeting", steps: [{ send: "GET / HTTP/1.0\r\n\r\n" }, { do: "close" }], made: 1, counted: { "postfix-postscreen": 1 } },
  { name: "four faults in one connection", steps: [{ send: "a\nb\rc\x1b[1m\xe9\0d\x7f\xe2\x80\xa8\r\n" }, { do: "close" }], made: 1, counted: { "postfix-postscreen": 1 } },
  { name: "GET", steps: [...smtp(), { send: "GET / HTTP/1.0\r\n\r\n" }, { do: "close" }], made: 1, counted: { "postfix-postscreen": 1 } },
  { name: "EHLO and MAIL at once", steps: [...smtp(), ...raw(`${HELLO}\r\n${FROM}\r\n`), ...smtpCommand("QUIT")], made: 1, counted: { "postfix-postscreen": 1 } },
  { name: "on a block list", steps: rejected(LOCAL), made: 1, counted: { "postfix-reject": 1 } },
  { name: "mail, to come back for", steps: rejected(LOCAL), made: 0, counted: {} },
  { name: "gone before the greeting", steps: [{ wait: 300 }, ...hangUp], made: 0, counted: { "postfix-lost": 1 } },
  { name: "gone after EHLO", steps: [...smtp(HELLO), ...hangUp], made: 0, counted: { "postfix-lost": 1 } },
  { name: "LF alone", steps: [...smtp(), { send: `${HELLO}\n` }, { expect: "^250 " }, ...smtpCommand("QUIT")], made: 0, counted: {} },
  { name: "25 commands", steps: [...smtp(...Array(25).fill("NOOP")), { do: "close" }], made: 0, counted: {} },
  { name: "a line of 5000 characters", steps: [...smtp(`EHLO ${"x".repeat(5000)}`), { do: "close" }], made: 0, counted: {} },
  { name: "idle", steps: [...smtp(HELLO), { do: "close" }], made: 0, counted: { "postfix-lost": 1 } },
]; // biome-ignore format: a table

/** As shipped, postscreen tells and passes on; then smtpd sees the rest. */
const TOLD: readonly Probe[] = [
  { name: "before the greeting", steps: [...raw(`${HELLO}\r\n`), { expect: "^250 " }, ...[FROM, LOCAL, "QUIT"].flatMap(smtpCommand)], made: 1, counted: { "postfix-postscreen": 1 } },
  { name: "GET before the greeting", steps: [{ send: "GET / HTTP/1.0\r\n\r\n" }, { do: "close" }], made: 1, counted: { "postfix-postscreen": 1, "postfix-protocol": 1 } },
  { name: "relay probe", steps: rejected(ELSEWHERE), made: 1, counted: { "postfix-reject": 1 } },
]; // biome-ignore format: a table

const SCREEN: Readonly<Record<string, string>> = {
  postscreen_greet_wait: "2s",
  postscreen_greet_action: "enforce",
  postscreen_dnsbl_sites: "bl.test",
  postscreen_dnsbl_action: "enforce",
  postscreen_pipelining_enable: "yes",
  postscreen_pipelining_action: "enforce",
  postscreen_non_smtp_command_enable: "yes",
  postscreen_bare_newline_enable: "yes",
  postscreen_command_time_limit: "5s",
};

const repeat = (count: number, steps: readonly Step[]) => Array<readonly Step[]>(count).fill(steps);

/** What servers and mail programs do within minutes that nobody should ban. */
const HONEST: readonly [name: string, sessions: readonly (readonly Step[])[]][] = [
  ["mail, again and again", repeat(12, delivery)],
  ["mail, greylisted, tried again, delivered", [...repeat(11, rejected("RCPT TO:<late@mail.test>")), delivery]],
  ["mail from a client that greets with a bare name", repeat(12, [...smtp("EHLO printer", FROM, LOCAL, "DATA"), { send: "x\r\n.\r\n" }, { expect: "^\\d{3} " }, ...smtpCommand("QUIT")])],
  ["a mailing list with nine old addresses", [rejected(...Array(9).fill(UNKNOWN), LOCAL)]],
  ["a certificate that is not trusted", repeat(12, [...smtp(HELLO, "STARTTLS"), ...hangUp])],
  ["a line that is bad", repeat(12, [...smtp(HELLO, FROM, LOCAL, "DATA"), { send: "x\r\n" }, ...hangUp])],
  ["a monitor that connects", repeat(12, [...smtp(), ...hangUp])],
  ["a program with a login, four times", repeat(4, smtp(HELLO, "AUTH LOGIN", "QUIT"))],
  ["a queue for a domain that we forgot", repeat(9, rejected(ELSEWHERE))],
]; // biome-ignore format: a table

const skip = hostSkip("postfix", "dovecot", "dnsmasq");

describe("postfix", { skip }, () => {
  const users = { alice: "secret" };
  const cases: readonly [string, PostfixOptions, readonly Probe[]][] = [
    ["as Debian ships it", {}, STOCK],
    ["with dovecot's SASL", { sasl: "dovecot", users, services: SUBMISSION }, PASSWORDS],
    ["with cyrus' SASL", { sasl: "cyrus", users, services: SUBMISSION }, PASSWORDS],
    ["with restrictions", { main: restrictions(false) }, STRICT],
    ["with restrictions that say no for ever", { main: restrictions(true) }, FINAL],
    ["behind postscreen", { services: POSTSCREEN, main: SCREEN }, SCREENED],
    ["behind postscreen that only tells", { services: POSTSCREEN, main: { postscreen_greet_wait: "2s" } }, TOLD],
  ]; // biome-ignore format: a table
  for (const [name, options, probes] of cases) {
    test(`${name}: each offence counts as the rules say`, async (t) => {
      await using host = await DaemonHost.create();
      const addresses = probes.map((_, index) => addressesOf(index));
      await startAll(host, options, addresses, probes);
      await probeAll(host, probes);
      await compare(t, host, probes);
    });
  }

  test("a guess held back by the rate limit counts", async () => {
    await using host = await DaemonHost.create();
    const main = { smtpd_client_auth_rate_limit: "2" };
    await startAll(host, { sasl: "dovecot", users, services: SUBMISSION, main }, [["192.0.2.7"]]);
    const talker = new Talker(host);
    await talker.talk("192.0.2.7", 587, smtp(HELLO, ...Array(4).fill(guess()), "QUIT"));
    await disconnected(host, "192.0.2.7");
    assert.deepEqual(countsOf(await countFailures("postfix", host.read(LOG)), "192.0.2.7"), {
      "postfix-auth": 4,
    });
  });

  test("as Debian ships it: ten relay probes are banned, and honest clients are not", async () => {
    await using host = await DaemonHost.create();
    const clients = HONEST.map((_, index) => `192.0.2.${index + 100}`);
    const main = {
      smtpd_recipient_restrictions: "check_recipient_access inline:{{late@mail.test=450 4.2.0 Greylisted}}",
    };
    await startAll(host, { main }, [["192.0.2.7", "2001:db8:0:100::7"], clients]);
    const talker = new Talker(host);
    for (const from of ["192.0.2.7", "2001:db8:0:100::7"])
      for (let i = 0; i < 5; i++) await talker.talk(from, 25, rejected(ELSEWHERE, ELSEWHERE));
    await Promise.all(
      HONEST.map(async ([, sessions], index) => {
        const from = clients[index] as string;
        for (const steps of sessions) await talker.talk(from, 25, steps);
      }),
    );
    for (const client of clients) await disconnected(host, client);
    assert.deepEqual(await bansOf("postfix", host.read(LOG)), [
      "postfix-reject 192.0.2.7",
      "postfix-reject 2001:db8:0:100::/64",
    ]);
  });
});

type Addresses = readonly string[];

function addressesOf(index: number): Addresses {
  return [`192.0.2.${FIRST + index}`, `2001:db8:${(0x100 + index).toString(16)}::7`];
}

/** The resolver and postfix. The client of the probe "on a block list" is on bl.test, that of "refused for ever" has a name, others have none. */
async function startAll(
  host: DaemonHost,
  options: PostfixOptions,
  addresses: readonly Addresses[],
  probes: readonly Probe[] = [],
): Promise<void> {
  await host.addClients(...addresses.flat());
  const named = addresses[probes.findIndex(({ name }) => name.includes("for ever"))];
  const listed = addresses[probes.findIndex(({ name }) => name.includes("block list"))] ?? [];
  await startResolver(
    host,
    { "x.example.net": ["198.51.100.200"], ...(named && { "client.example.net": named }) },
    [
      "--mx-host=example.net,x.example.net",
      ...listed.map((address) => `--address=/${reversed(address)}.bl.test/127.0.0.2`),
    ],
  );
  await startPostfix(host, options);
}

/** An address as block lists are asked for it. */
function reversed(address: string): string {
  if (!address.includes(":")) return address.split(".").reverse().join(".");
  const [head = "", tail = ""] = address.split("::").map((part) =>
    part
      .split(":")
      .map((word) => word.padStart(4, "0"))
      .join(""),
  );
  return [...`${head.padEnd(32 - tail.length, "0")}${tail}`].reverse().join(".");
}

/** Makes every probe from both its addresses, some at a time. */
async function probeAll(host: DaemonHost, probes: readonly Probe[]): Promise<void> {
  const talker = new Talker(host);
  const calls = probes.flatMap(({ port = 25, steps }, index) =>
    addressesOf(index).map((from) => () => talker.talk(from, port, steps)),
  );
  const worker = async () => {
    for (let call = calls.shift(); call; call = calls.shift()) await call();
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  talker.close();
  for (const [index] of probes.entries())
    for (const address of addressesOf(index)) await disconnected(host, address);
}

async function disconnected(host: DaemonHost, address: string): Promise<void> {
  const isGone = () => {
    const log = host.read(LOG);
    return log.includes(`[${address}]`) && isOver(log, address);
  };
  await host.until(isGone, `the end of the session of ${address} in the log`);
}

/** Whether as many connections of an address ended as began. */
function isOver(log: string, address: string): boolean {
  const of = (pattern: string) => log.split(`${pattern}[${address}]`).length;
  const names = ["unknown", "client.example.net"];
  const isEven = names.every((name) => of(`: connect from ${name}`) === of(`: disconnect from ${name}`));
  // What postscreen passes on, smtpd ends.
  return isEven && of(": CONNECT from ") < of(": DISCONNECT ") + of(": connect from unknown");
}

/** Prints what was made and counted, here and by fail2ban, and asserts our part. */
async function compare(t: TestContext, host: DaemonHost, probes: readonly Probe[]): Promise<void> {
  const counts = await countFailures("postfix", host.read(LOG), ["postfix-misconfigured", "postfix-lost"]);
  const modes = ["normal", "more", "auth", "aggressive"];
  const peers = modes.map((mode) => fail2banCounts(host.path(LOG), `postfix[mode=${mode}]`));
  const rows = probes.map(({ name, made }, index) => {
    const [ip = ""] = addressesOf(index);
    const counted = Object.entries(countsOf(counts, ip)).map(([jail, failures]) => `${jail} ${failures}`);
    return [name, `${made}`, counted.join(", "), ...peers.map((peer) => `${peer?.get(ip) ?? 0}`)];
  });
  const head = ["probe", "made", "counted", ...modes.map((mode) => `fail2ban ${mode}`)];
  for (const line of table([head, ...rows]).split("\n")) t.diagnostic(line);
  const seen = probes.flatMap(({ name }, index) =>
    addressesOf(index).map((ip) => ({ name, ip, counted: countsOf(counts, ip) })),
  );
  const wanted = probes.flatMap(({ name, counted }, index) =>
    addressesOf(index).map((ip) => ({ name, ip, counted })),
  );
  assert.deepEqual(seen, wanted);
  assert.equal(
    [...counts.values()].some((ofJail) => ofJail.has("203.0.113.9")),
    false,
  );
}
