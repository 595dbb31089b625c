import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Evidence } from "../src/stream/evidence.ts";
import { keyOf } from "../src/stream/key.ts";

/** Room for so many lines of ten characters: two bytes each, and 64 for the line. */
const room = (lines: number) => ({ maxBytes: lines * 84 });
const [a, b, c] = [keyOf("192.0.2.1"), keyOf("2001:db8::/64"), keyOf("id c")];
const line = (text: string) => text.padEnd(10, ".");

test("Evidence gives the newest maxmatches lines, oldest first, then forgets them", () => {
  const evidence = new Evidence(room(100));
  evidence.add(a, ["one", "two"], 1, 3);
  evidence.add(a, ["three", "four"], 2, 3);
  assert.deepEqual(evidence.take(a, 0), ["two", "three", "four"]);
  assert.deepEqual(evidence.take(a, 0), []);
});

test("Evidence leaves out lines of failures that no longer count", () => {
  const evidence = new Evidence(room(100));
  for (const time of [10, 20, 30]) evidence.add(a, [`at ${time}`], time, 10);
  assert.deepEqual(evidence.take(a, 10), ["at 20", "at 30"]);
});

test("Evidence keeps nothing where maxmatches is 0", () => {
  const evidence = new Evidence(room(100));
  evidence.add(a, ["one"], 1, 0);
  assert.deepEqual(evidence.take(a, 0), []);
});

test("Evidence drops the lines of whoever was idle longest", () => {
  const evidence = new Evidence(room(3));
  evidence.add(a, [line("a1")], 1, 10);
  evidence.add(b, [line("b1")], 1, 10);
  evidence.add(a, [line("a2")], 2, 10);
  evidence.add(c, [line("c1")], 3, 10);
  assert.deepEqual(evidence.take(b, 0), []);
  assert.deepEqual(evidence.take(a, 0), [line("a1"), line("a2")]);
  assert.deepEqual(evidence.take(c, 0), [line("c1")]);
});

test("Evidence gets back the room of what was taken or forgotten", () => {
  const evidence = new Evidence(room(2));
  for (let turn = 0; turn < 10; turn++) {
    evidence.add(a, [line("a")], 1, 10);
    evidence.add(b, [line("b")], 1, 10);
    assert.deepEqual(evidence.take(a, 0), [line("a")]);
    evidence.forget(b);
    evidence.forget(b);
  }
});

test("Evidence holds no line that is larger than all its room", () => {
  const evidence = new Evidence(room(1));
  evidence.add(a, ["x".repeat(11)], 1, 10);
  assert.deepEqual(evidence.take(a, 0), []);
  evidence.add(a, [line("a")], 1, 10);
  assert.deepEqual(evidence.take(a, 0), [line("a")]);
});

test("Evidence shows lines without forgetting them", () => {
  const evidence = new Evidence(room(100));
  evidence.add(a, ["one", "two"], 1, 10);
  assert.deepEqual(evidence.of(a), ["one", "two"]);
  assert.deepEqual(evidence.of(b), []);
  assert.deepEqual(evidence.take(a, 0), ["one", "two"]);
  assert.deepEqual(evidence.of(a), []);
});

test("Evidence agrees with a slow model", () => {
  const keys = Array.from({ length: 8 }, (_, n) => keyOf(`192.0.2.${n}`));
  const step = fc.record({
    who: fc.nat(7),
    what: fc.constantFrom("add", "add", "take", "forget"),
    max: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      const evidence = new Evidence(room(6));
      let model: { who: number; lines: string[] }[] = [];
      for (const [turn, { who, what, max }] of steps.entries()) {
        const key = keys[who] ?? a;
        const before = model.find((each) => each.who === who)?.lines ?? [];
        model = model.filter((each) => each.who !== who);
        if (what === "take") assert.deepEqual(evidence.take(key, -1), before);
        else if (what === "forget") evidence.forget(key);
        else {
          evidence.add(key, [line(`${turn}`)], turn, max);
          if (max > 0) model.push({ who, lines: [...before, line(`${turn}`)].slice(-max) });
          while (model.flatMap(({ lines }) => lines).length > 6) model.shift();
        }
        for (const [who, key] of keys.entries())
          assert.deepEqual(evidence.of(key), model.find((each) => each.who === who)?.lines ?? []);
      }
    }),
    { numRuns: 200 },
  );
});
