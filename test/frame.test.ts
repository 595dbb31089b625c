import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineFramer } from "../src/stream/frame.ts";

/** Feeds the chunks and gives the lines, and how many were dropped. */
function frame(chunks: readonly Buffer[], maxLine = 100): { lines: string[]; dropped: number } {
  const lines: string[] = [];
  let dropped = 0;
  const framer = new LineFramer({ maxLine, onOverflow: () => dropped++ });
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    framer.push(copy, (line) => lines.push(line.toString("latin1")));
    copy.fill(0x2a);
  }
  framer.end((line) => lines.push(line.toString("latin1")));
  return { lines, dropped };
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

const cases = [
  { name: "cuts at newlines", input: "a\nb\n", lines: ["a", "b"], dropped: 0 },
  { name: "gives a last line without newline", input: "a\nb", lines: ["a", "b"], dropped: 0 },
  { name: "gives empty lines", input: "\n\na\n", lines: ["", "", "a"], dropped: 0 },
  { name: "keeps a line of exactly the longest length", input: "12345\n", lines: ["12345"], dropped: 0 },
  { name: "drops a longer line whole and goes on", input: "123456\nab\n", lines: ["ab"], dropped: 1 },
  { name: "drops a longer last line without newline", input: "ab\n123456", lines: ["ab"], dropped: 1 },
  { name: "leaves carriage returns and NUL alone", input: "a\r\0\n", lines: ["a\r\0"], dropped: 0 },
];

for (const { name, input, lines, dropped } of cases) {
  test(`LineFramer ${name}, wherever the chunks end`, () => {
    const bytes = Buffer.from(input, "latin1");
    assert.deepEqual(frame([bytes], 5), { lines, dropped });
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(frame([bytes.subarray(0, at), bytes.subarray(at)], 5), { lines, dropped });
    }
  });
}

test("LineFramer gives the same lines however the bytes are cut, inside a character too", () => {
  const text = fc.array(fc.constantFrom("a", "é", "漢", "\n", "\r\n", "😀", "\0"), { maxLength: 80 });
  const property = fc.property(text, fc.array(fc.nat(400), { maxLength: 20 }), (parts, places) => {
    const bytes = Buffer.from(parts.join(""));
    assert.deepEqual(frame(cut(bytes, places), 20), frame([bytes], 20));
  });
  fc.assert(property, { numRuns: 1000 });
});
