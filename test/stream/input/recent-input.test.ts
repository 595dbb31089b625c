import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecentInput } from "../../../src/stream/input/recent-input.ts";

/** The lines of an input that came in pieces of `size` bytes, the last one first. */
function linesOf(input: string, size = input.length || 1): readonly string[] {
  const tail = new RecentInput();
  for (let start = 0; start < input.length; start += size)
    tail.push(Buffer.from(input.slice(start, start + size)));
  return [...tail.lines()].map(String);
}

const small: readonly (readonly [input: string, lines: readonly string[]])[] = [
  ["", []],
  ["\n", []],
  ["a", ["a"]],
  ["a\n", ["a"]],
  ["a\nb", ["b", "a"]],
  ["a\n\nb\n", ["b", "", "a"]],
];

for (const [input, lines] of small) {
  test(`RecentInput gives the lines of ${JSON.stringify(input)}, the last one first`, () => {
    assert.deepEqual(linesOf(input), lines);
    assert.deepEqual(linesOf(input, 1), lines);
  });
}

test("RecentInput gives the lines that lie whole in the last 64 KiB, however they came", () => {
  const input = Array.from({ length: 3000 }, (_, index) => `line ${index} ${"x".repeat(40)}\n`).join("");
  const kept = input.slice(-65536);
  const expected = kept
    .slice(kept.indexOf("\n") + 1)
    .split("\n")
    .slice(0, -1)
    .reverse();
  for (const size of [input.length, 65536, 1000, 77])
    assert.deepEqual(linesOf(input, size), expected, `pieces of ${size} bytes`);
});

test("RecentInput takes no end of a long line for a line", () => {
  assert.deepEqual(linesOf(`${"x".repeat(70_000)}2099-01-01 00:00:00\n`, 1000), []);
});

test("RecentInput gives the lines before a place near its newest chunk, however they came", () => {
  const line = (length: number, index: number) => `${index} ${"x".repeat(length)}\n`;
  const size = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 300_000 }));
  const property = fc.property(
    fc
      .array(fc.oneof(fc.nat(100), fc.nat(70_000)), { minLength: 1, maxLength: 12 })
      .map((all) => all.map(line).join("")),
    fc.array(size, { minLength: 1, maxLength: 30 }),
    fc.nat(),
    (input, sizes, place) => {
      const bytes = Buffer.from(input);
      const tail = new RecentInput();
      let at = 0;
      for (const size of sizes) {
        const chunk = Buffer.from(bytes.subarray(at, at + size));
        if (chunk.length === 0) break;
        tail.push(chunk);
        const start = at;
        at += chunk.length;
        const end = start - Math.min(start, 65536) + (place % (Math.min(start, 65536) + chunk.length + 1));
        const kept = bytes.subarray(Math.max(0, end - 65536), end).toString();
        const lines = (end > 65536 ? kept.split("\n").slice(1) : kept.split("\n")).reverse();
        if (lines[0] === "") lines.shift();
        assert.deepEqual([...tail.lines(end)].map(String), lines);
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
});
