import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LiveTimes, type Timed } from "../../../src/stream/input/live-times.ts";

const second = 1000;
const NOW = Date.UTC(2026, 10, 21, 12);

/** A line, in seconds: when it comes, and by how much it is late. */
type Line = readonly [comes: number, late: number];

/** When each line counts, in seconds: `own`, `came`, or never so far; and by how much the log is known to be late, in seconds. */
function decide(lines: readonly Line[], ends = false, hasPaused = true) {
  const times = new LiveTimes<number>();
  const decided: (string | undefined)[] = lines.map(() => undefined);
  const note = (all: readonly Timed<number>[]) => {
    for (const { failure, time } of all) {
      const [comes, late] = lines[failure] as Line;
      const own = comes - late;
      const names = new Map([
        [own + 3600, "with the hour"],
        [comes, "came"],
        [own, "own"],
      ]);
      decided[failure] = names.get((time - NOW) / second);
    }
  };
  for (const [n, [comes, late]] of lines.entries()) {
    const [time, now] = [NOW + (comes - late) * second, NOW + comes * second];
    if (times.isPlain(time, now)) note([{ failure: n, time }]);
    else note(times.add(time, now, n, hasPaused));
  }
  if (ends) note(times.end());
  const { offset } = times;
  return {
    decided: decided.map((each) => each ?? "-").join(" "),
    offset: offset === undefined ? undefined : offset / second,
  };
}

/** Lines that come every `step` seconds from `from` on, all late by the same. */
const every = (step: number, count: number, late: number, from = 0): Line[] =>
  Array.from({ length: count }, (_, n) => [from + n * step, late]);

const cases: readonly {
  name: string;
  lines: readonly Line[];
  decided: string;
  offset?: number;
  ends?: boolean;
}[] = [
  {
    name: "lines on time",
    lines: [
      [0, 0],
      [1, 60],
      [2, -60],
    ],
    decided: "own own own",
    offset: 0,
  },
  {
    name: "an hour late, all within four seconds: not known yet",
    lines: every(1, 5, 3600),
    decided: "- - - - -",
  },
  {
    name: "an hour late, within five seconds",
    lines: every(1, 6, 3600),
    decided: "came came came came came came",
    offset: 3600,
  },
  { name: "an hour late, far apart", lines: every(1000, 3, 3600), decided: "came came came", offset: 3600 },
  { name: "late by seven minutes", lines: every(10, 3, 420), decided: "came came came", offset: 420 },
  {
    name: "late by an hour, give or take two seconds",
    lines: [
      [0, 3600],
      [3, 3602],
      [6, 3599],
    ],
    decided: "came came came",
    offset: 3600,
  },
  { name: "early: from the first on", lines: every(1, 2, -3600), decided: "came came" },
  { name: "early, for five seconds", lines: every(5, 2, -3600), decided: "came came", offset: -3600 },
  {
    name: "a line that was held up on its way, in a log that is late",
    lines: [...every(5, 2, 3600), [20, 3640], [21, 3600]],
    decided: "came came with the hour came",
    offset: 3600,
  },
  {
    name: "a backlog that is read at once",
    lines: [
      [0, 3600],
      [0, 3000],
      [0, 2000],
      [0, 1000],
      [0, 0],
    ],
    decided: "own own own own own",
  },
  {
    name: "a backlog whose last line waits until the input ends",
    lines: [
      [0, 3600],
      [0, 3000],
    ],
    decided: "own own",
    ends: true,
  },
  {
    name: "a backlog of one burst: until a line is on time",
    lines: [...every(0, 3, 3600), [600, 0]],
    decided: "own own own own",
  },
  {
    name: "a backlog twice as fast as its own time",
    lines: Array.from({ length: 6 }, (_, n) => [n * 5, 3600 - n * 5] as const),
    decided: "own own own own own -",
  },
  {
    name: "a backlog that was held up for a while",
    lines: [
      [0, 3600],
      [7, 3606],
      [7, 3603],
      [7, 3600],
      [7, 3500],
    ],
    decided: "own own own own -",
  },
  {
    name: "late lines among some on time",
    lines: [
      [0, 7200],
      [1, 0],
      [2, 7200],
      [3, 0],
      [6, 7200],
      [7, 0],
      [8, 7200],
    ],
    decided: "own own own own came own came",
    offset: 7200,
  },
  {
    name: "on time again after ten lines",
    lines: [...every(5, 2, 3600), ...every(1, 10, 0, 10)],
    decided: `came came ${"own ".repeat(10).trim()}`,
    offset: 0,
  },
  {
    name: "late by another amount",
    lines: [...every(5, 2, 3600), ...every(5, 2, 7200, 100)],
    decided: "came came came came",
    offset: 7200,
  },
  {
    name: "older lines in a log that is late",
    lines: [...every(5, 2, 3600), [10, 9000], [10, 8000], [10, 3600]],
    decided: "came came own own -",
  },
];

for (const { name, lines, decided, offset, ends } of cases)
  test(`LiveTimes: ${name}`, () => assert.deepEqual(decide(lines, ends), { decided, offset }));

test("LiveTimes lets no more than a hundred failures wait", () => {
  assert.equal(decide(every(0, 101, 3600)).decided, Array(101).fill("own").join(" "));
});

/** Steps of a log's time, in seconds. */
const steps = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 60 });

test("LiveTimes: a live log that is always late by the same counts every line when it comes, once five seconds have passed", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 61, max: 100_000 }), (gaps, late) => {
      let comes = 0;
      const lines = gaps.map((gap): Line => {
        comes += gap;
        return [comes, late];
      });
      const { decided } = decide(lines);
      const isKnown = comes - (lines[0] as Line)[0] >= 5;
      assert.equal(decided, lines.map(() => (isKnown ? "came" : "-")).join(" "));
    }),
    { numRuns: 2000 },
  );
});

test("LiveTimes: a backlog that is read at once counts no line as now", () => {
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 61, max: 100_000 }),
      fc.integer({ min: 0, max: 4 }),
      (gaps, age, took) => {
        let time = 0;
        const lines = gaps.map((gap, n): Line => {
          time += gap;
          const comes = Math.floor((n * took) / gaps.length);
          return [comes, age + comes - time];
        });
        const late = lines.filter(([, late]) => late > 60);
        const { decided } = decide(late, true);
        assert.equal(decided, late.map(() => "own").join(" "));
      },
    ),
    { numRuns: 2000 },
  );
});

test("LiveTimes: until the input has paused, late lines have their own time, unless they are late by the same for five seconds", () => {
  const { decided, offset } = decide(every(2, 5, 3600), false, false);
  assert.deepEqual({ decided, offset }, { decided: "own own own came came", offset: 3600 });
});
