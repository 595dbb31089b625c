import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LiteralSearch, type Needle } from "../src/stream/search.ts";

/** All needles found in `text`, with the end of each line's search: `index` a time per place. */
function found(needles: readonly Needle[], text: string): string[] {
  const search = new LiteralSearch(needles);
  const bytes = Buffer.from(text, "latin1");
  const all = new Set<string>();
  let at = search.next(bytes, search.first(0), 0, bytes.length);
  while (at >= 0) {
    for (const index of search.found.slice(0, search.count)) all.add(needles[index]?.text ?? "");
    at = search.next(bytes, at + 1, 0, bytes.length);
  }
  return [...all].sort();
}

/** The same by the obvious way. */
function expected(needles: readonly Needle[], text: string): string[] {
  const stands = ({ text: needle, ignorecase }: Needle) =>
    (ignorecase ? text.replace(/[A-Z]/g, (char) => char.toLowerCase()) : text).includes(needle);
  return [...new Set(needles.filter(stands).map((needle) => needle.text))].sort();
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
  test(`LiteralSearch finds ${name}`, () => {
    assert.deepEqual(found(needles, text), expected(needles, text));
  });
}

for (const count of [5, 100]) {
  test(`LiteralSearch finds what the obvious way finds, up to ${count} needles`, () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c", " "), minLength: 3, maxLength: 7 });
    const needle = fc.record({ text: word, ignorecase: fc.boolean() });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "A", "B", " "), maxLength: 60 });
    const needles = fc.array(needle, { minLength: count === 5 ? 1 : 65, maxLength: count });
    fc.assert(
      fc.property(needles, text, (some, where) => {
        assert.deepEqual(found(some, where), expected(some, where));
      }),
      { numRuns: count === 5 ? 3000 : 300 },
    );
  });
}
