import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import type { Jail } from "../../../src/rules/rule.ts";
import { type Alerts, CAUSES, type Cause } from "../../../src/stream/health/alerts.ts";
import { InputMonitor } from "../../../src/stream/health/input-monitor.ts";
import { StreamMonitor } from "../../../src/stream/health/stream-monitor.ts";
import type { CompiledJail } from "../../../src/stream/jail/compile-jails.ts";
import { filterRule, newJail } from "../../helpers/jail.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;
const hour = 60 * minute;

/** A sight of a log whose dated lines begin with a digit, and whose lines of another shape with `?`, and what it tells. */
class Tried {
  readonly told: string[] = [];
  readonly alerts: Alerts;
  readonly stream: StreamMonitor;
  readonly monitor: InputMonitor;

  constructor({ isLive = true, silence = 2 * hour } = {}) {
    const report = new Report("test", (line) => this.told.push(line));
    const isDated = (line: Buffer) => /^\d/.test(line.toString());
    const hasShape = (line: Buffer) => !/^\?/.test(line.toString());
    const tagOf = (line: Buffer) => /#(\w+)/.exec(line.toString())?.[1];
    this.stream = new StreamMonitor({ isLive, silence, report });
    this.alerts = this.stream.alerts;
    this.monitor = new InputMonitor({
      isLive,
      alerts: this.alerts,
      source: undefined,
      isDated,
      hasShape,
      tagOf,
    });
  }

  read(text: string): void {
    this.stream.read(NOW);
    this.monitor.read(Buffer.from(text));
  }

  /** Reads so many lines, each of which is a sample. */
  samples(count: number, beginning: string): void {
    for (let n = 0; n < count; n++) this.read(`${beginning.padEnd(100)}\n`.repeat(42));
  }

  pass(milliseconds: number, isBlocked = false): void {
    for (let left = milliseconds; left > 0; left -= minute) {
      this.stream.pass(Math.min(left, minute), isBlocked);
      this.monitor.pass(Math.min(left, minute));
    }
  }

  /** The causes that hold. */
  causes(): readonly Cause[] {
    return CAUSES.filter((cause) => this.alerts.of(cause).isOn);
  }
}

function compiled(settings: Partial<Jail>, datepattern?: string): CompiledJail {
  const filter = filterRule({ failregex: ["<HOST>"], ...(datepattern !== undefined && { datepattern }) });
  return { jail: newJail({ filter, ...settings }), filter: compileFilter(filter) };
}

const raw = compiled({ name: "raw" });
const tagged = compiled({ name: "tagged", identifier: ["app"] });
const dateless = compiled({ name: "dateless" }, "{NONE}");
const recidive = compiled({ name: "recidive", on: "ban" });

