import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  COUNT,
  FOREIGN,
  LineScan,
  NEEDLES,
  type Needle,
  planSamplers,
  START,
} from "../../../src/stream/gate/scan.ts";
import { newModule } from "../../../src/stream/gate/wasm-module.ts";

/** All needles found in `text`, line by line: those of each line, after its number. */
function found(needles: readonly Needle[], text: string): string[] {
  const scan = new LineScan(newModule(), { needles, further: [] }, 1000);
  const bytes = Buffer.from(text, "latin1");
  scan.load(bytes);
  const all: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { words, length, next } = scan.scan(at, bytes.length, {});
    for (let i = 0; i < length; i += NEEDLES + (words[i + COUNT] ?? 0)) {
      const line = text.slice(0, words[i + START]).split("\n").length;
      const texts = [...words.subarray(i + NEEDLES, i + NEEDLES + (words[i + COUNT] ?? 0))].map(
        (index) => `${line} ${needles[index]?.text}`,
      );
      all.push(...new Set(texts));
    }
    at = next;
  }
  return all.sort();
}

/** The same by the obvious way. */
function expected(needles: readonly Needle[], text: string): string[] {
  const folded = (line: string) => line.replace(/[A-Z]/g, (char) => char.toLowerCase());
  const stands = ({ text: needle, ignorecase }: Needle, line: string) =>
    (ignorecase ? folded(line) : line).includes(needle);
  const all = text
    .split("\n")
    .flatMap((line, index) =>
      needles.filter((needle) => stands(needle, line)).map((needle) => `${index + 1} ${needle.text}`),
    );
  return [...new Set(all)].sort();
}

const cases: { name: string; needles: Needle[]; text: string }[] = [
  { name: "one at the beginning", needles: [{ text: "abc", ignorecase: false }], text: "abcd" },
  { name: "one at the end", needles: [{ text: "abc", ignorecase: false }], text: "xxxabc" },
  { name: "none in a text shorter than it", needles: [{ text: "abc", ignorecase: false }], text: "ab" },
  { name: "one whatever its case", needles: [{ text: "failed", ignorecase: true }], text: "x FaIlEd" },
  { name: "none in another case", needles: [{ text: "failed", ignorecase: false }], text: "x Failed" },
  {
    name: "those that overlap, of different length",
    needles: ["abcdef", "cde", "defghijkl", "bcd"].map((text) => ({ text, ignorecase: false })),
    text: "xxabcdefghijklxx",
  },
];

for (const { name, needles, text } of cases) {
  test(`LineScan finds ${name}`, () => {
    assert.deepEqual(found(needles, text), expected(needles, text));
  });
}

for (const count of [5, 100]) {
  test(`LineScan finds what the obvious way finds, up to ${count} needles`, () => {
    const word = fc.string({
      unit: fc.constantFrom("a", "b", "c", " "),
      minLength: 2,
      maxLength: 14,
    });
    const needle = fc.record({ text: word, ignorecase: fc.boolean() });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "A", "B", " ", "\n"), maxLength: 120 });
    const needles = fc.array(needle, { minLength: count === 5 ? 1 : 65, maxLength: count });
    fc.assert(
      fc.property(needles, text, (some, where) => {
        assert.deepEqual(found(some, where), expected(some, where));
      }),
      { numRuns: count === 5 ? 3000 : 300 },
    );
  });
}

test("LineScan tells each line once, and which are not ASCII alone", () => {
  const scan = new LineScan(
    newModule(),
    { needles: [{ text: "abc", ignorecase: false }], further: [] },
    1000,
  );
  const bytes = Buffer.from("abc abc\nx\n\u00e9\nabc\u00e9\n");
  scan.load(bytes);
  const told = (mode: { every?: boolean; foreign?: boolean }) => {
    const { words, length } = scan.scan(0, bytes.length, mode);
    const lines: string[] = [];
    for (let i = 0; i < length; i += NEEDLES + (words[i + COUNT] ?? 0))
      lines.push(`${words[i + START]}: ${words[i + FOREIGN]}, ${words[i + COUNT]}`);
    return lines;
  };
  assert.deepEqual(told({}), ["0: 0, 1", "13: 1, 1"]);
  assert.deepEqual(told({ foreign: true }), ["0: 0, 1", "10: 1, 0", "13: 1, 1"]);
  assert.deepEqual(told({ every: true }), ["0: 0, 1", "8: 0, 0", "10: 1, 0", "13: 1, 1"]);
});

test("planSamplers looks at as few blocks as the lengths allow", () => {
  const strides = (lengths: number[]) =>
    planSamplers(lengths).map(({ shortest, stride, width }) => `${shortest}+: ${width} of ${stride}`);
  assert.deepEqual(strides([]), []);
  assert.deepEqual(strides([7, 20]), ["7+: 4 of 4"]);
  assert.deepEqual(strides([2, 20]), ["2+: 2 of 1"]);
  assert.deepEqual(strides([3, 20]), ["3+: 3 of 1"]);
  assert.deepEqual(strides([4, 6, 12]), ["4+: 3 of 2"]);
});
