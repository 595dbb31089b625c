import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { emitPattern } from "../../src/python/emit/emit.ts";
import { parsePattern } from "../../src/python/parse/parse.ts";
import { compilePattern } from "../../src/python/search/compile-pattern.ts";

const sourceOf = (pattern: string) => emitPattern(parsePattern(pattern, {}), "unicode", "names").source;
/** Between the two halves of pairs. */
const HALVES = "][";

const LOOPS: readonly { pattern: string; takes: "units" | "characters" }[] = [
  { pattern: "a[^<]*<", takes: "units" },
  { pattern: ".+?<", takes: "units" },
  { pattern: ".*(?:x|yz)?$", takes: "units" },
  { pattern: "(?:.*)(?P<x>[^,]+),", takes: "characters" },
  { pattern: "(?P<x>.*)<", takes: "units" },
  { pattern: "(?:.*,)*<", takes: "units" },
  { pattern: "(?:.*)*<", takes: "characters" },
  { pattern: ".*", takes: "characters" },
  { pattern: ".*x?", takes: "characters" },
  { pattern: ".*(?!x)", takes: "characters" },
  { pattern: ".*\\b", takes: "characters" },
  { pattern: "(?=.*)x", takes: "characters" },
  { pattern: ".{0,9}<", takes: "characters" },
  { pattern: ".{2,}<", takes: "characters" },
  { pattern: "[^😀]*<", takes: "characters" },
];

for (const { pattern, takes } of LOOPS) {
  test(`emitPattern: a loop of ${pattern} takes ${takes}`, () => {
    assert.equal(sourceOf(pattern).includes(HALVES) ? "characters" : "units", takes);
  });
}

test("compilePattern finds what JavaScript's own regular expressions find in pairs of surrogates", () => {
  const char = fc.constantFrom(".", "[^<]", "[^<x]", "\\S", "<", "x", "😀", "[x😀]");
  const loop = fc
    .tuple(char, fc.constantFrom("", "*", "+", "*?", "+?", "?", "{0,2}", "{2,}"))
    .map((both) => both.join(""));
  const one = fc.array(loop, { minLength: 1, maxLength: 4 }).map((all) => all.join(""));
  const group = fc
    .tuple(one, one, fc.constantFrom("(?:A|B)", "(A)B", "(?:A)(B)", "(?!A)B", "(?=A)B", "A(?!B)", "(?:A<)*B"))
    .map(([a, b, shape]) => shape.replace("A", () => a).replace("B", () => b));
  const pattern = fc
    .tuple(
      fc.constantFrom("", "^"),
      fc.array(fc.oneof(one, group), { minLength: 1, maxLength: 3 }),
      fc.constantFrom("", "$"),
    )
    .map(([start, parts, end]) => start + parts.join("") + end);
  const text = fc
    .array(fc.constantFrom("😀", "😀", "\u{10400}", "x", "<", "é"), { maxLength: 9 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(pattern, text, (source, text) => {
      const found = firstMatch(new RegExp(source, "uy"), `${text}😀`);
      const ours = compilePattern(source).search(`${text}😀`);
      assert.deepEqual(
        ours && [ours.start, ours.end],
        found === null ? undefined : [found.index, found.index + found[0].length],
      );
    }),
    { numRuns: 10_000 },
  );
});

/** V8's own search with the flag u begins between halves as well, where a lookahead stands first. */
function firstMatch(regexp: RegExp, text: string): RegExpExecArray | null {
  let at = 0;
  for (const char of [...text, ""]) {
    regexp.lastIndex = at;
    const found = regexp.exec(text);
    if (found) return found;
    at += char.length;
  }
  return null;
}
