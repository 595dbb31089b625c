import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Heap } from "../../src/shared/heap.ts";

function drain<T>(heap: Heap<T>, now: number): T[] {
  const items: T[] = [];
  for (let item = heap.takeDue(now); item !== undefined; item = heap.takeDue(now)) items.push(item);
  return items;
}

test("Heap gives what is due, earliest first, ties in the order of arrival", () => {
  const heap = new Heap<string>();
  heap.add(5, "b");
  heap.add(3, "a");
  heap.add(5, "c");
  heap.add(9, "d");
  assert.equal(heap.next, 3);
  assert.deepEqual(drain(heap, 5), ["a", "b", "c"]);
  assert.equal(heap.next, 9);
  assert.equal(heap.size, 1);
});

test("Heap agrees with a stable sort, compacted or not", () => {
  const property = fc.property(
    fc.array(fc.integer({ min: 0, max: 20 })),
    fc.boolean(),
    (times, isCompacted) => {
      const heap = new Heap<number>();
      for (const [index, time] of times.entries()) heap.add(time, index);
      if (isCompacted) heap.compact((item) => item % 3 !== 0);
      const kept = [...times.keys()].filter((index) => !isCompacted || index % 3 !== 0);
      const expected = kept.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
      assert.deepEqual(drain(heap, 20), expected);
    },
  );
  fc.assert(property);
});
