import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Evidence } from "../../../src/stream/window/evidence.ts";
import { FindWindow, type WindowOptions } from "../../../src/stream/window/window.ts";

const options = { maxretry: 3, findtime: 600_000, maxKeys: 1000 };
const minute = 60_000;

/** A window of which only the failures are looked at. */
function newWindow(given: Omit<WindowOptions, "maxmatches">) {
  const window = new FindWindow({ ...given, maxmatches: 0 }, new Evidence({ maxBytes: 0 }));
  return {
    add: (name: string, time: number) => window.add(name, time, []) !== undefined,
    forget: (name: string) => window.forget(name),
    reload: (next: Omit<WindowOptions, "maxmatches">) => window.reload({ ...next, maxmatches: 0 }),
    timesOf: (name: string) => window.timesOf(name),
    get size() {
      return window.size;
    },
    get evicted() {
      return window.evicted;
    },
  };
}

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
    const window = newWindow(options);
    assert.deepEqual(
      times.map((time) => window.add("192.0.2.1", time * minute)),
      bans,
    );
  });
}

test("FindWindow bans at once with maxretry 1", () => {
  const window = newWindow({ ...options, maxretry: 1 });
  assert.equal(window.add("192.0.2.1", 0), true);
});

test("FindWindow keeps addresses apart and forgets one on demand", () => {
  const window = newWindow({ ...options, maxretry: 2 });
  window.add("192.0.2.1", 0);
  assert.equal(window.add("192.0.2.2", 0), false);
  window.forget("192.0.2.1");
  assert.equal(window.add("192.0.2.1", 0), false);
  assert.equal(window.add("192.0.2.2", 0), true);
});

test("FindWindow gives up the address idle longest", () => {
  const window = newWindow({ ...options, maxretry: 2, maxKeys: 2 });
  for (const key of ["a", "b", "a", "c"]) window.add(key, key === "a" ? minute * window.size : 0);
  assert.equal(window.evicted, 0, "a was banned and made room");
  window.add("a", 0);
  assert.equal(window.evicted, 1);
  assert.equal(window.add("c", 0), true, "c was not the idle one");
  assert.equal(window.add("b", 0), false, "b starts anew");
});

test("FindWindow tells the failures of an address that it holds", () => {
  const window = newWindow(options);
  assert.deepEqual(window.timesOf("192.0.2.1"), []);
  for (const time of [5, 2]) window.add("192.0.2.1", time);
  assert.deepEqual(window.timesOf("192.0.2.1"), [2, 5]);
  assert.deepEqual(window.timesOf("192.0.2.2"), []);
  assert.equal(window.add("192.0.2.1", 6), true, "having been asked changes nothing");
  assert.deepEqual(window.timesOf("192.0.2.1"), []);
});

test("FindWindow keeps failures when maxretry grows, and needs as many", () => {
  const window = newWindow({ ...options, maxretry: 2 });
  window.add("a", 0);
  window.reload({ ...options, maxretry: 5 });
  assert.deepEqual(
    [1, 2, 3, 4].map((time) => window.add("a", time)),
    [false, false, false, true],
  );
});

test("FindWindow goes on with other options", () => {
  const window = newWindow({ ...options, maxretry: 5 });
  window.add("a", 0);
  window.add("a", 1);
  window.reload({ ...options, maxretry: 3 });
  assert.equal(window.add("a", 2), true);
});

const DAY = 86_400_000;

/** Times that a row has no room for, and one that has: their order, and which of them bring a ban. */
const odd: { name: string; times: number[]; findtime: number; bans: boolean[] }[] = [
  {
    name: "more than 49 days apart",
    times: [0, 100 * DAY, 200 * DAY, 250 * DAY],
    findtime: 151 * DAY,
    bans: [false, false, false, true],
  },
  { name: "before 1970", times: [-DAY, -DAY + 5, -DAY + 1], findtime: 6, bans: [false, false, true] },
];

for (const { name, times, findtime, bans } of odd) {
  test(`FindWindow counts failures ${name}`, () => {
    const window = newWindow({ ...options, findtime });
    assert.deepEqual(
      times.map((time) => window.add("192.0.2.1", time)),
      bans,
    );
  });
}

test("FindWindow counts up to a large maxretry", () => {
  const window = newWindow({ ...options, maxretry: 100 });
  for (let n = 1; n < 100; n++) assert.equal(window.add("192.0.2.1", n), false);
  assert.equal(window.add("192.0.2.1", 0), true);
});

test("FindWindow rather gives up who failed once than who failed more, though later", () => {
  const window = newWindow({ ...options, maxretry: 5, maxKeys: 8 });
  for (let n = 0; n < 4; n++) window.add("198.51.100.1", n);
  for (let n = 0; n < 24; n++) window.add(`192.0.2.${n}`, n);
  assert.equal(window.size, 8);
  assert.equal(window.add("198.51.100.1", 4), true, "three times as long as a passer-by");
  for (let n = 0; n < 4; n++) window.add("198.51.100.1", n);
  for (let n = 0; n < 100; n++) window.add(`192.0.2.${n}`, n);
  assert.equal(window.add("198.51.100.1", 4), false, "not for ever");
});

/** Whether an address with `failures` is remembered when so many others have failed once behind it, and as many before. */
function survives(failures: number, others: number): boolean {
  const window = newWindow({ maxretry: failures + 1, findtime: 3_600_000, maxKeys: 10_000 });
  const flood = (first: number, count: number) => {
    for (let n = first; n < first + count; n++) window.add(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 0);
  };
  flood(0, 30_000);
  for (let n = 0; n < failures; n++) window.add("192.0.2.1", n);
  flood(30_000, others);
  assert.equal(window.size, 10_000);
  return window.add("192.0.2.1", failures);
}

