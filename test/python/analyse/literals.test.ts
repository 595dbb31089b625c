import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Literals, literalsOf } from "../../../src/python/analyse/literals.ts";
import { parsePattern } from "../../../src/python/parse/parse.ts";
import { PatternError } from "../../../src/python/pattern.ts";
import { compilePattern, isAscii } from "../../../src/python/search/compile-pattern.ts";
import { PatternMaker, randomText, seededRandom } from "../../helpers/random-pattern.ts";

const LITERALS: readonly { name: string; source: string; texts: string[] | undefined; folded?: boolean; ascii?: boolean }[] = [
  { name: "a plain text", source: "login failed", texts: ["login failed"] },
  { name: "the longest of several", source: String.raw`^\S+ ok \d+ refused connection$`, texts: [" refused connection"] },
  { name: "what an optional group leaves", source: "(?:x: )?wrong password", texts: ["wrong password"] },
  { name: "nothing from an optional loop", source: "(?:wrong)*b", texts: ["b"] },
  { name: "a loop that runs once at least", source: "(?:wrong){2,5}", texts: ["wrong"] },
  { name: "one of two branches", source: "(?:bad .*|wrong) pass", texts: [" pass"] },
  { name: "all branches", source: "bad .*|wrong", texts: ["bad ", "wrong"] },
  { name: "a letter in two cases", source: "[Ii]nvalid user", texts: ["invalid user"], folded: true },
  { name: "letters under (?i)", source: "(?i)Bad", texts: ["bad"], folded: true },
  { name: "letters under (?i) that have a third case", source: "(?i)Kill", texts: ["kill"], folded: true, ascii: true },
  { name: "no case beyond ASCII under (?a)", source: "(?ai)Kill", texts: ["kill"], folded: true },
  { name: "text with quotes", source: '"u":42', texts: ['"u":42'] },
  { name: "nothing from a negative lookahead", source: "(?!abc)x", texts: ["x"] },
  { name: "both branches of a conditional", source: "(?P<q>')?x.(?(q)one|two)", texts: ["one", "two"] },
  { name: "none in a class", source: String.raw`\d+\s`, texts: undefined },
  { name: "none in an empty branch", source: "abc|", texts: undefined },
]; // biome-ignore format: a table

for (const { name, source, texts, folded = false, ascii = false } of LITERALS) {
  test(`literalsOf finds ${name}`, () => {
    const expected = texts && { texts, ignorecase: folded, asciiOnly: ascii };
    assert.deepEqual(literalsOf(parsePattern(source)).literals, expected);
  });
}

test("literalsOf finds what else must be there, best first", () => {
  const texts = (source: string) => literalsOf(parsePattern(source)).further.map((each) => each.texts);
  assert.deepEqual(texts(String.raw`refused \S+ by rule, \w+ gone`), [[" by rule, "], [" gone"]]);
  assert.deepEqual(texts("refused"), []);
});

test("literalsOf writes out digits where there is no longer text", () => {
  const digits = literalsOf(parsePattern(String.raw`\S+ \d{2}0[12] \w`)).further.at(-1);
  assert.equal(digits?.texts.length, 200);
  assert.ok(digits?.texts.includes(" 3702 "));
  assert.ok(digits?.asciiOnly, "Python takes the digits of all scripts");
});

test("literalsOf takes two that do not overlap when a piece was cut out", () => {
  const cut = (source: string) => literalsOf(parsePattern(source)).halves.map((each) => each.texts);
  assert.deepEqual(cut(String.raw`refused \S+ by rule`), [
    [" by rule", "refused "],
    ["refu", "sed "],
  ]);
  assert.deepEqual(cut("refused"), [["refu", "sed"]]);
  assert.deepEqual(cut("a"), []);
});

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

test("literalsOf: what a pattern matches holds one of them", () => {
  fc.assert(
    fc.property(seeds, (seed) => checkMatches(seed, false)),
    { numRuns: 1500, seed: 7 },
  );
});

test("literalsOf: a line that was cut holds one of them still", () => {
  fc.assert(
    fc.property(seeds, (seed) => checkMatches(seed, true)),
    { numRuns: 1500, seed: 8 },
  );
});

/** Matches of a random pattern, in texts and (`cut`) in lines that had something more at a random place. */
function checkMatches(seed: number, cut: boolean): void {
  const random = seededRandom(seed);
  const pattern = tryCompile(new PatternMaker(random).make());
  const found = pattern && literalsOf(pattern.tree);
  if (!pattern || !found) return;
  const { literals, further, halves } = found;
  const sets = cut ? halves : literals ? [literals, ...further] : further;
  for (let i = 0; i < 20; i++) {
    const text = randomText(random);
    if (!pattern.search(text)) continue;
    const at = Math.floor(random() * text.length);
    const line = cut ? `${text.slice(0, at)}\t${text.slice(at)}` : text;
    for (const set of sets)
      assert.ok(
        (set.asciiOnly && !isAscii(text)) || occurs(set, line),
        `${JSON.stringify(set)} in ${JSON.stringify(line)}: ${pattern.source}`,
      );
  }
}

function occurs({ texts, ignorecase }: Literals, line: string): boolean {
  const folded = ignorecase ? line.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : line;
  return texts.some((text) => folded.includes(text));
}

function tryCompile(source: string): ReturnType<typeof compilePattern> | undefined {
  try {
    return compilePattern(source);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}
