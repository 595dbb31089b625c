import assert from "node:assert/strict";
import { before, test } from "node:test";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import { plural } from "../../src/shared/plural.ts";
import { formatStats } from "../../src/stream/health/stats.ts";
import type { CompiledJail } from "../../src/stream/jail/compile-jails.ts";
import { TestEngine } from "../helpers/engine.ts";
import { filterRule, newJail } from "../helpers/jail.ts";

// Whoever writes the first lines of a log decides of nobody's lines but his own.

before(() => {
  process.env.TZ = "UTC";
});

const NOW = Date.UTC(2026, 10, 21, 12);

function jail(name: string, failregex: string, settings: Parameters<typeof newJail>[0] = {}): CompiledJail {
  const filter = filterRule({ failregex: [failregex] });
  return { jail: newJail({ name, filter, maxretry: 1, ...settings }), filter: compileFilter(filter) };
}

const JAILS: readonly CompiledJail[] = [
  jail("raw", "^\\s*<ADDR> denied$"),
  jail("sshd", "^Failed for <ADDR>$", { identifier: ["sshd"] }),
  jail("whole", "^\\s*web1 sshd\\[1\\]: Failed for <ADDR>$"),
  jail("unit", "Failed for <ADDR>$", {
    journalmatch: [new Map([["_SYSTEMD_UNIT", new Set(["ssh.service"])]])],
  }),
];

const raw = (ip: string) => `2026-11-21 11:59:59 ${ip} denied`;
const syslog = (ip: string) => `Nov 21 11:59:59 web1 sshd[1]: Failed for ${ip}`;
const journal = (ip: string) =>
  `{"__REALTIME_TIMESTAMP":"1795262399000000","_SYSTEMD_UNIT":"ssh.service","_HOSTNAME":"web1","SYSLOG_IDENTIFIER":"sshd","_PID":"1","MESSAGE":"Failed for ${ip}"}`;

const FIRST_LINES = [
  '{"MESSAGE":1}',
  '{"__REALTIME_TIMESTAMP":"1795262399000000","MESSAGE":"x"}',
  "Nov 21 11:59:59 web1 cron[1]: x",
  "<38>Nov 21 11:59:59 web1 cron[1]: x",
  "<38>1 2026-11-21T11:59:59Z web1 cron 1 - - x",
  "Sat 2026-11-21 11:59:59 UTC web1 cron[1]: x",
  "1795262399.000000 web1 cron[1]: x",
  "[   12.345678] web1 cron[1]: x",
  "x",
];

/** What is written, told and counted of a log, with the gate; without, it is the same. */
function seen(lines: readonly string[], options: ConstructorParameters<typeof TestEngine>[2] = {}) {
  const [gated, open] = [true, false].map((prefilter) => {
    const tried = new TestEngine(JAILS, NOW, { prefilter, ...options });
    for (const line of lines) tried.push(`${line}\n`, NOW);
    return { commands: tried.commands(), told: tried.told, stats: formatStats(tried.engine) };
  });
  assert.deepEqual(gated, open, "--no-prefilter changes nothing");
  return gated ?? assert.fail();
}

const bans = (commands: readonly string[]) => commands.filter((each) => each.startsWith("ban "));

for (const first of FIRST_LINES) {
  test(`Engine bans by a plain log whose first lines are ${first} as if they were not there`, () => {
    const lines = ["192.0.2.1", "192.0.2.2", "2001:db8::7"].map(raw);
    for (const count of [1, 10, 20]) {
      const { commands } = seen([...Array<string>(count).fill(first), ...lines]);
      assert.deepEqual(bans(commands), ["ban raw 192.0.2.1", "ban raw 192.0.2.2", "ban raw 2001:db8::/64"]);
    }
  });
}

/** What a log gives whose first line settles one shape, and in which lines of others stand. */
const mixed: readonly {
  name: string;
  first: string;
  line: string;
  bans: readonly string[];
  stray?: number;
}[] = [
  {
    name: "a journal's entry",
    first: journal("192.0.2.1"),
    line: journal("192.0.2.7"),
    bans: ["ban sshd 192.0.2.7", "ban whole 192.0.2.7", "ban unit 192.0.2.7"],
  },
  {
    name: "syslog in a journal: only jails of raw lines without a journalmatch see it",
    first: journal("192.0.2.1"),
    line: syslog("192.0.2.7"),
    bans: ["ban whole 192.0.2.7"],
    stray: 1,
  },
  {
    name: "a plain line in a journal",
    first: journal("192.0.2.1"),
    line: raw("192.0.2.7"),
    bans: ["ban raw 192.0.2.7"],
    stray: 1,
  },
  {
    name: "what journalctl writes between entries",
    first: journal("192.0.2.1"),
    line: "-- No entries --",
    bans: [],
  },
  {
    name: "a journal's entry in syslog: text",
    first: syslog("192.0.2.1"),
    line: journal("192.0.2.7"),
    bans: [],
  },
  {
    name: "a line with PRI in syslog: text",
    first: syslog("192.0.2.1"),
    line: `<38>${syslog("192.0.2.7")}`,
    bans: ["ban unit 192.0.2.7"],
  },
  {
    name: "a plain line in syslog",
    first: syslog("192.0.2.1"),
    line: raw("192.0.2.7"),
    bans: ["ban raw 192.0.2.7"],
  },
  {
    name: "syslog in a plain log: no header",
    first: raw("192.0.2.1"),
    line: syslog("192.0.2.7"),
    bans: ["ban whole 192.0.2.7", "ban unit 192.0.2.7"],
  },
  {
    name: "a journal's entry in a plain log: text",
    first: raw("192.0.2.1"),
    line: journal("192.0.2.7"),
    bans: [],
  },
];

