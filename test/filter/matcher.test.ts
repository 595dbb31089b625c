import assert from "node:assert/strict";
import { before, test } from "node:test";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import { Matcher } from "../../src/filter/matcher.ts";
import { filterRule, type PatternTexts } from "../helpers/jail.ts";

before(() => {
  process.env.TZ = "UTC";
});

const NOW = Date.UTC(2026, 10, 21, 12);

/** A line and what the filter says of it: `ID`, `ID user` or why not. */
type Step = readonly [line: string, verdict: string];

function newMatcher(patterns: PatternTexts): Matcher {
  return new Matcher(compileFilter(filterRule(patterns)));
}

function judge(matcher: Matcher, text: string, hasDate = false, now = NOW) {
  return matcher.match(
    { text: `${text}\n`, whole: text, hasDate, time: hasDate ? undefined : now },
    { now, clock: now },
  );
}

const tables: readonly { name: string; patterns: PatternTexts; steps: readonly Step[] }[] = [
  {
    name: "searches, takes the first failregex that matches, and its groups",
    patterns: { failregex: ["fail(?:ed)? <F-USER>\\w+</F-USER> <HOST>$", "<HOST>$"] },
    steps: [
      ["x: failed root 192.0.2.1", "192.0.2.1 root by 0"],
      ["[192.0.2.1]", "192.0.2.1 by 1"],
      ["hello!", "no-failregex"],
    ],
  },
  {
    name: "lets failregexes see the content that the prefregex took, and override its groups",
    patterns: {
      prefregex: "^app <F-USER>\\w+</F-USER> <F-CONTENT>.+</F-CONTENT>$",
      failregex: ["^from <HOST>$", "^as <F-USER>\\w+</F-USER> from <HOST>$"],
    },
    steps: [
      ["app root from 192.0.2.1", "192.0.2.1 root by 0"],
      ["app root as admin from 192.0.2.1", "192.0.2.1 admin by 1"],
      ["from 192.0.2.1", "no-prefregex"],
      ["app root to 192.0.2.1", "no-failregex"],
    ],
  },
  {
    name: "lets failregexes see all of it where the prefregex took no content",
    patterns: { prefregex: "^app <HOST>", failregex: ["^app \\S+ failed$"] },
    steps: [
      ["app 192.0.2.1 failed", "192.0.2.1 by 0"],
      ["app 192.0.2.1 done", "no-failregex"],
    ],
  },
  {
    name: "tries an ignoreregex after a hit, on what the failregex saw",
    patterns: {
      prefregex: "^app <F-CONTENT>.+</F-CONTENT>$",
      failregex: ["<HOST>$"],
      ignoreregex: ["^friend"],
    },
    steps: [
      ["app friend 192.0.2.1", "ignoreregex"],
      ["app foe 192.0.2.1", "192.0.2.1 by 0"],
      ["app friend of mine?", "no-failregex"],
    ],
  },
  {
    name: "tries few ignoreregexes first, on the whole line",
    patterns: {
      prefregex: "^app <F-CONTENT>.+</F-CONTENT>$",
      failregex: ["a <HOST>$", "b <HOST>$", "c <HOST>$", "d <HOST>$"],
      ignoreregex: ["^app friend"],
    },
    steps: [
      ["app friend a 192.0.2.1", "ignoreregex"],
      ["app friend", "ignoreregex"],
      ["app foe d 192.0.2.1", "192.0.2.1 by 3"],
    ],
  },
  {
    name: "fills an empty user with the alternatives, in the order of their names",
    patterns: {
      failregex: [
        "^<F-USER>\\w*</F-USER>,<F-ALT_USER_2>\\w*</F-ALT_USER_2>,<F-ALT_USER>\\w*</F-ALT_USER> <HOST>$",
      ],
    },
    steps: [
      ["a,b,c 192.0.2.1", "192.0.2.1 a by 0"],
      [",b,c 192.0.2.1", "192.0.2.1 c by 0"],
      [",b, 192.0.2.1", "192.0.2.1 b by 0"],
    ],
  },
  {
    name: "takes the failure id before an address, and an address before a name",
    patterns: { failregex: ["^id <F-ID>\\w+</F-ID> <HOST>$", "^<DNS> is <IP4>$", "^<HOST>$"] },
    steps: [
      ["id abc 192.0.2.1", "abc (id) by 0"],
      ["example.org is 192.0.2.1", "192.0.2.1 by 1"],
      ["example.org", "example.org (host) by 2"],
    ],
  },
  {
    name: "joins the lines of a connection",
    patterns: {
      failregex: [
        "^<F-MLFID>\\d+</F-MLFID> <F-NOFAIL>from</F-NOFAIL> <HOST>$",
        "^<F-MLFID>\\d+</F-MLFID> failed <F-USER>\\w+</F-USER>$",
        "^<F-MLFID>\\d+</F-MLFID> <F-MLFFORGET>closed</F-MLFFORGET>$",
      ],
    },
    steps: [
      ["1 from 192.0.2.1", "nofail"],
      ["2 from 192.0.2.2", "nofail"],
      ["1 failed root", "192.0.2.1 root by 1, 2 lines"],
      ["1 failed root", "192.0.2.1 root by 1"],
      ["3 failed root", "pending"],
      ["2 closed", "192.0.2.2 by 2, 2 lines"],
      ["2 failed root", "pending"],
      ["3 from 192.0.2.3", "192.0.2.3 root by 0, 2 lines"],
    ],
  },
  {
    name: "counts what says no more than that somebody tried if nothing else of the session counts",
    patterns: {
      failregex: [
        "^<F-MLFID>\\d+</F-MLFID> failed <HOST>$",
        "^<F-MLFID>\\d+</F-MLFID> guess$",
        "^<F-MLFID>\\d+</F-MLFID> <F-MLFONCE>tried</F-MLFONCE>$",
        "^<F-MLFID>\\d+</F-MLFID> <F-MLFFORGET><F-MLFONCE>left</F-MLFONCE></F-MLFFORGET> <HOST>$",
        "^<F-MLFID>\\d+</F-MLFID> <F-MLFFORGET><F-MLFGAINED>in</F-MLFGAINED></F-MLFFORGET> <HOST>$",
      ],
    },
    steps: [
      ["1 tried", "pending"],
      ["1 failed 192.0.2.1", "192.0.2.1 by 0, 2 lines"],
      ["1 tried", "nofail"],
      ["1 failed 192.0.2.1", "192.0.2.1 by 0, 2 lines"],
      ["1 left 192.0.2.1", "nofail"],
      ["1 left 192.0.2.1", "192.0.2.1 by 3"],
      ["2 tried", "pending"],
      ["2 tried", "pending"],
      ["2 left 192.0.2.2", "192.0.2.2 by 3, 3 lines"],
      ["3 guess", "pending"],
      ["3 guess", "pending"],
      ["3 tried", "pending"],
      ["3 left 192.0.2.3", "192.0.2.3 by 3, 4 lines, 2 times"],
      ["4 guess", "pending"],
      ["4 failed 192.0.2.4", "192.0.2.4 by 0, 2 lines, 2 times"],
      ["4 guess", "192.0.2.4 by 1"],
      ["5 guess", "pending"],
      ["5 in 192.0.2.5", "nofail"],
      ["5 left 192.0.2.5", "192.0.2.5 by 3"],
    ],
  },
  {
    name: "counts as often as a line says, at most a thousand times",
    patterns: { failregex: ["^(?:<F-TIMES>\\S+</F-TIMES> times )?failed <HOST>$"] },
    steps: [
      ["failed 192.0.2.1", "192.0.2.1 by 0"],
      ["5 times failed 192.0.2.1", "192.0.2.1 by 0, 5 times"],
      ["99999999 times failed 192.0.2.1", "192.0.2.1 by 0, 1000 times"],
      ["0 times failed 192.0.2.1", "192.0.2.1 by 0"],
      ["many times failed 192.0.2.1", "192.0.2.1 by 0"],
    ],
  },
  {
    name: "reports the line of its own that is no failure",
    patterns: { failregex: ["^<F-NOFAIL>from</F-NOFAIL> <HOST>$"] },
    steps: [["from 192.0.2.1", "nofail"]],
  },
  {
    name: "searches the last maxlines lines",
    patterns: { failregex: ["^login (\\d+)$<SKIPLINES>^failed \\1 <HOST>$"], maxlines: 3 },
    steps: [
      ["login 1", "no-failregex"],
      ["login 2", "no-failregex"],
      ["failed 1 192.0.2.1", "192.0.2.1 by 0, 2 lines"],
      ["failed 2 192.0.2.2", "192.0.2.2 by 0, 2 lines"],
      ["failed 2 192.0.2.2", "no-failregex"],
      ["login 3", "no-failregex"],
      ["x", "no-failregex"],
      ["x", "no-failregex"],
      ["failed 3 192.0.2.3", "no-failregex"],
    ],
  },
  {
    name: "ignores by the matched lines alone, which then leave the buffer",
    patterns: {
      failregex: ["^login$<SKIPLINES>^failed <HOST>$"],
      ignoreregex: ["friend"],
      maxlines: 5,
    },
    steps: [
      ["login", "no-failregex"],
      ["friend", "no-failregex"],
      ["failed 192.0.2.1", "192.0.2.1 by 0, 2 lines"],
      ["failed 192.0.2.1", "no-failregex"],
    ],
  },
];

