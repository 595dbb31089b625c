import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArgsSpec, readArgs, readTime, type Typed, wholeNumber } from "../../src/cli/args.ts";

const spec: ArgsSpec = {
  flags: ["replay", "quiet"],
  negatable: ["prefilter"],
  strings: ["now", "source"],
  lists: ["rules"],
  alias: { r: "rules", q: "quiet", n: "now" },
};

/** What was typed, without what was not. */
function summary(typed: Typed): object {
  const flags = ["replay", "quiet", "prefilter", "help", "version"].filter((flag) => typed.has(flag));
  return {
    flags: flags.join(" "),
    now: typed.value("now"),
    rules: typed.values("rules"),
    operands: typed.operands,
  };
}

const nothing = { flags: "prefilter", now: undefined, rules: [], operands: [] };

const understood: readonly (readonly [argv: string, expected: object])[] = [
  ["", {}],
  ["--replay", { flags: "replay prefilter" }],
  ["--replay --replay", { flags: "replay prefilter" }],
  ["--replay false", { flags: "replay prefilter", operands: ["false"] }],
  ["--no-prefilter", { flags: "" }],
  ["--no-prefilter --prefilter", {}],
  ["--now 007", { now: "007" }],
  ["--now=1e3", { now: "1e3" }],
  ["--now=a=b", { now: "a=b" }],
  ["--now=-1", { now: "-1" }],
  ["--now -1", { now: "-1" }],
  ["-n5", { now: "5" }],
  ["-r a -r b --rules c", { rules: ["a", "b", "c"] }],
  ["-r/etc/fail2ban", { rules: ["/etc/fail2ban"] }],
  ["-r./mail.yaml", { rules: ["./mail.yaml"] }],
  ["-r=sshd", { rules: ["sshd"] }],
  ["-rsshd[mode=ddos]", { rules: ["sshd[mode=ddos]"] }],
  ["-qr sshd", { flags: "quiet prefilter", rules: ["sshd"] }],
  ["-qrsshd", { flags: "quiet prefilter", rules: ["sshd"] }],
  ["-q 5", { flags: "quiet prefilter", operands: ["5"] }],
  ["-h", { flags: "prefilter help" }],
  ["--version", { flags: "prefilter version" }],
  ["a - b", { operands: ["a", "-", "b"] }],
  ["a -1 -q b", { flags: "quiet prefilter", operands: ["a", "-1", "b"] }],
  ["-q -- -q --now x", { flags: "quiet prefilter", operands: ["-q", "--now", "x"] }],
];

for (const [argv, expected] of understood) {
  test(`readArgs understands ${JSON.stringify(argv)}`, () => {
    assert.deepEqual(summary(readArgs(argv.split(" ").filter(Boolean), spec)), { ...nothing, ...expected });
  });
}

const refused: readonly (readonly [argv: string, message: string])[] = [
  ["--rule x", 'unknown option "--rule"'],
  ["--secret=x", 'unknown option "--secret="'],
  ["--no-rules", 'unknown option "--no-rules"'],
  ["--no-now", 'unknown option "--no-now"'],
  ["--no-replay", 'unknown option "--no-replay"'],
  ["--rules.x=1", 'unknown option "--rules.x="'],
  ["--constructor x", 'unknown option "--constructor"'],
  ["--__proto__ x", 'unknown option "--__proto__"'],
  ["--_ x", 'unknown option "--_"'],
  ["-x", 'unknown option "-x"'],
  ["-qx", 'unknown option "-qx"'],
  ["-q5", 'unknown option "-q5"'],
  ["--replay=false", "option --replay takes no value"],
  ["--help=x", "option --help takes no value"],
  ["--no-prefilter=x", "option --no-prefilter takes no value"],
  ["--now", "option --now needs a value"],
  ["--now=", "option --now needs a value"],
  ["-r", "option --rules needs a value"],
  ["-r --replay", "option --rules needs a value"],
  ["-q -n -- 5", "option --now needs a value"],
  ["--now 1 --now 2", "option --now was given twice"],
];

for (const [argv, message] of refused) {
  test(`readArgs refuses ${argv}`, () => {
    assert.throws(() => readArgs(argv.split(" "), spec), { name: "UsageError", code: "ERR_USAGE", message });
  });
}

test("wholeNumber accepts a number within its bounds", () => {
  const number = (text: string) =>
    wholeNumber(readArgs([`--now=${text}`], spec), "now", { min: 1, max: 100 });
  assert.equal(wholeNumber(readArgs([], spec), "now", { min: 1, max: 100 }), undefined);
  assert.equal(number("1"), 1);
  assert.equal(number("100"), 100);
  for (const text of ["0", "101", "-1", "1.5", "1e1", "0x10", " 1", "ten", "9".repeat(30)]) {
    assert.throws(() => number(text), {
      message: `option --now: expected a whole number from 1 to 100, got ${JSON.stringify(text)}`,
    });
  }
});

const times: readonly (readonly [text: string, time: string])[] = [
  ["@1795290000", "2026-11-21T19:40:00.000Z"],
  ["@1795290000.5", "2026-11-21T19:40:00.500Z"],
  ["2026-11-21T19:40:00Z", "2026-11-21T19:40:00.000Z"],
  ["2026-11-21T20:40:00+01:00", "2026-11-21T19:40:00.000Z"],
  ["2026-11-21 20:40", "2026-11-21T19:40:00.000Z"],
  ["2026-11-21", "2026-11-20T23:00:00.000Z"],
];

for (const [text, time] of times) {
  test(`readTime reads ${text}, local without a zone`, () => {
    process.env.TZ = "Europe/Zurich";
    assert.equal(new Date(readTime(text)).toISOString(), time);
  });
}

for (const text of [
  "",
  "noon",
  "@",
  "@-1",
  "@1e9",
  "2026",
  "2026-13-01",
  "2026-11-21T",
  "2026-11-21 25:00",
]) {
  test(`readTime refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => readTime(text), {
      name: "UsageError",
      message: /^option --now: expected a time such as /,
    });
  });
}
