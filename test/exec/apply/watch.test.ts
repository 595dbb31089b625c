import assert from "node:assert/strict";
import { test } from "node:test";
import { Watch } from "../../../src/exec/apply/watch.ts";
import { FakeClock } from "../../helpers/clock.ts";

/** A watch whose looks take no time, and what it asked for. */
function setUp(took = 0) {
  const clock = new FakeClock("2026-11-21T20:00:00.000Z");
  const looks: string[] = [];
  const watch: Watch = new Watch(clock, ({ kind }) => {
    looks.push(kind);
    clock.after(took, () => watch.looked());
  });
  watch.start();
  return { clock, looks, watch };
}

test("Watch looks at the rules each second, at all after 5 s and then each minute", () => {
  const { clock, looks } = setUp();
  clock.advance(5000);
  assert.deepEqual(looks, ["rules", "rules", "rules", "rules", "all"]);
  clock.advance(60_000);
  assert.equal(looks.filter((kind) => kind === "all").length, 2);
});

test("Watch looks at all less often when that takes long", () => {
  const { clock, looks } = setUp(1000);
  clock.advance(180_000);
  assert.equal(looks.filter((kind) => kind === "all").length, 1);
});

for (const [name, step] of [
  ["forward", 3_600_000],
  ["back", -3_600_000],
] as const) {
  test(`Watch notices that the clock was set ${name}`, () => {
    const { clock, looks } = setUp();
    clock.advance(500);
    clock.step(step);
    clock.advance(500);
    assert.deepEqual(looks, ["clock"]);
  });
}

test("Watch has one look at a time, and none when it was stopped", () => {
  const { clock, looks, watch } = setUp(10_000);
  clock.advance(9000);
  assert.equal(looks.length, 1);
  watch.stop();
  clock.advance(100_000);
  assert.deepEqual([looks.length, clock.timers], [1, 0]);
});
