import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const YOUNG = JSON.stringify(new URL("../../src/shared/v8-heap.js", import.meta.url));

/** Runs a module, which prints a number. */
function run(script: string): number {
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script]));
}

/** How large the young generation gets, in bytes, with a million objects of which the newest thousands live. */
function largest(watched: boolean): number {
  return run(`
    import { getHeapSpaceStatistics } from "node:v8";
    import { YoungGeneration } from ${YOUNG};
    const young = ${watched} && new YoungGeneration();
    const alive = [];
    for (let n = 0; n < 1_000_000; n++) {
      alive[n % 50_000] = { n, text: [n, n, n] };
      if (young && n % 1000 === 0) young.watch();
    }
    console.log(getHeapSpaceStatistics().find((each) => each.space_name === "new_space").space_size);
  `);
}

/** How much garbage gets old, in bytes, where such objects lived long before. */
function oldGarbage(): number {
  return run(`
    import { getHeapSpaceStatistics } from "node:v8";
    import { YoungGeneration } from ${YOUNG};
    new YoungGeneration();
    const alive = [];
    const make = (count, kept) => {
      for (let n = 0; n < count; n++) alive[n % kept] = { n, said: { n }, lines: [n, n, n] };
    };
    const old = () => getHeapSpaceStatistics().find((each) => each.space_name === "old_space").space_used_size;
    make(2_000_000, 300_000);
    alive.length = 0;
    let grown = 0;
    for (let round = 0; round < 200; round++) {
      const before = old();
      make(10_000, 10);
      grown += Math.max(0, old() - before);
    }
    console.log(grown);
  `);
}

test("YoungGeneration keeps its size to half of what V8 allows, or less", () => {
  assert.ok(largest(true) <= 9_000_000);
  assert.ok(largest(false) > 17_000_000, "that it would grow is what the test rests on");
});

test("YoungGeneration keeps new objects in it", () => {
  // Without it, three runs of four make 150 MB old.
  for (let runs = 0; runs < 3; runs++) assert.ok(oldGarbage() < 100_000_000);
});
