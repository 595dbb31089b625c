import assert from "node:assert/strict";
import { test } from "node:test";
import { describeOffset, zoneHint } from "../../../src/stream/health/zone-shift.ts";

const minute = 60_000;
const hour = 60 * minute;

const offsets: readonly (readonly [late: number, text: string])[] = [
  [hour, "1h late"],
  [-5 * hour - minute, "5h early"],
  [5.5 * hour + 2 * minute, "5h 30m late"],
  [7 * minute, "7m late"],
  [-3 * minute, "3m early"],
  [27 * hour, "1d 3h late"],
];

for (const [late, text] of offsets)
  test(`describeOffset: ${late} ms are ${text}`, () => assert.equal(describeOffset(late), text));

const anotherZone = "the log is in another time zone: try --tz";
const hints: readonly (readonly [zone: string, late: number, hint: string])[] = [
  ["UTC", -2 * hour, `${anotherZone} Etc/GMT-2`],
  ["UTC", 5 * hour, `${anotherZone} Etc/GMT+5`],
  ["Europe/Berlin", hour + 1500, `${anotherZone} UTC`],
  ["America/New_York", -5 * hour, `${anotherZone} UTC`],
  ["Asia/Kolkata", 5.5 * hour, `${anotherZone} UTC`],
  ["UTC", -5.75 * hour, `${anotherZone} Asia/Katmandu`],
  ["UTC", 7 * minute, "the clock of the host that writes them is wrong"],
  ["UTC", 27 * hour, "the clock of the host that writes them is wrong"],
  [
    "UTC",
    13 * hour,
    "the log is in another time zone, or the clock of its writer is wrong: --tz sets the zone",
  ],
];

for (const [zone, late, hint] of hints) {
  test(`zoneHint in ${zone} for lines ${describeOffset(late)}: ${hint}`, (t) => {
    const before = process.env.TZ;
    t.after(() => {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    });
    process.env.TZ = zone;
    assert.equal(zoneHint(late, Date.UTC(2026, 10, 21)), hint);
  });
}
