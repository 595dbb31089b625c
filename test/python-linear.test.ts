import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { compilePattern } from "../src/filter/python/compile.ts";
import { type Emitted, emitPattern } from "../src/filter/python/emit.ts";
import { PatternError } from "../src/filter/python/pattern.ts";
import { PatternMaker, type Random, randomText, seededRandom } from "./helpers/random-pattern.ts";

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

test("emitPattern: the linear engine finds what the other one finds", () => {
  const random = seededRandom(SEED);
  const maker = new PatternMaker(random);
  let compared = 0;
  const differences = Array.from({ length: PATTERNS }, () => maker.make()).flatMap((pattern) =>
    (["ascii", "unicode"] as const).flatMap((alphabet) => {
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

function emit(pattern: string, alphabet: "ascii" | "unicode"): Emitted | undefined {
  try {
    return emitPattern(compilePattern(pattern).tree, alphabet, "names");
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

function textsOf(random: Random, alphabet: "ascii" | "unicode"): string[] {
  const texts = Array.from({ length: 8 }, () => randomText(random));
  return alphabet === "unicode" ? texts : texts.map((text) => text.replace(/[\u0080-\uffff]/g, "a"));
}

function differing(source: string, texts: readonly string[]): string[] {
  const [usual, linear] = [new RegExp(source), new RegExp(source, "l")];
  const told = (regexp: RegExp, text: string) => {
    const found = regexp.exec(text);
    return JSON.stringify([found?.index, found && [...found]]);
  };
  return texts.filter((text) => told(usual, text) !== told(linear, text));
}
