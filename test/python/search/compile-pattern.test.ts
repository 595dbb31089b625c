import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { emitPattern } from "../../../src/python/emit/emit.ts";
import { PatternError, type PatternFlags } from "../../../src/python/pattern.ts";
import { compilePattern, isLinear } from "../../../src/python/search/compile-pattern.ts";
import { PatternMaker, randomText, seededRandom } from "../../helpers/random-pattern.ts";

/** What Python 3.11 answers. No span: no match. */
const FOUND: readonly {
  name: string;
  source: string;
  text: string;
  flags?: PatternFlags;
  span?: [number, number];
  groups?: Record<string, string | undefined>;
}[] = [
  { name: "$ before a final newline", source: "b$", text: "ab\n", span: [1, 2] },
  { name: "$ not before the last but one", source: "b$", text: "ab\n\n" },
  { name: "$ after the newline that \\s took", source: "b\\s*$", text: "ab\n", span: [1, 3] },
  { name: "$ inside a group", source: "(?P<w>b$)", text: "ab\n", span: [1, 2], groups: { w: "b" } },
  { name: "$ in one of two branches", source: "b(?:c|$)", text: "ab\n", span: [1, 2] },
  { name: "\\Z not before a newline", source: "b\\Z", text: "ab\n" },
  { name: "^ and $ at each line", source: "^b$", text: "a\nb\nc", flags: { multiline: true }, span: [2, 3] },
  { name: "no line end at a carriage return", source: "a$", text: "a\rb", flags: { multiline: true } },
  { name: "the dot takes a carriage return", source: "a.b", text: "a\rb", span: [0, 3] },
  { name: "the dot takes a whole character", source: "^a.b$", text: "a😀b", span: [0, 4] },
  { name: "a class takes a whole character", source: "^[^a]$", text: "😀", span: [0, 2] },
  { name: "no empty match inside a character", source: "(?<!^)", text: "😀b", span: [2, 2] },
  { name: "half a character counts as one", source: "^.b$", text: "\ud83db", span: [0, 2] },
  { name: "\\s with the separators of ASCII", source: "\\s", text: "a\x1cb", span: [1, 2] },
  { name: "\\s without the byte order mark", source: "\\s", text: "a\ufeffb" },
  { name: "\\w with letters of any script", source: "^\\w+$", text: "éßжـ中٣", span: [0, 6] },
  { name: "\\w of ASCII under (?a)", source: "(?a)\\w+", text: "éb", span: [1, 2] },
  { name: "\\b between letters of any script", source: "\\bb", text: "éb" },
  { name: "\\d of any script", source: "\\d", text: "٣", span: [0, 1] },
  { name: "case of the long s", source: "(?i)s", text: "ſ", span: [0, 1] },
  { name: "case of the Kelvin sign in a class", source: "(?i)[a-k]", text: "\u212a", span: [0, 1] },
  { name: "case of the dotted capital i", source: "(?i)i", text: "İ", span: [0, 1] },
  { name: "no case beyond ASCII under (?a)", source: "(?ai)é", text: "É" },
  { name: "case in a part", source: "a(?i:b)c", text: "aBc", span: [0, 3] },
  { name: "no case in a part", source: "(?i)a(?-i:b)", text: "AB" },
  { name: "an optional group that matched nothing is set", source: "(?P<x>a?)?b", text: "b", span: [0, 1], groups: { x: "" } },
  { name: "an unset group does not match again", source: "(?:(?P<q>')|x)(?P=q)", text: "xx" },
  { name: "a group that matches again", source: "(?P<q>['\"])a(?P=q)", text: "'a\" \"a\"", span: [4, 7], groups: { q: '"' } },
  { name: "a conditional on a set group", source: "(?P<q><)?a(?(q)>|!)", text: "<a>", span: [0, 3], groups: { q: "<" } },
  { name: "a conditional on an unset group", source: "^(?P<q><)?a(?(q)>|!)", text: "a!", span: [0, 2], groups: { q: undefined } },
  { name: "a conditional on an empty group at the end", source: "a(?P<q>b?)?$(?(q)|c)", text: "a", span: [0, 1], groups: { q: "" } },
  { name: "an atomic group gives nothing back", source: "(?>a+)ab", text: "aaab" },
  { name: "a possessive repeat gives nothing back", source: "a*+b", text: "aaab", span: [0, 4] },
  { name: "possessive turns give nothing back", source: "(?:a|ab){2}+c", text: "abac" },
  { name: "a loop that leaves at an empty turn", source: "(?:\\s*|x)*", text: "x", span: [0, 0] },
  { name: "a loop that goes on when it must", source: "(?:\\s*|x)*$", text: " x x", span: [0, 4] },
  { name: "a group keeps its last turn", source: "(?:(?P<o>\\d+)\\.)+", text: "1.22.x", span: [0, 5], groups: { o: "22" } },
  { name: "\\B not in an empty text", source: "\\B", text: "" },
  { name: "a lookbehind", source: "(?<=ab)c", text: "abc", span: [2, 3] },
  { name: "a name of other letters", source: "(?P<größe>\\d)", text: "7", span: [0, 1], groups: { größe: "7" } },
  { name: "a name that objects have", source: "(?P<__proto__>a)", text: "a", span: [0, 1], groups: JSON.parse('{"__proto__":"a"}') },
]; // biome-ignore format: a table

