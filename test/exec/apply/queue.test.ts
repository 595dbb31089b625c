import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchQueue } from "../../../src/exec/apply/queue.ts";

test("BatchQueue handles items that were pushed together as one batch, and later ones as the next", async () => {
  const batches: (readonly number[])[] = [];
  const queue = new BatchQueue<number>(async (items) => {
    batches.push(items);
    if (batches.length === 1) for (const item of [4, 5]) queue.push(item);
  }, 100);
  for (const item of [1, 2, 3]) queue.push(item);
  await queue.idle();
  assert.deepEqual(batches, [
    [1, 2, 3],
    [4, 5],
  ]);
});

test("BatchQueue handles one batch at a time", async () => {
  let busy = 0;
  const queue = new BatchQueue<number>(async (items) => {
    assert.equal(++busy, 1);
    await new Promise((resolve) => setImmediate(resolve));
    if (items[0] === 0) queue.push(1);
    busy--;
  }, 100);
  queue.push(0);
  await queue.idle();
  assert.equal(busy, 0);
});

test("BatchQueue has room again once the waiting weight is handled", async () => {
  const done: string[] = [];
  const queue = new BatchQueue<string>(async (items) => void done.push(...items), 10);
  queue.push("light", 1);
  await queue.room();
  assert.deepEqual(done, []);
  queue.push("heavy", 9);
  await queue.room();
  assert.deepEqual(done, ["light", "heavy"]);
});