function shown(verdict: ReturnType<typeof judge>): string {
  if (!verdict.match) return verdict.why;
  const { id, kind, regex, times } = verdict;
  const groups = verdict.groups();
  const user = groups.user ? ` ${groups.user}` : "";
  const attempts = verdict.lines.length;
  const lines = attempts === 1 ? "" : `, ${attempts} lines`;
  const often = times === undefined ? "" : `, ${times} times`;
  return `${id}${kind === "address" ? "" : ` (${kind})`}${user} by ${regex}${lines}${often}`;
}

for (const { name, patterns, steps } of tables) {
  test(`Matcher ${name}`, () => {
    const matcher = newMatcher(patterns);
    for (const [line, verdict] of steps) assert.equal(shown(judge(matcher, line)), verdict, line);
  });
}

const dated: readonly {
  name: string;
  line: string;
  text: string;
  time: number | undefined;
  datepattern?: string;
}[] = [
  { name: "at the beginning", line: "2026-11-21 10:00:00 x", text: " x", time: Date.UTC(2026, 10, 21, 10) },
  {
    name: "in brackets that stay",
    line: "[2026-11-21 10:00:00] [x]",
    text: "[] [x]",
    time: Date.UTC(2026, 10, 21, 10),
  },
  {
    name: "of a syslog line",
    line: "Nov 21 10:00:00 web1 x",
    text: " web1 x",
    time: Date.UTC(2026, 10, 21, 10),
  },
  { name: "that can't be", line: "2026-02-30 10:00:00 x", text: " x", time: undefined },
  { name: "that is not there", line: "x", text: "x", time: undefined },
  {
    name: "that is empty: now",
    line: "WARNING: x",
    text: "WARNING: x",
    time: NOW,
    datepattern: "^WARNING:()**",
  },
];

