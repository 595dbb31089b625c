import assert from "node:assert/strict";
import { test } from "node:test";
import { runWithin } from "../../src/python/time-limit.ts";

/** Waits without computing: to the process it is as if others had the processor. */
function stall(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test("runWithin gives what the function gives", () => {
  assert.deepEqual(
    runWithin(1000, () => "found"),
    { result: "found" },
  );
});

test("runWithin stops what computes too long, once", () => {
  let runs = 0;
  const endless = () => {
    runs++;
    for (;;);
  };
  assert.equal(runWithin(200, endless), undefined);
  assert.ok(runs === 1 || runs === 2, "a second time where the machine is busy");
});

test("runWithin runs again what was stopped while others computed", () => {
  let runs = 0;
  const task = () => {
    if (runs++ === 0) stall(10_000);
    return "found";
  };
  assert.deepEqual(runWithin(20, task), { result: "found" });
});

test("runWithin waits ten times as long at most", () => {
  let runs = 0;
  const task = () => {
    runs++;
    stall(60_000);
  };
  assert.equal(runWithin(5, task), undefined);
  assert.equal(runs, 2);
});

test("runWithin lets errors pass", () => {
  assert.throws(
    () =>
      runWithin(1000, () => {
        throw new RangeError("mine");
      }),
    { message: "mine" },
  );
});
