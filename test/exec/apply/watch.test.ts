import assert from "node:assert/strict";
import { test } from "node:test";
import { Watch } from "../../../src/exec/apply/watch.ts";
import { FakeClock } from "../../helpers/clock.ts";

/** A watch whose checks take `took` milliseconds, and what it requested. */
function setUp(took = 0) {
  const clock = new FakeClock("2026-11-21T20:00:00.000Z");
  const checks: string[] = [];
  const watch: Watch = new Watch(clock, ({ kind }) => {
    checks.push(kind);
    clock.after(took, () => watch.checked());
  });
  watch.start();
  return { clock, checks, watch };
}

test("Watch checks the rules each second, everything after 5 s and then each minute", () => {
  const { clock, checks } = setUp();
  clock.advance(5000);
  assert.deepEqual(checks, ["rules", "rules", "rules", "rules", "all"]);
  clock.advance(60_000);
  assert.equal(checks.filter((kind) => kind === "all").length, 2);
});

test("Watch checks everything less often when that takes long", () => {
  const { clock, checks } = setUp(1000);
  clock.advance(180_000);
  assert.equal(checks.filter((kind) => kind === "all").length, 1);
});

for (const [name, step] of [
  ["forward", 3_600_000],
  ["back", -3_600_000],
] as const) {
  test(`Watch notices that the wall clock jumped ${name}`, () => {
    const { clock, checks } = setUp();
    clock.advance(500);
    clock.step(step);
    clock.advance(500);
    assert.deepEqual(checks, ["clock"]);
  });
}

test("Watch requests one check at a time, and none once it is stopped", () => {
  const { clock, checks, watch } = setUp(10_000);
  clock.advance(9000);
  assert.equal(checks.length, 1);
  watch.stop();
  clock.advance(100_000);
  assert.deepEqual([checks.length, clock.timers], [1, 0]);
});