for (const { name, line, text, time, datepattern } of dated) {
  test(`Matcher cuts out a date ${name}`, () => {
    const patterns = {
      failregex: ["^(?P<fid>(?s:.*))\\n$"],
      ...(datepattern !== undefined && { datepattern }),
    };
    const verdict = judge(newMatcher(patterns), line, true);
    assert.ok(verdict.match);
    assert.equal(verdict.id, text);
    assert.equal(verdict.time, time);
    assert.deepEqual(verdict.lines, [line], "the evidence is the whole line");
  });
}

test("Matcher gives a line without a date the time of the last one, for a minute", () => {
  const matcher = newMatcher({ failregex: ["<HOST>$"] });
  const time = Date.UTC(2026, 10, 21, 11, 59, 30);
  judge(matcher, "2026-11-21 11:59:30 192.0.2.1", true);
  assert.equal(judge(matcher, "from 192.0.2.1", true, NOW).time, time);
  assert.equal(judge(matcher, "2026-02-30 00:00:00 192.0.2.1", true, NOW).time, time);
  assert.equal(judge(matcher, "from 192.0.2.1", true, NOW + 29_999).time, time);
  assert.equal(judge(matcher, "from 192.0.2.1", true, NOW + 30_000).time, undefined);
});

test("Matcher keeps a session over lines whose time is not known", () => {
  const matcher = newMatcher({
    failregex: [
      "^\\s*<F-MLFID>\\d</F-MLFID> <F-NOFAIL>from</F-NOFAIL> <HOST>$",
      "^\\s*<F-MLFID>\\d</F-MLFID> failed$",
    ],
  });
  judge(matcher, "2026-11-21 11:50:00 1 from 192.0.2.1", true);
  const late = judge(matcher, "1 from 192.0.2.1", true);
  assert.deepEqual([late.match, late.time], [false, undefined]);
  assert.equal(shown(judge(matcher, "2026-11-21 11:50:01 1 failed", true)), "192.0.2.1 by 1, 3 lines");
});

test("Matcher keeps at most 1,024 characters of a line as evidence", () => {
  const matcher = newMatcher({ failregex: ["^-+ <HOST>$"] });
  for (const [padding, kept] of [
    [1014, 1024],
    [1015, 1024],
    [5000, 1024],
    [10, 20],
  ] as const) {
    const verdict = judge(matcher, `${"-".repeat(padding)} 192.0.2.1`);
    assert.ok(verdict.match);
    assert.equal(verdict.lines[0]?.length, kept);
  }
});

test("Matcher has no empty evidence where a prefregex put its content into the buffer", () => {
  const matcher = newMatcher({
    prefregex: "app <F-CONTENT>.+</F-CONTENT>$",
    failregex: ["^failed <HOST>$"],
    maxlines: 3,
  });
  judge(matcher, "app login");
  const verdict = judge(matcher, "app failed 192.0.2.1");
  assert.ok(verdict.match);
  assert.deepEqual(
    verdict.lines,
    ["login"],
    "as fail2ban: the first lines of the buffer, as many as matched",
  );
});

test("Matcher dateOf reads a date and changes nothing", () => {
  const matcher = newMatcher({ failregex: ["<HOST>$"] });
  assert.equal(matcher.dateOf("2026-11-21 10:00:00 x", NOW), Date.UTC(2026, 10, 21, 10));
  assert.equal(matcher.dateOf("x", NOW), undefined);
  assert.equal(judge(matcher, "192.0.2.1", true).time, undefined);
});
