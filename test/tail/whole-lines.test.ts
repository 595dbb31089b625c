import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wholeLines } from "../../src/tail/whole-lines.ts";

const cases = [
  { name: "whole lines", text: "ab\ncd\n", length: 6, overlong: 0 },
  { name: "an unfinished line after them", text: "ab\ncd", length: 3, overlong: 0 },
  { name: "an unfinished line alone", text: "abcdefgh", length: 0, overlong: 0 },
  { name: "a line of the greatest length", text: "abcd\n", length: 5, overlong: 0 },
  { name: "a line that is too long", text: "ab\nabcde\ncd\n", length: 3, overlong: 6 },
  { name: "a line that is too long, first", text: "abcde\ncd\n", length: 0, overlong: 6 },
  { name: "empty lines", text: "\n\n\n", length: 3, overlong: 0 },
  { name: "nothing", text: "", length: 0, overlong: 0 },
];

for (const { name, text, length, overlong } of cases) {
  test(`wholeLines: ${name}`, () => {
    assert.deepEqual(wholeLines(Buffer.from(text), 4), { length, overlong });
  });
}

test("wholeLines agrees with a look at each line", () => {
  const text = fc.array(fc.constantFrom("a", "bb", "ccccc", "\n", "\n\n"), { maxLength: 60 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 12 }), (pieces, maxLine) => {
      const bytes = Buffer.from(pieces.join(""));
      const lines = bytes.toString().split("\n").slice(0, -1);
      const first = lines.findIndex((line) => line.length > maxLine);
      const good = first < 0 ? lines : lines.slice(0, first);
      const length = good.reduce((sum, line) => sum + line.length + 1, 0);
      const overlong = first < 0 ? 0 : (lines[first]?.length ?? 0) + 1;
      assert.deepEqual(wholeLines(bytes, maxLine), { length, overlong });
    }),
  );
});
