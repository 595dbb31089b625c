import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePattern } from "../src/filter/python/compile.ts";
import { hostileTexts, MAX_GROWTH, measureBacktracking, pump } from "../src/filter/python/pump.ts";

const now = () => performance.now();

/** Each ends in a lookahead, so that the linear engine does not take it. */
const HOSTILE: readonly { name: string; source: string }[] = [
  { name: "a loop of loops", source: "(?:x+x+)+y(?=z)" },
  { name: "a loop of two equal branches", source: "^id=(?:a|a)*(?!b)$" },
  { name: "a loop of blanks beside the end", source: "^(?:\\s|[ \\t])+$(?!x)" },
  { name: "a loop behind a head", source: "^Failed \\S+ for (?:[a-z]+)*;(?=x)" },
]; // biome-ignore format: a table

for (const { name, source } of HOSTILE) {
  test(`measureBacktracking finds ${name}`, () => {
    const worst = measureBacktracking(compilePattern(source), now);
    assert.equal(worst?.growth, Number.POSITIVE_INFINITY);
  });
}

test("measureBacktracking has nothing to say of a pattern that does not backtrack", () => {
  assert.equal(measureBacktracking(compilePattern("^user (\\S+) from \\S+(?!x)$"), now), undefined);
});

test("measureBacktracking has nothing to say of what the linear engine takes", () => {
  assert.equal(measureBacktracking(compilePattern("(?:x+x+)+y"), now), undefined);
});

test("measureBacktracking tells growth by a clock", () => {
  // A clock by which each search takes as long as the cube of its text.
  const pattern = compilePattern("a+(?!b)");
  let time = 0;
  const search = (text: string) => {
    time += (text.length / 1024) ** 3;
    return undefined;
  };
  const slow = Object.assign(Object.create(pattern), { search, tree: pattern.tree });
  const growth = measureBacktracking(slow, () => time)?.growth ?? 0;
  assert.ok(growth > MAX_GROWTH && growth < 8.1, `growth ${growth}`);
});

test("hostileTexts pump every loop with what it takes", () => {
  const texts = hostileTexts(compilePattern("^id=(\\d+), (?:b,)*").tree);
  assert.deepEqual([...new Set(texts.map(({ offset }) => offset))], [5, 11]);
  assert.ok(texts.some(({ head, turn }) => head === "id=" && turn === "0"));
  assert.ok(texts.some(({ head, turn }) => head === "id=0, " && turn === "b,"));
});

test("pump makes a text of the length asked for, and spoils its end", () => {
  const text = pump({ offset: 0, head: "id=", turn: "ab", tail: "\x01\n" }, 6);
  assert.equal(text, "id=ababab\x01\n");
});
