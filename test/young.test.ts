import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

/** How large the young generation gets, in bytes, with a million objects of which the newest thousands live. */
function largest(watched: boolean): number {
  const script = `
    import { getHeapSpaceStatistics } from "node:v8";
    import { YoungGeneration } from ${JSON.stringify(new URL("../src/stream/young.js", import.meta.url))};
    const young = new YoungGeneration();
    const alive = [];
    for (let n = 0; n < 1_000_000; n++) {
      alive[n % 50_000] = { n, text: [n, n, n] };
      if (${watched} && n % 1000 === 0) young.watch();
    }
    console.log(getHeapSpaceStatistics().find((each) => each.space_name === "new_space").space_size);
  `;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script]));
}

test("YoungGeneration keeps it at half of what V8 lets it have, and less", () => {
  assert.ok(largest(true) <= 17_000_000);
  assert.ok(largest(false) > 17_000_000, "that it would grow is what the test rests on");
});