for (const { name, first, line, bans: wanted, stray = 0 } of mixed) {
  test(`Engine reads ${name}`, () => {
    const { commands, stats } = seen([first, line]);
    assert.deepEqual(
      bans(commands).filter((each) => !each.endsWith("192.0.2.1")),
      wanted,
    );
    const counted = stats.filter((each) => each.includes("another shape"));
    assert.deepEqual(counted, stray ? [`${plural(stray, "line")} of another shape than the format's`] : []);
  });
}

test("Engine tells at once of a first line that is torn, and what to do", () => {
  const { commands, told } = seen(["d[1]: Failed", ...Array<string>(12).fill(syslog("192.0.2.7"))]);
  assert.deepEqual(bans(commands).slice(0, 1), ["ban whole 192.0.2.7"]);
  assert.deepEqual(told.slice(0, 2), [
    "warning: the log is read as lines without a syslog header, which jails with an identifier do not see: sshd",
    "hint: journalctl -o json or short-iso gives it one; --format sets what each line is",
  ]);
  const mixed = told.findIndex((each) => each.includes("because its first line is"));
  assert.deepEqual(told.slice(mixed, mixed + 2), [
    "warning: the log is read as plain because its first line is, but 3 of the 3 lines after it are syslog",
    "hint: use --format syslog if that is right; lines of another shape are read as plain text",
  ]);
});

test("Engine tells of a shape that a torn first line has from a stranger", () => {
  const { told } = seen([
    "<38>1 - - - - - - x",
    ...Array<string>(12).fill("Nov 21 11:59:59 web1 cron[1]: x"),
  ]);
  assert.deepEqual(told, [
    "warning: the log is read as rfc5424 because its first line is, but 3 of the 3 lines after it are syslog",
    "hint: use --format syslog if that is right; lines of another shape are read as plain text",
  ]);
});

test("Engine tells of lines among journal entries that are none, ever more rarely, and counts them", () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line \x1b ${index}`);
  const { told, stats } = seen([journal("192.0.2.1"), ...lines]);
  const says = (index: number) =>
    `warning: a line is not a journal entry and is read as plain text: line \\x1b ${index}`;
  const hint = "hint: --format sets what each line is";
  assert.deepEqual(
    told.filter((each) => each.includes("not a journal entry") || each === hint),
    [says(0), hint, `${says(9)} (10 times so far)`, hint, `${says(99)} (100 times so far)`, hint],
  );
  assert.ok(stats.includes("100 lines of another shape than the format's"));
});

test("Engine counts samples of another shape in syslog, and tells of ten in a row", () => {
  const lines = Array<string>(600).fill("x".repeat(100));
  const { told, stats } = seen([...Array<string>(12).fill(syslog("192.0.2.1")), ...lines]);
  assert.ok(
    stats.some((each) => /^1\d lines of another shape than the format's$/.test(each)),
    stats.join(),
  );
  assert.ok(told.some((each) => each.includes("10 sampled lines in a row do not have the log's format")));
});

test("Engine keeps to a format that it was given", () => {
  const lines = [journal("192.0.2.1"), syslog("192.0.2.7")];
  assert.deepEqual(bans(seen(lines, { format: "syslog" }).commands), [
    "ban sshd 192.0.2.7",
    "ban whole 192.0.2.7",
    "ban unit 192.0.2.7",
  ]);
});

test("Engine gives a plain line without a date among journal entries the time of the entry before it", () => {
  const tried = new TestEngine(JAILS, NOW, { isLive: false });
  for (const line of [journal("192.0.2.1"), "192.0.2.7 denied"]) tried.push(`${line}\n`, NOW);
  assert.match(tried.lines.at(-1) ?? "", /"ip":"192.0.2.7","time":"2026-11-21T11:59:59.000Z"/);
});
