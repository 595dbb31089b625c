import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../src/shared/duration.ts";

const read: readonly (readonly [text: string, milliseconds: number | undefined])[] = [
  ["0", 0],
  ["90", 90_000],
  ["90s", 90_000],
  ["1.5s", 1500],
  ["0.001", 1],
  ["10m", 600_000],
  ["10 m", 600_000],
  ["1h", 3_600_000],
  ["1d 12h", 129_600_000],
  ["1d12h", 129_600_000],
  [" 1d  12h ", 129_600_000],
  ["1m 30", 90_000],
  ["1w", 604_800_000],
  ["1mo", 2_629_800_000],
  ["1y", 31_557_600_000],
  ["1y 1mo 1w 1d 1h 1m 1s", 34_882_261_000],
  ["", undefined],
  ["-1", undefined],
  ["+1", undefined],
  ["10x", undefined],
  ["10M", undefined],
  ["m", undefined],
  ["1d,12h", undefined],
  ["1e3", undefined],
  ["0x10", undefined],
  ["1.", undefined],
  [".5", undefined],
  ["١m", undefined],
  ["1m m", undefined],
  ["Infinity", undefined],
  ["9999999999999", undefined],
];

for (const [text, milliseconds] of read) {
  test(`parseDuration ${milliseconds === undefined ? "refuses" : "reads"} ${JSON.stringify(text)}`, () => {
    assert.equal(parseDuration(text), milliseconds);
  });
}

test("parseDuration gives up on a long wrong text at once", () => {
  assert.equal(parseDuration(`${"1  ".repeat(20_000)}x`), undefined);
  assert.equal(parseDuration(`1${" ".repeat(20_000)}x`), undefined);
});

const written: readonly (readonly [milliseconds: number, text: string])[] = [
  [0, "0s"],
  [500, "0.5s"],
  [1, "0.001s"],
  [60_000, "1m"],
  [600_000, "10m"],
  [90_000, "1m 30s"],
  [129_600_000, "1d 12h"],
  [86_400_001, "1d 0.001s"],
  [604_800_000, "7d"],
];

for (const [milliseconds, text] of written) {
  test(`formatDuration writes ${milliseconds} ms as ${text}`, () => {
    assert.equal(formatDuration(milliseconds), text);
  });
}

test("parseDuration reads what formatDuration writes", () => {
  fc.assert(
    fc.property(fc.nat(10 ** 13), (milliseconds) => {
      assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds);
    }),
  );
});