/** About 0.87 of max-keys for each failure. */
const floods: readonly { failures: number; survived: number; fatal: number }[] = [
  { failures: 1, survived: 9_000, fatal: 11_000 },
  { failures: 2, survived: 17_000, fatal: 19_000 },
  { failures: 4, survived: 34_000, fatal: 37_000 },
  { failures: 9, survived: 77_000, fatal: 81_000 },
];

for (const { failures, survived, fatal } of floods) {
  test(`FindWindow of 10,000 addresses: ${failures} failures outlast ${survived} passers-by, not ${fatal}`, () => {
    assert.equal(survives(failures, survived), true);
    assert.equal(survives(failures, fatal), false);
  });
}

test("FindWindow bounds the failures that don't fit in rows, and gives up who was idle longest", () => {
  const window = newWindow({ maxretry: 100, findtime: 1000, maxKeys: 100_000, maxSpilled: 1000 });
  const name = (n: number) => `192.0.2.${n}`;
  const fail = (n: number, times: number) => {
    let isBanned = false;
    for (let time = 0; time < times; time++) isBanned = window.add(name(n), time);
    return isBanned;
  };
  for (let n = 0; n < 10; n++) fail(n, 99);
  assert.equal(window.evicted, 0);
  assert.equal(fail(0, 1), true, "there is room for ten with 99 each");
  for (let n = 10; n < 12; n++) fail(n, 99);
  assert.deepEqual([window.size, window.evicted], [10, 1]);
  assert.equal(fail(1, 1), false, "idle longest");
  assert.equal(fail(2, 1), true);
});

test("FindWindow keeps failures too sparse for a ban of many addresses, of more the newest", () => {
  const window = newWindow({ maxretry: 2, findtime: 10, maxKeys: 100_000 });
  const name = (n: number) => `198.51.${n >> 8}.${n & 255}`;
  const fail = (n: number, time: number) => window.add(name(n), time);
  for (let n = 0; n < 10_001; n++) for (const time of [0, 100]) assert.equal(fail(n, time), false);
  assert.equal(fail(0, 1), false, "the first to have two: the earlier is forgotten");
  assert.equal(fail(0, 101), true, "not the later");
  assert.equal(fail(5000, 1), true, "a late one");
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
      const window = newWindow({ maxretry, findtime, maxKeys: 100 });
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
      const alone = newWindow({ maxretry: 3, findtime: 5, maxKeys: 100 });
      const expected = ofA.map((time) => alone.add("a", time));
      const mixed = newWindow({ maxretry: 3, findtime: 5, maxKeys: 100 });
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

test("FindWindow tells the newest lines of a window, as far as they are held", () => {
  const evidence = new Evidence({ maxBytes: 1 << 16 });
  const all = { ...options, maxmatches: 4 };
  const [one, other] = [new FindWindow(all, evidence), new FindWindow(all, evidence)];
  assert.equal(one.add("a", 0, ["too old"]), undefined);
  assert.equal(one.add("a", 10 * minute, ["1a", "1b"]), undefined);
  assert.equal(other.add("a", 11 * minute, ["another window's"]), undefined);
  assert.equal(one.add("b", 11 * minute, ["another address's"]), undefined);
  assert.deepEqual(one.matchesOf("a", 0), ["1a", "1b"]);
  assert.equal(one.add("a", 12 * minute, ["2"]), undefined);
  assert.deepEqual(one.matchesOf("a", 10 * minute), ["2"]);
  assert.deepEqual(one.add("a", 13 * minute, ["3a", "3b"]), ["1b", "2", "3a", "3b"]);
  assert.deepEqual(one.matchesOf("a", 0), []);
  one.add("a", 14 * minute, ["4"]);
  one.forget("a");
  one.add("c", 14 * minute, ["in the same row"]);
  assert.deepEqual([one.matchesOf("a", 0), one.matchesOf("c", 0)], [[], ["in the same row"]]);
  const few = new FindWindow({ ...all, maxretry: 1, maxmatches: 1 }, evidence);
  assert.deepEqual(few.add("a", 0, ["x", "y"]), ["y"]);
});

test("FindWindow tells no lines where none are wanted, or none may be held", () => {
  const none = new FindWindow({ ...options, maxretry: 1, maxmatches: 0 }, new Evidence({ maxBytes: 1000 }));
  assert.deepEqual(none.add("a", 0, ["x"]), []);
  const small = new FindWindow({ ...options, maxretry: 1, maxmatches: 9 }, new Evidence({ maxBytes: 0 }));
  assert.deepEqual(small.add("a", 0, ["x"]), []);
});

test("FindWindow holds nothing of failures that are forgotten, though they did not fit in rows", () => {
  const window = newWindow({ ...options, maxretry: 5 });
  const collect = collector();
  /** Times of parts of a millisecond fit in no row. */
  const pass = (count: number) => {
    for (let index = 0; index < count; index++) {
      for (let at = 0; at < 4; at++) window.add(`192.0.2.${index % 250}`, index + at / 8);
      window.forget(`192.0.2.${index % 250}`);
    }
  };
  pass(1000);
  collect();
  const before = process.memoryUsage().heapUsed;
  pass(50_000);
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 1_000_000, `${grown} bytes are held`);
});

/** What collects garbage. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