/** What makes a sight blind, and what heals it. */
const blindnesses: readonly {
  cause: Cause;
  name: string;
  blind: (tried: Tried) => void;
  healed: (tried: Tried) => void;
  told: string;
  hint?: string;
}[] = [
  {
    cause: "silence",
    name: "when there was no input for two hours",
    blind: (tried) => tried.pass(2 * hour),
    healed: (tried) => tried.read("1 a line\n"),
    told: "no input for 7200 s: is the log still written, and is the program that reads it still running?",
    hint: "--silence sets the time; 0 turns it off",
  },
  {
    cause: "stalled",
    name: "when stdout took nothing for a minute",
    blind: (tried) => tried.pass(minute, true),
    healed: (tried) => tried.pass(1),
    told: "the reader of stdout has stalled: no lines are read until it goes on",
  },
  {
    cause: "headerless",
    name: "when a jail with an identifier is shown plain lines",
    blind: (tried) => tried.monitor.use("plain", [raw, tagged]),
    healed: (tried) => tried.monitor.use("plain", [raw, recidive]),
    told: "the log is read as lines without a syslog header, which jails with an identifier do not see: tagged",
    hint: "journalctl -o json or short-iso gives it one; --format sets what each line is",
  },
  {
    cause: "mixed",
    name: "when 10 samples are of another shape",
    blind: (tried) => tried.samples(10, "?"),
    healed: (tried) => tried.samples(10, "1"),
    told: "10 sampled lines in a row do not have the log's format, and are read as plain text",
    hint: "--format sets what each line is",
  },
  {
    cause: "mixed",
    name: "when most of the first lines are not like the very first",
    blind: (tried) => {
      tried.monitor.use("rfc5424", [raw, tagged]);
      tried.monitor.compared({ format: "rfc5424", alike: "syslog", count: 5, others: 6 });
    },
    healed: (tried) => tried.monitor.compared(undefined),
    told: "the log is read as rfc5424 because its first line is, but 5 of the 6 lines after it are syslog",
    hint: "use --format syslog if that is right; lines of another shape are read as plain text",
  },
  {
    cause: "dateless",
    name: "when 20 samples have no date",
    blind: (tried) => {
      tried.monitor.use("plain", [raw]);
      tried.samples(20, "x");
    },
    healed: (tried) => tried.samples(1, "1"),
    told: "20 sampled lines in a row have no date that the rules can read: such a failure counts now",
    hint: "set datepattern to how dates are written, or use --format none if there are none",
  },
  {
    cause: "dateless",
    name: "when 10 lines that matched have no date",
    blind: (tried) => {
      tried.monitor.use("syslog", [raw]);
      for (let n = 0; n < 10; n++) tried.monitor.matched("raw", false);
    },
    healed: (tried) => tried.monitor.matched("raw", true),
    told: "[raw] 10 lines in a row that matched have no date that the rules can read: such a failure counts now",
    hint: "set datepattern to how dates are written, or use --format none if there are none",
  },
  {
    cause: "unmatched",
    name: "when no rule matched in 16 MiB",
    blind: (tried) => tried.read("x".repeat(16 * 1024 * 1024)),
    healed: (tried) => tried.monitor.matched("raw", true),
    told: "no rule has matched a line in 16 MiB of log",
    hint: "f2b-regex LOG RULES shows which lines are missed, and why",
  },
  {
    cause: "unmatched",
    name: "when no rule matched in a day",
    blind: (tried) => {
      tried.read("a line\n");
      for (let n = 0; n < 24; n++) {
        tried.pass(hour);
        tried.read("a line\n");
      }
      tried.pass(1);
    },
    healed: (tried) => tried.monitor.matched("raw", true),
    told: "no rule has matched a line in a day of log",
    hint: "f2b-regex LOG RULES shows which lines are missed, and why",
  },
  {
    cause: "tags",
    name: "when no sampled line has a tag that a jail wants",
    blind: (tried) => {
      tried.monitor.use("syslog", [tagged]);
      tried.samples(40, "1 #cron");
      tried.samples(10, "1 #su");
    },
    healed: (tried) => tried.samples(1, "1 #app"),
    told: "none of 50 sampled lines has a tag that a jail wants (app); their tags are cron, su",
    hint: "is this the right log? --set JAIL.identifier=… sets the tags of a jail",
  },
  {
    cause: "shifted",
    name: "when lines are always an hour early",
    blind: (tried) => tried.monitor.offBy(-hour, NOW),
    healed: (tried) => tried.monitor.offBy(0, NOW),
    told: "lines are always 1h early, and count as now",
    hint: "the log is in another time zone: try --tz Etc/GMT-1",
  },
  {
    cause: "shifted",
    name: "when lines are always two hours late",
    blind: (tried) => tried.monitor.offBy(2 * hour, NOW),
    healed: (tried) => tried.monitor.offBy(0, NOW),
    told: "lines are always 2h late, and count as now",
    hint: "the log is in another time zone: try --tz Etc/GMT+2",
  },
];

for (const { cause, name, blind, healed, told, hint } of blindnesses) {
  test(`InputMonitor tells of ${cause} once ${name}, until it has ended`, () => {
    process.env.TZ = "UTC";
    const tried = new Tried();
    const messages = [`warning: ${told}`, ...(hint === undefined ? [] : [`hint: ${hint}`])];
    blind(tried);
    assert.deepEqual(
      tried.told,
      messages.map((message) => `test: ${message}\n`),
    );
    assert.deepEqual(tried.causes(), [cause]);
    blind(tried);
    assert.equal(tried.told.length, messages.length, "not again while it lasts");
    healed(tried);
    assert.deepEqual(tried.causes(), []);
    assert.deepEqual(tried.alerts.of(cause), { isOn: false, times: 1 });
  });
}