for (const { name, source, text, flags, span, groups = {} } of FOUND) {
  test(`compilePattern: ${name}`, () => {
    const pattern = compilePattern(source, flags);
    for (const found of [pattern.search(text), pattern.searchSpans(text)]) {
      assert.deepEqual(found && [found.start, found.end], span);
      if (found) assert.deepEqual({ ...found.groups }, groups);
    }
  });
}

const UNSUPPORTED: readonly { name: string; source: string; offset: number }[] = [
  { name: "a named group that a later turn may leave out", source: "(?:(?P<x>a)|b)*?c", offset: 3 },
  { name: "a named group in a loop with empty turns", source: "b(?:(?P<x>a*))+", offset: 4 },
  { name: "a reference to an earlier turn", source: "(?:\\b(a)?|\\1b){3}", offset: 10 },
  { name: "a reference that ignores case", source: "(?i)(\\w)\\1", offset: 8 },
  { name: "empty turns that are tried first", source: "(?:|a|b?)*c", offset: 0 },
]; // biome-ignore format: a table

for (const { name, source, offset } of UNSUPPORTED) {
  test(`compilePattern refuses with its place ${name}`, () => {
    assert.throws(
      () => compilePattern(source),
      (error: unknown) =>
        error instanceof PatternError && error.code === "ERR_PATTERN_UNSUPPORTED" && error.offset === offset,
    );
  });
}

test("search starts where it is told, and sees what is before", () => {
  const pattern = compilePattern("\\ba");
  assert.deepEqual(pattern.search("aa a", 1)?.start, 3);
  assert.equal(pattern.search("a", 2), undefined);
  assert.equal(compilePattern("b*").search("a", 2)?.start, 1);
  assert.equal(compilePattern("^a").search("aa", 1), undefined);
});

test("searchSpans gives groups by number, and none for one whose turn is not known", () => {
  const pattern = compilePattern("(a)(?P<x>b)?(?:(c)|d)*");
  assert.deepEqual(pattern.groupNames, ["x"]);
  assert.equal(pattern.groupCount, 3);
  assert.deepEqual(pattern.searchSpans("zacd")?.spans, [[1, 4], [1, 2], undefined, undefined]); // biome-ignore format: short
});

const LINEAR: readonly { source: string; linear: boolean }[] = [
  { source: "^(?:\\[?(?P<ip4>(?:\\d{1,3}\\.){3}\\d{1,3})\\]?|(?P<dns>[\\w\\-.^_]*\\w)) a$", linear: true },
  { source: "(?:[0-9a-f]{1,4}::?|:){1,7}(?:[0-9a-f]{1,4}|(?<=:):)", linear: true },
  { source: "a(?:b|$)", linear: true },
  { source: "(?i)a\\b", linear: true },
  { source: "a$b?", linear: false },
  { source: "a(?!b)", linear: false },
  { source: "(a)\\1", linear: false },
  { source: "(?:ab){17}", linear: false },
  { source: "a*+b", linear: false },
];

for (const { source, linear } of LINEAR) {
  test(`isLinear ${linear ? "takes" : "leaves"} ${source}`, () => {
    assert.equal(isLinear(compilePattern(source)), linear);
  });
}

test("isLinear: V8's linear engine takes the pattern and finds the same", () => {
  setFlagsFromString("--enable-experimental-regexp-engine");
  const random = seededRandom(3);
  const maker = new PatternMaker(random);
  let linear = 0;
  for (let i = 0; i < 2000; i++) {
    const pattern = tryCompile(maker.make());
    if (!pattern || !isLinear(pattern)) continue;
    linear++;
    const { source } = emitPattern(pattern.tree, "ascii", "names");
    const [usual, other] = [new RegExp(source), new RegExp(source, "l")];
    for (let j = 0; j < 4; j++) {
      const text = randomText(random).replace(/[^\x20-\x7e]/gu, "\n");
      assert.deepEqual(other.exec(text), usual.exec(text), `${source} in ${JSON.stringify(text)}`);
    }
  }
  assert.ok(linear > 500, `${linear} patterns are linear`);
});

function tryCompile(source: string): ReturnType<typeof compilePattern> | undefined {
  try {
    return compilePattern(source);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}
