import assert from "node:assert/strict";
import { test } from "node:test";
import { BacktrackingSimulator } from "../../../src/python/analyse/backtracking-simulator.ts";
import { parsePattern } from "../../../src/python/parse/parse.ts";
import { PatternError, type PythonPattern } from "../../../src/python/pattern.ts";
import { compilePattern } from "../../../src/python/search/compile-pattern.ts";
import { PatternMaker, randomText, seededRandom } from "../../helpers/random-pattern.ts";

const AMPLE = 1_000_000;

/** More of them: PATTERNS=100000 node --test …; another SEED gives others. */
const PATTERNS = Number(process.env.PATTERNS ?? 2000);
const SEED = Number(process.env.SEED ?? 1);

test("BacktrackingSimulator finds what the pattern finds, in random patterns and texts of ASCII", () => {
  const random = seededRandom(SEED);
  const maker = new PatternMaker(random);
  let matches = 0;
  for (let i = 0; i < PATTERNS; i++) {
    const source = maker.make();
    const pattern = compiled(source);
    if (pattern === undefined) continue;
    const counter = new BacktrackingSimulator(pattern.tree);
    for (let j = 0; j < 4; j++) {
      const text = randomText(random).replace(/[^\x20-\x7e\n]/g, "x");
      const { end, steps } = counter.search(text, AMPLE);
      if (steps > AMPLE) continue;
      assert.equal(end, pattern.search(text)?.end, JSON.stringify([source, text]));
      if (end !== undefined) matches++;
    }
  }
  assert.ok(matches > PATTERNS, `${matches} matches`);
});

function compiled(source: string): PythonPattern | undefined {
  try {
    return compilePattern(source);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

test("BacktrackingSimulator counts each character that a loop takes and gives back", () => {
  const steps = (length: number) =>
    new BacktrackingSimulator(parsePattern("^a*b")).search("a".repeat(length), AMPLE).steps;
  assert.ok(steps(200) - steps(100) >= 200);
  assert.equal(steps(300) - steps(200), steps(200) - steps(100));
});

test("BacktrackingSimulator gives up when its steps are used up", () => {
  const counter = new BacktrackingSimulator(parsePattern("^(?:a|a)*$"));
  const { steps, end } = counter.search(`${"a".repeat(60)}!`, 5000);
  assert.ok(steps > 5000 && steps < 6000);
  assert.equal(end, undefined);
  assert.equal(counter.search("aaa", 5000).end, 3);
});
