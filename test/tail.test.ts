import assert from "node:assert/strict";
import { test } from "node:test";
import { Tail } from "../src/stream/tail.ts";

/** The lines of an input that came in pieces of `size` bytes, the last one first. */
function linesOf(input: string, size = input.length || 1): readonly string[] {
  const tail = new Tail();
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
  test(`Tail gives the lines of ${JSON.stringify(input)}, the last one first`, () => {
    assert.deepEqual(linesOf(input), lines);
    assert.deepEqual(linesOf(input, 1), lines);
  });
}

test("Tail gives the lines that lie whole in the last 64 KiB, however they came", () => {
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

test("Tail takes no end of a long line for a line", () => {
  assert.deepEqual(linesOf(`${"x".repeat(70_000)}2099-01-01 00:00:00\n`, 1000), []);
});
