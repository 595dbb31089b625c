import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Evidence, NOWHERE } from "../../../src/stream/window/evidence.ts";

/** Room for so many lines of up to eight bytes: 24 more each. */
const room = (lines: number) => new Evidence({ maxBytes: lines * 32 });

/** Somebody who owns lines. */
class Owner {
  readonly #evidence: Evidence;
  readonly #number: number;
  #place = NOWHERE;

  constructor(evidence: Evidence, number = 1) {
    this.#evidence = evidence;
    this.#number = number;
  }

  add(lines: readonly string[], time = 1): void {
    const place = this.#evidence.placeOf(this.#evidence.wordOf(this.#place));
    this.#place = this.#evidence.add(place, this.#number, lines, time);
  }

  lines(since?: number, max?: number): readonly string[] {
    return this.#evidence.read(this.#place, this.#number, since, max);
  }
}

test("Evidence gives the newest lines, oldest first", () => {
  const owner = new Owner(room(100));
  assert.deepEqual(owner.lines(), []);
  owner.add(["one", "two"], 1);
  owner.add(["three", "four"], 2);
  assert.deepEqual(owner.lines(0, 3), ["two", "three", "four"]);
});

test("Evidence leaves out lines of failures that no longer count", () => {
  const owner = new Owner(room(100));
  for (const time of [10, 20, 30]) owner.add([`at ${time}`], time);
  assert.deepEqual(owner.lines(10), ["at 20", "at 30"]);
});

test("Evidence drops the oldest lines", () => {
  const evidence = room(3);
  const [a, b, c] = [new Owner(evidence, 1), new Owner(evidence, 2), new Owner(evidence, 2 ** 40)];
  a.add(["a1"]);
  b.add(["b1"]);
  a.add(["a2"]);
  c.add(["c1"]);
  assert.deepEqual(a.lines(), ["a2"]);
  c.add(["c2"]);
  assert.deepEqual(b.lines(), []);
  assert.deepEqual(c.lines(), ["c1", "c2"]);
});

test("Evidence holds no line that is larger than all its room, and none at all without room", () => {
  const owner = new Owner(room(1));
  owner.add(["x".repeat(9)]);
  assert.deepEqual(owner.lines(), []);
  owner.add(["x".repeat(8)]);
  assert.deepEqual(owner.lines(), ["x".repeat(8)]);
  const none = new Owner(new Evidence({ maxBytes: 0 }));
  none.add(["one", ""]);
  assert.deepEqual(none.lines(), []);
});

test("Evidence holds any text", () => {
  const owner = new Owner(room(100));
  const lines = ["ünïcode", "漢😀", "", "漢".repeat(2000)];
  owner.add(lines);
  assert.deepEqual(owner.lines(), lines.slice(0, 3), "the last one has no room");
});

test("Evidence agrees with a slow model: a list of lines, and how many of the newest are held", () => {
  const step = fc.record({ who: fc.nat(4), length: fc.nat(40) });
  const property = fc.property(
    fc.array(step, { maxLength: 80 }),
    fc.integer({ min: 4, max: 30 }),
    (steps, units) => {
      const size = units * 8;
      const evidence = new Evidence({ maxBytes: size });
      const owners = [0, 1, 2, 3, 4].map((number) => new Owner(evidence, number));
      let model: { who: number; text: string; start: number }[] = [];
      let head = 8;
      for (const { who, length } of steps) {
        const text = "x".repeat(length);
        owners[who]?.add([text]);
        const need = Math.ceil((24 + length) / 8) * 8;
        if (24 + length <= size) {
          const left = size - (head % size);
          if (left < 24 + length) head += left;
          model.push({ who, text, start: head });
          head += need;
          model = model.filter(({ start }) => start >= head - size);
        }
        for (const [other, owner] of owners.entries()) {
          const lines = model.filter((line) => line.who === other).map(({ text }) => text);
          assert.deepEqual(owner.lines(), lines);
        }
      }
    },
  );
  fc.assert(property, { numRuns: 1000 });
});

test("Evidence of the most bytes that the option takes holds a line", () => {
  const evidence = new Evidence({ maxBytes: 2 ** 31 - 1 });
  const place = evidence.add(NOWHERE, 1, ["a line"], 0);
  assert.deepEqual(evidence.read(place, 1), ["a line"]);
});
