import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FindWindow } from "../src/stream/window.ts";

const options = { maxretry: 3, findtime: 600_000, maxKeys: 1000 };
const minute = 60_000;

const cases: { name: string; times: number[]; bans: boolean[] }[] = [
  { name: "bans at the third failure", times: [0, 1, 2], bans: [false, false, true] },
  { name: "forgets a failure as old as findtime", times: [0, 5, 10], bans: [false, false, false] },
  { name: "counts a failure a millisecond younger", times: [0.001, 5, 10], bans: [false, false, true] },
  {
    name: "starts from zero after a ban",
    times: [0, 0, 0, 1, 1, 1],
    bans: [false, false, true, false, false, true],
  },
  { name: "takes failures out of order", times: [9, 0, 4], bans: [false, false, true] },
  { name: "finds a window in the past", times: [0, 30, 60, 1, 2], bans: [false, false, false, false, true] },
];

for (const { name, times, bans } of cases) {
  test(`FindWindow ${name}`, () => {
    const window = new FindWindow(options);
    assert.deepEqual(
      times.map((time) => window.add("192.0.2.1", time * minute)),
      bans,
    );
  });
}

test("FindWindow bans at once with maxretry 1", () => {
  const window = new FindWindow({ ...options, maxretry: 1 });
  assert.equal(window.add("192.0.2.1", 0), true);
});

test("FindWindow keeps addresses apart and forgets one on demand", () => {
  const window = new FindWindow({ ...options, maxretry: 2 });
  window.add("192.0.2.1", 0);
  assert.equal(window.add("192.0.2.2", 0), false);
  window.forget("192.0.2.1");
  assert.equal(window.add("192.0.2.1", 0), false);
  assert.equal(window.add("192.0.2.2", 0), true);
});

test("FindWindow gives up the address idle longest", () => {
  const window = new FindWindow({ ...options, maxretry: 2, maxKeys: 2 });
  for (const key of ["a", "b", "a", "c"]) window.add(key, key === "a" ? minute * window.size : 0);
  assert.equal(window.evicted, 0, "a was banned and made room");
  window.add("a", 0);
  assert.equal(window.evicted, 1);
  assert.equal(window.add("c", 0), true, "c was not the idle one");
  assert.equal(window.add("b", 0), false, "b starts anew");
});

test("FindWindow goes on with other options", () => {
  const window = new FindWindow({ ...options, maxretry: 5 });
  window.add("a", 0);
  window.add("a", 1);
  window.reload({ ...options, maxretry: 3 });
  assert.equal(window.add("a", 2), true);
});

/** All failures of one address since its last ban; a ban when any maxretry of them lie less than findtime apart. */
function slowModel(times: readonly number[], maxretry: number, findtime: number): boolean[] {
  let since: number[] = [];
  return times.map((time) => {
    since.push(time);
    const isBanned = since.some(
      (first) => since.filter((other) => other >= first && other - first < findtime).length >= maxretry,
    );
    if (isBanned) since = [];
    return isBanned;
  });
}

test("FindWindow agrees with a slow model over all failures, in any order", () => {
  const failure = fc.record({ key: fc.constantFrom("a", "b", "c"), time: fc.integer({ min: 0, max: 60 }) });
  const property = fc.property(
    fc.array(failure, { maxLength: 60 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 20 }),
    (failures, maxretry, findtime) => {
      const window = new FindWindow({ maxretry, findtime, maxKeys: 100 });
      const got = failures.map(({ key, time }) => ({ key, isBanned: window.add(key, time) }));
      for (const key of ["a", "b", "c"]) {
        const times = failures.filter((each) => each.key === key).map(({ time }) => time);
        const bans = got.filter((each) => each.key === key).map(({ isBanned }) => isBanned);
        assert.deepEqual(bans, slowModel(times, maxretry, findtime));
      }
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

test("FindWindow does not care how addresses are interleaved", () => {
  const times = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 });
  fc.assert(
    fc.property(times, times, (ofA, ofB) => {
      const alone = new FindWindow({ maxretry: 3, findtime: 5, maxKeys: 100 });
      const expected = ofA.map((time) => alone.add("a", time));
      const mixed = new FindWindow({ maxretry: 3, findtime: 5, maxKeys: 100 });
      const got: boolean[] = [];
      for (let i = 0; i < Math.max(ofA.length, ofB.length); i++) {
        const [a, b] = [ofA[i], ofB[i]];
        if (b !== undefined) mixed.add("b", b);
        if (a !== undefined) got.push(mixed.add("a", a));
      }
      assert.deepEqual(got, expected);
    }),
  );
});
