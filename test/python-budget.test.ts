import assert from "node:assert/strict";
import { test } from "node:test";
import { SearchBudget } from "../src/filter/python/budget.ts";
import { compilePattern } from "../src/filter/python/compile.ts";

/** Exponential, and not for the linear engine. */
const hostile = compilePattern("^(?P<x>(?:a|a)*)(?!b)$");
const line = `${"a".repeat(600)}!`;

test("SearchBudget gives up a search that takes too long, counts and tells", () => {
  const told: string[] = [];
  const budget = new SearchBudget({ milliseconds: 20, onGiveUp: (pattern) => told.push(pattern.source) });
  assert.equal(budget.search(hostile, line), undefined);
  assert.equal(budget.searchSpans(hostile, line), undefined);
  assert.equal(budget.gaveUp, 2);
  assert.deepEqual(told, [hostile.source, hostile.source]);
});

test("SearchBudget finds what the pattern finds", () => {
  const budget = new SearchBudget({ length: 0 });
  const pattern = compilePattern("(?P<x>a)(?=b)");
  for (const text of ["zab", "zaß ab", "za"]) {
    assert.deepEqual(budget.search(pattern, text), pattern.search(text));
    assert.deepEqual(budget.searchSpans(pattern, text), pattern.searchSpans(text));
  }
  assert.equal(budget.gaveUp, 0);
});

test("SearchBudget leaves a pattern as it was when it gives up", () => {
  const budget = new SearchBudget({ milliseconds: 10 });
  budget.search(hostile, line);
  assert.deepEqual(hostile.search("aa")?.groups.x, "aa");
  assert.equal(budget.search(hostile, `${"b".repeat(600)}`), undefined);
  assert.equal(budget.gaveUp, 1);
});

test("SearchBudget does not guard what the linear engine takes over", () => {
  const budget = new SearchBudget({ milliseconds: 1, length: 0 });
  const exponential = compilePattern("^(?:a|a)*$");
  assert.equal(budget.search(exponential, `${"a".repeat(5000)}!`), undefined);
  assert.equal(budget.search(exponential, `${"a".repeat(5000)}`)?.end, 5000);
  assert.equal(budget.gaveUp, 0);
});

test("SearchBudget lets errors pass", () => {
  const broken = { ...hostile, tree: hostile.tree, source: "", search: () => assert.fail("broken") };
  assert.throws(
    () => new SearchBudget({ length: 0 }).search(broken as unknown as typeof hostile, "a"),
    /broken/,
  );
});
