import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import type { Alphabet } from "../../src/python/classes.ts";
import { type Emitted, emitPattern } from "../../src/python/emit/emit.ts";
import { PatternError } from "../../src/python/pattern.ts";
import { compilePattern, isLinear } from "../../src/python/search/compile-pattern.ts";
import { PatternMaker, type Random, randomText, seededRandom } from "../helpers/random-pattern.ts";

// With it the flag l asks for V8's linear engine, which else takes over only from a search that backtracks too much.
setFlagsFromString("--enable-experimental-regexp-engine");

/** More of them: PATTERNS=100000 node --test …; another SEED gives others. */
const PATTERNS = Number(process.env.PATTERNS ?? 2000);
const SEED = Number(process.env.SEED ?? 1);

test("emitPattern: the linear engine knows what a word character is", () => {
  const { source } = emitPattern(compilePattern("^\\w").tree, "unicode", "names");
  const linear = new RegExp(source, "l");
  const texts = ["a", "é", "用", "𝒜", "-", "]", " ", "\u2028", "\uffff"];
  assert.deepEqual(
    texts.filter((text) => linear.test(text)),
    ["a", "é", "用", "𝒜"],
  );
});

const MULTILINE: readonly { name: string; source: string; linear: boolean }[] = [
  { name: "a first ^", source: "^a", linear: true },
  { name: "a first ^ in a group that nobody reads", source: "(?:^a)b", linear: true },
  { name: "a ^ in a group that is read", source: "(?P<x>^a)", linear: false },
  { name: "a ^ in one of two branches", source: "^a|b", linear: false },
  { name: "a ^ behind something", source: "a?^b", linear: false },
  { name: "a $ before a newline", source: "^a$\\nb", linear: true },
  { name: "a $ before what may be a newline", source: "^a$\\sb", linear: false },
]; // biome-ignore format: a table

for (const { name, source, linear } of MULTILINE) {
  test(`isLinear, multi-line: ${name}: ${linear}`, () => {
    assert.equal(isLinear(compilePattern(source, { multiline: true })), linear);
  });
}

test("search finds a first ^ of a multi-line pattern where Python does", () => {
  const pattern = compilePattern("^(?P<x>\\w*)$", { multiline: true });
  const found = (text: string, from: number) => {
    const match = pattern.search(text, from);
    return match && [match.start, match.end, match.groups.x];
  };
  assert.deepEqual(found("a b\ncd\n", 0), [4, 6, "cd"]);
  assert.deepEqual(found("a b\ncd\n", 4), [4, 6, "cd"]);
  assert.deepEqual(found("a b\ncd\n", 5), [7, 7, ""]);
  assert.deepEqual(found("\n\n", 0), [0, 0, ""]);
  assert.deepEqual(found("\n\n", 1), [1, 1, ""]);
  assert.deepEqual(found("é b\ncd\n", 1), [4, 6, "cd"]);
});

test("emitPattern: the linear engine finds what the other one finds", () => {
  const random = seededRandom(SEED);
  const maker = new PatternMaker(random);
  let compared = 0;
  const differences = Array.from({ length: PATTERNS }, () => maker.make()).flatMap((pattern) =>
    (["ascii", "basic", "unicode"] as const).flatMap((alphabet) => {
      const emitted = emit(pattern, alphabet);
      if (!emitted?.linear) return [];
      compared++;
      const found = differing(emitted.source, textsOf(random, alphabet));
      return found.map((text) => ({ pattern, alphabet, text }));
    }),
  );
  assert.deepEqual(differences.slice(0, 5), [], `${differences.length} differences`);
  assert.ok(compared > PATTERNS / 2, `only ${compared} patterns are linear`);
});

test("emitPattern: in texts without pairs of surrogates, both alphabets beyond ASCII find the same", () => {
  const random = seededRandom(SEED);
  const maker = new PatternMaker(random);
  let compared = 0;
  for (let turn = 0; turn < PATTERNS; turn++) {
    const pattern = maker.make();
    const [basic, whole] = [emit(pattern, "basic"), emit(pattern, "unicode")];
    if (!basic || !whole) continue;
    compared++;
    const found = (source: string, text: string) => JSON.stringify(new RegExp(source).exec(text));
    for (const text of textsOf(random, "basic"))
      assert.equal(
        found(basic.source, text),
        found(whole.source, text),
        `${pattern} in ${JSON.stringify(text)}`,
      );
  }
  assert.ok(compared > PATTERNS / 2);
});

function emit(pattern: string, alphabet: Alphabet): Emitted | undefined {
  try {
    return emitPattern(compilePattern(pattern).tree, alphabet, "names");
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

function textsOf(random: Random, alphabet: Alphabet): string[] {
  const texts = Array.from({ length: 8 }, () => randomText(random));
  const beyond = { ascii: /[\u0080-\uffff]/g, basic: /[\ud800-\udfff]/g, unicode: /(?!)/g }[alphabet];
  return texts.map((text) => text.replace(beyond, alphabet === "basic" ? "é" : "a"));
}

function differing(source: string, texts: readonly string[]): string[] {
  const [usual, linear] = [new RegExp(source), new RegExp(source, "l")];
  const told = (regexp: RegExp, text: string) => {
    const found = regexp.exec(text);
    return JSON.stringify([found?.index, found && [...found]]);
  };
  return texts.filter((text) => told(usual, text) !== told(linear, text));
}
