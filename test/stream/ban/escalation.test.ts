import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Escalation } from "../../../src/rules/rule.ts";
import { bantimeOf } from "../../../src/stream/ban/escalation.ts";
import { newJail } from "../../helpers/jail.ts";

const plain = newJail().escalation;
const growing = { ...plain, increment: true };
const minute = 60_000;

/** Durations in minutes of the first bans of one address. */
function minutes(
  escalation: Partial<Escalation>,
  bans: number,
  bantime: number | null = 10 * minute,
): unknown[] {
  const jail = newJail({ bantime, escalation: { ...growing, ...escalation } });
  return Array.from({ length: bans }, (_, earlier) => {
    const time = bantimeOf(jail, "192.0.2.1", earlier);
    return time === null ? null : time / minute;
  });
}

const cases: readonly { name: string; escalation: Partial<Escalation>; expected: readonly number[] }[] = [
  { name: "does nothing unless asked", escalation: { increment: false, factor: 9 }, expected: [10, 10, 10] },
  { name: "doubles with each ban", escalation: {}, expected: [10, 20, 40, 80, 160] },
  {
    name: "multiplies all but the first by a factor",
    escalation: { factor: 0.5 },
    expected: [10, 10, 20, 40],
  },
  {
    name: "takes multipliers, the last one for all that follow",
    escalation: { multipliers: [1, 5, 30] },
    expected: [10, 50, 300, 300],
  },
  { name: "stops at maxtime", escalation: { maxtime: 60 * minute }, expected: [10, 20, 40, 60, 60] },
  { name: "cuts no first ban at maxtime", escalation: { maxtime: minute }, expected: [10, 1] },
];

for (const { name, escalation, expected } of cases) {
  test(`bantimeOf ${name}`, () => {
    assert.deepEqual(minutes(escalation, expected.length), expected);
  });
}

test("bantimeOf doubles twenty times at most", () => {
  const jail = newJail({ bantime: 1, escalation: growing });
  assert.equal(bantimeOf(jail, "192.0.2.1", 20), 1_048_576);
  assert.equal(bantimeOf(jail, "192.0.2.1", 1000), 1_048_576);
});

test("bantimeOf leaves a ban without an end as it is", () => {
  assert.deepEqual(minutes({ rndtime: 5 * minute }, 3, null), [null, null, null]);
});

test("bantimeOf adds at most rndtime, the same each time", () => {
  const jail = newJail({ escalation: { ...growing, maxtime: 10 * minute, rndtime: minute } });
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 50 }), (address, earlier) => {
      const time = bantimeOf(jail, address, earlier) ?? 0;
      assert.ok(time >= 10 * minute && time <= 11 * minute && Number.isInteger(time), String(time));
      assert.equal(bantimeOf(jail, address, earlier), time);
    }),
  );
  const times = new Set(Array.from({ length: 100 }, (_, i) => bantimeOf(jail, `192.0.2.${i}`, 1)));
  assert.ok(times.size > 90, "addresses differ");
});
