import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Evidence } from "../src/stream/evidence.ts";
import { keyOf } from "../src/stream/key.ts";

/** Room for so many lines of up to eight bytes: 24 more each. */
const room = (lines: number) => ({ maxBytes: lines * 32 });
const [a, b, c] = [keyOf("192.0.2.1"), keyOf("2001:db8::/64"), keyOf("id c")];

test("Evidence gives the newest lines, oldest first, then forgets them", () => {
  const evidence = new Evidence(room(100));
  evidence.add(a, ["one", "two"], 1);
  evidence.add(a, ["three", "four"], 2);
  assert.deepEqual(evidence.take(a, 0, 3), ["two", "three", "four"]);
  assert.deepEqual(evidence.take(a, 0, 3), []);
});

test("Evidence leaves out lines of failures that no longer count", () => {
  const evidence = new Evidence(room(100));
  for (const time of [10, 20, 30]) evidence.add(a, [`at ${time}`], time);
  assert.deepEqual(evidence.of(a, 20), ["at 30"]);
  assert.deepEqual(evidence.take(a, 10, 10), ["at 20", "at 30"]);
});

test("Evidence drops the oldest lines, and whoever has none left", () => {
  const evidence = new Evidence(room(3));
  evidence.add(a, ["a1"], 1);
  evidence.add(b, ["b1"], 1);
  evidence.add(a, ["a2"], 2);
  evidence.add(c, ["c1"], 3);
  assert.deepEqual(evidence.of(a), ["a2"]);
  evidence.add(c, ["c2"], 3);
  assert.deepEqual(evidence.of(b), []);
  assert.deepEqual(evidence.of(c), ["c1", "c2"]);
});

test("Evidence holds no line that is larger than all its room, and none at all without room", () => {
  const evidence = new Evidence(room(1));
  evidence.add(a, ["x".repeat(9)], 1);
  assert.deepEqual(evidence.of(a), []);
  evidence.add(a, ["x".repeat(8)], 1);
  assert.deepEqual(evidence.of(a), ["x".repeat(8)]);
  const none = new Evidence({ maxBytes: 0 });
  none.add(a, ["one", ""], 1);
  assert.deepEqual(none.take(a, 0, 10), []);
});

test("Evidence shows lines without forgetting them", () => {
  const evidence = new Evidence(room(100));
  evidence.add(a, ["ünïcode", "漢😀", ""], 1);
  assert.deepEqual(evidence.of(a), ["ünïcode", "漢😀", ""]);
  assert.deepEqual(evidence.of(b), []);
  evidence.forget(a);
  assert.deepEqual(evidence.of(a), []);
});

test("Evidence agrees with a slow model: a list of lines, and how many of the newest are held", () => {
  const keys = Array.from({ length: 5 }, (_, n) => keyOf(`192.0.2.${n}`));
  const step = fc.record({
    who: fc.nat(4),
    what: fc.constantFrom("add", "add", "add", "take", "forget"),
    length: fc.nat(40),
  });
  const property = fc.property(
    fc.array(step, { maxLength: 80 }),
    fc.integer({ min: 4, max: 30 }),
    (steps, units) => {
      const size = units * 8;
      const evidence = new Evidence({ maxBytes: size });
      let model: { who: number; text: string; start: number; end: number }[] = [];
      let head = 0;
      for (const { who, what, length } of steps) {
        const key = keys[who] ?? a;
        const before = model.filter((each) => each.who === who).map(({ text }) => text);
        if (what === "take") assert.deepEqual(evidence.take(key, -1, 2), before.slice(-2));
        else if (what === "forget") evidence.forget(key);
        if (what !== "add") model = model.filter((each) => each.who !== who);
        else {
          const text = "x".repeat(length);
          evidence.add(key, [text], 1);
          const need = Math.ceil((24 + length) / 8) * 8;
          if (need <= size) {
            const left = size - (head % size);
            if (left < need) head += left;
            model.push({ who, text, start: head, end: head + need });
            head += need;
            model = model.filter(({ start }) => start >= head - size);
          }
        }
        for (const [other, each] of keys.entries()) {
          const lines = model.filter((line) => line.who === other).map(({ text }) => text);
          assert.deepEqual(evidence.of(each), lines);
        }
      }
    },
  );
  fc.assert(property, { numRuns: 1000 });
});
