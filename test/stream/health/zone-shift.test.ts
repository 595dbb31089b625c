import assert from "node:assert/strict";
import { test } from "node:test";
import { ZoneShift, zoneHint } from "../../../src/stream/health/zone-shift.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** How far failures are ahead of now, and when they come; what is known at the last of them. */
const cases: readonly {
  name: string;
  failures: readonly (readonly [ahead: number, at: number])[];
  hours: number | undefined;
}[] = [
  {
    name: "is sure at the third line that is as far ahead",
    failures: [
      [2 * hour, 0],
      [2 * hour + minute, second],
      [2 * hour - minute, 2 * second],
    ],
    hours: 2,
  },
  {
    name: "is not sure at the second",
    failures: [
      [2 * hour, 0],
      [2 * hour, second],
    ],
    hours: undefined,
  },
  {
    name: "begins anew when the hours are others",
    failures: [
      [hour, 0],
      [hour, 0],
      [2 * hour, 0],
      [2 * hour, 0],
    ],
    hours: undefined,
  },
  {
    name: "begins anew behind a line that is off by something else",
    failures: [
      [hour, 0],
      [hour, 0],
      [hour / 2, 0],
      [hour, 0],
    ],
    hours: undefined,
  },
  {
    name: "minds no line on time in between",
    failures: [
      [hour, 0],
      [0, 0],
      [hour, 0],
      [-minute, 0],
      [hour, 0],
    ],
    hours: 1,
  },
  { name: "takes no day and more for a zone", failures: Array(5).fill([27 * hour, 0]), hours: undefined },
  {
    name: "is sure of late lines when they are as late for five minutes",
    failures: [
      [-hour, 0],
      [-hour, second],
      [-hour, 5 * minute],
    ],
    hours: -1,
  },
  {
    name: "takes no backlog for a shift, though much of it is an hour old",
    failures: Array.from({ length: 120 }, (_, n) => [-hour - minute + n * second, n] as const),
    hours: undefined,
  },
  {
    name: "is at ease again after ten lines on time",
    failures: [...Array(3).fill([hour, 0]), ...Array(10).fill([second, 0])],
    hours: 0,
  },
];

for (const { name, failures, hours } of cases) {
  test(`ZoneShift ${name}`, () => {
    const shift = new ZoneShift();
    let known: number | undefined;
    for (const [ahead, at] of failures) known = shift.add(ahead, at);
    assert.equal(known, hours);
  });
}

const hints: readonly (readonly [zone: string, hours: number, hint: string])[] = [
  ["UTC", 2, "try --tz Etc/GMT-2"],
  ["UTC", -5, "try --tz Etc/GMT+5"],
  ["Europe/Zurich", -1, "try --tz UTC"],
  ["Asia/Kolkata", 1, "--tz names it"],
];

for (const [zone, hours, hint] of hints) {
  test(`zoneHint in ${zone} for lines ${hours} h ahead: ${hint}`, (t) => {
    const before = process.env.TZ;
    t.after(() => {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    });
    process.env.TZ = zone;
    assert.equal(zoneHint(hours, Date.UTC(2026, 10, 21)), hint);
  });
}