/** What might be taken for blindness. */
const seeing: readonly { name: string; pass: (tried: Tried) => void; silence?: number }[] = [
  { name: "two hours less a minute without input", pass: (tried) => tried.pass(2 * hour - minute) },
  { name: "no input when nobody wants to know", silence: 0, pass: (tried) => tried.pass(100 * hour) },
  {
    name: "a day and no input at all, when nobody wants to know",
    silence: 0,
    pass: (tried) => tried.pass(25 * hour),
  },
  {
    name: "stdout that is blocked for less than a minute, again and again",
    pass: (tried) => {
      for (let n = 0; n < 10; n++) {
        tried.pass(minute - 1, true);
        tried.pass(1);
      }
    },
  },
  {
    name: "plain lines for jails that see the raw line",
    pass: (tried) => tried.monitor.use("plain", [raw, recidive]),
  },
  {
    name: "headers that no jail asks for",
    pass: (tried) => {
      tried.monitor.use("plain", [raw, recidive]);
      tried.monitor.compared({ format: "plain", alike: "syslog", count: 9, others: 9 });
    },
  },
  {
    name: "9 samples of another shape, again and again",
    pass: (tried) => {
      for (let n = 0; n < 3; n++) {
        tried.samples(9, "?");
        tried.samples(1, "1");
      }
    },
  },
  { name: "syslog for a jail with an identifier", pass: (tried) => tried.monitor.use("syslog", [tagged]) },
  {
    name: "19 samples without a date, again and again",
    pass: (tried) => {
      tried.monitor.use("plain", [raw]);
      for (let n = 0; n < 3; n++) {
        tried.samples(19, "x");
        tried.samples(1, "1");
      }
    },
  },
  {
    name: "no dates with --format none",
    pass: (tried) => {
      tried.monitor.use("none", [raw]);
      tried.samples(30, "x");
      for (let n = 0; n < 30; n++) tried.monitor.matched("raw", false);
    },
  },
  {
    name: "no dates where the datepattern says that there are none",
    pass: (tried) => {
      tried.monitor.use("plain", [dateless]);
      tried.samples(30, "x");
      for (let n = 0; n < 30; n++) tried.monitor.matched("dateless", false);
    },
  },
  {
    name: "much log, of which a rule matched the first line",
    pass: (tried) => {
      tried.monitor.matched("raw", true);
      tried.read("x".repeat(17 * 1024 * 1024));
    },
  },
];

for (const { name, pass, silence } of seeing) {
  test(`InputMonitor has nothing to say of ${name}`, () => {
    const tried = new Tried(silence === undefined ? {} : { silence });
    pass(tried);
    assert.deepEqual(tried.told, []);
  });
}

test("InputMonitor takes no input for no silence while stdout is blocked", () => {
  const tried = new Tried();
  tried.pass(5 * hour, true);
  assert.deepEqual(tried.causes(), ["stalled"]);
});

test("InputMonitor tells what comes and goes ever more rarely, and counts it", () => {
  const tried = new Tried();
  tried.monitor.matched("raw", true);
  for (let n = 0; n < 12; n++) {
    tried.pass(2 * hour);
    tried.read("1 a line\n");
  }
  const warnings = tried.told.filter((line) => line.includes("warning"));
  assert.equal(warnings.length, 2);
  assert.match(warnings[1] ?? "", /\(10 times so far\)/);
  assert.equal(tried.alerts.of("silence").times, 12);
});

test("InputMonitor is blind to dates until all that lacked them have them", () => {
  const tried = new Tried();
  tried.monitor.use("syslog", [raw, tagged]);
  for (const jail of ["raw", "tagged"]) for (let n = 0; n < 10; n++) tried.monitor.matched(jail, false);
  tried.monitor.matched("raw", true);
  assert.deepEqual(tried.causes(), ["dateless"]);
  tried.monitor.matched("tagged", true);
  assert.deepEqual(tried.causes(), []);
});
