import assert from "node:assert/strict";
import { test } from "node:test";
import { LogState } from "../../../src/stream/state/log-state.ts";

const MINUTE = 60_000;
const TIME = Date.UTC(2026, 10, 21, 12);

test("LogState tries a failed write again after a second, and knows whether it failed before", () => {
  const state = new LogState({ seen: TIME, isWhole: true });
  assert.equal(state.isWriteDue(0), false, "nothing waits");
  state.add("a\n");
  assert.equal(state.isWriteDue(0), true);
  assert.deepEqual([state.writeFailed(0), state.writeFailed(500)], [true, false]);
  assert.deepEqual([state.isWhole, state.failures, state.header.isWhole], [false, 2, false]);
  assert.deepEqual([state.isWriteDue(1499), state.isWriteDue(1500)], [false, true]);
  state.add("b\n");
  assert.equal(state.waiting, "a\nb\n");
  assert.deepEqual([state.wrote(), state.wrote()], [true, false]);
  assert.deepEqual([state.isWhole, state.hasWaiting], [true, false]);
});

test("LogState drops what waits beyond 16 Mi characters, and is not whole until a compaction covers it", () => {
  const state = new LogState({ seen: TIME, isWhole: true });
  const line = "x".repeat(1 << 20);
  for (let i = 0; i < 16; i++) state.add(line);
  assert.equal(state.dropOverflow(0), false);
  state.add(line);
  assert.equal(state.dropOverflow(0), true);
  assert.deepEqual([state.hasWaiting, state.hasLosses, state.isWhole], [false, true, false]);
  assert.deepEqual([state.mayCompact(MINUTE - 1), state.mayCompact(MINUTE)], [false, true]);
  state.compactionStarted();
  assert.equal(state.newHeader.isWhole, false);
  state.covered();
  assert.equal(state.newHeader.isWhole, true);
  state.add("since\n");
  assert.equal(state.newHeader.isWhole, false, "what waits is not in the new file");
  state.moved();
  state.wrote();
  assert.equal(state.isWhole, true);
});

test("LogState keeps losses that a compaction did not cover", () => {
  const state = new LogState({ seen: TIME, isWhole: false });
  state.compactionStarted();
  state.covered();
  state.lose(0);
  state.moved();
  assert.equal(state.hasLosses, true);
});

test("LogState compacts a file that has grown to twice its size, and waits a minute after a failure", () => {
  const state = new LogState({ seen: TIME, isWhole: true });
  state.start(TIME, 5 << 20, 0);
  assert.deepEqual([state.isLarge(5 << 20), state.isLarge((5 << 20) + 1)], [false, true]);
  state.compacted(3 << 20);
  assert.deepEqual([state.isLarge(6 << 20), state.isLarge((6 << 20) + 1)], [false, true]);
  state.compactionFailed(1000);
  assert.deepEqual([state.mayCompact(MINUTE + 999), state.mayCompact(MINUTE + 1000)], [false, true]);
});

test("LogState notes a time once, ahead of the clock as the clock's, and none while writing fails", () => {
  const state = new LogState(undefined);
  state.start(TIME, 0, 0);
  assert.equal(state.seen, TIME, "the start of the first run");
  assert.equal(state.noteSeen(TIME - MINUTE, TIME), true, "the first line counts for more than that guess");
  assert.equal(state.confirmSeen(state.nextSeen), true);
  assert.deepEqual([state.seen, state.nextSeen], [TIME - MINUTE, undefined]);
  assert.equal(state.noteSeen(TIME - 2 * MINUTE, TIME), false, "a late line");
  assert.equal(state.noteSeen(TIME + MINUTE, TIME), true);
  assert.equal(state.nextSeen, TIME);
  state.writeFailed(0);
  assert.deepEqual([state.noteSeen(TIME + 2 * MINUTE, TIME + 2 * MINUTE), state.nextSeen], [false, TIME]);
  assert.equal(state.confirmSeen(TIME), false);
});
