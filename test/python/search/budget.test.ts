import assert from "node:assert/strict";
import { test } from "node:test";
import type { PythonPattern } from "../../../src/python/pattern.ts";
import { SearchBudget } from "../../../src/python/search/budget.ts";
import { compilePattern } from "../../../src/python/search/compile-pattern.ts";
import { shownMatch } from "../../helpers/match.ts";

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

test("SearchBudget gives up a short text, too, if the pattern is exponential", () => {
  const budget = new SearchBudget({ milliseconds: 10 });
  assert.equal(budget.search(hostile, `${"a".repeat(40)}!`), undefined);
  assert.equal(budget.search(hostile, `${"ä".repeat(3)}${"a".repeat(40)}!`), undefined);
  assert.equal(budget.gaveUp, 1);
});

test("SearchBudget gives up spans that the linear engine cannot tell", () => {
  const budget = new SearchBudget({ milliseconds: 10 });
  const exponential = compilePattern("^(?:a|a)*$");
  assert.equal(budget.search(exponential, `${"a".repeat(40)}!`), undefined);
  assert.equal(budget.gaveUp, 0);
  assert.equal(budget.searchSpans(exponential, `${"a".repeat(40)}!`), undefined);
  assert.equal(budget.gaveUp, 1);
});

test("SearchBudget gives up a long text that takes the linear engine too long", () => {
  const budget = new SearchBudget({ milliseconds: 1 });
  const slow = compilePattern(`^(?:${"(?:a|a)*".repeat(200)})*$`);
  assert.equal(budget.search(slow, `${"a".repeat(60_000)}!`), undefined);
  assert.equal(budget.gaveUp, 1);
});

test("SearchBudget finds what the pattern finds", () => {
  const budget = new SearchBudget();
  const pattern = compilePattern("(?P<x>a)(?=b)");
  for (const length of [1, 600, 6000]) {
    for (const text of ["zab", "zaß ab", "za"].map((end) => end.padStart(length, "z"))) {
      assert.deepEqual(shownMatch(budget.search(pattern, text)), shownMatch(pattern.search(text)));
      assert.deepEqual(shownMatch(budget.searchSpans(pattern, text)), shownMatch(pattern.searchSpans(text)));
    }
  }
  assert.equal(budget.gaveUp, 0);
});

test("SearchBudget leaves a pattern as it was when it gives up", () => {
  const budget = new SearchBudget({ milliseconds: 10 });
  budget.search(hostile, line);
  assert.deepEqual(hostile.search("aa")?.groups.x, "aa");
  assert.equal(budget.gaveUp, 1);
  const ample = new SearchBudget({ milliseconds: 60_000 });
  assert.equal(ample.search(hostile, `${"b".repeat(600)}`), undefined);
  assert.equal(ample.gaveUp, 0);
});

test("SearchBudget finds the matches of several patterns in a long text, in their order", () => {
  const patterns = ["b(?!c)", "^a", "(?P<x>a)!", "never"].map((source) => compilePattern(source));
  const spans = (all: readonly PythonPattern[], budget: SearchBudget) =>
    [...budget.matches(all, line, true)].map(({ index, match }) => [index, match.start, match.end]);
  const expected = [
    [1, 0, 1],
    [2, 599, 601],
  ];
  assert.deepEqual(spans(patterns, new SearchBudget()), expected);
  assert.deepEqual(spans([], new SearchBudget()), []);
  const budget = new SearchBudget({ milliseconds: 20 });
  const late = expected.map(([index = 0, ...span]) => [index + 1, ...span]);
  assert.deepEqual(spans([hostile, ...patterns], budget), late);
  assert.equal(budget.gaveUp, 1, "the hostile one alone");
  assert.deepEqual(spans([hostile, ...patterns], budget), late);
  assert.equal(budget.gaveUp, 2);
});

test("SearchBudget makes RegExps outside of the time of a search", () => {
  // Folded classes of all characters take longer to make than a line may take.
  const classes = Array.from("abcdefghijkl", (letter) => `[\\w${letter}-]${letter}[^\\W${letter}]`);
  const slow = () => compilePattern(`(?i)^x+(?:${classes.join("|")}|.?!)$`);
  for (const end of ["\u{1f600}!", "\u6f22!", "!"]) {
    const budget = new SearchBudget();
    const text = `${"x".repeat(600)}${end}`;
    assert.ok(budget.search(slow(), text), end);
    assert.ok(budget.searchSpans(slow(), text), end);
    assert.equal([...budget.matches([slow(), slow()], text, end === "!")].length, 2, end);
    assert.equal(budget.gaveUp, 0);
  }
});

/** A pattern whose searches of longer texts than one character take what they are told to: they wait until a clock says so, or are stopped. */
function sleeper(milliseconds: number): PythonPattern {
  const search = (text: string) => {
    if (text.length === 1) return undefined;
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    return undefined;
  };
  return Object.assign(Object.create(compilePattern("a(?!b)")), { search });
}

test("SearchBudget gives a line no more than its share, save the least for each pattern", () => {
  const given: number[] = [];
  const budget = new SearchBudget({ milliseconds: 60_000, perLine: 30 });
  const search = (pattern: PythonPattern) => {
    const start = performance.now();
    budget.search(pattern, line);
    given.push(performance.now() - start);
  };
  search(sleeper(Number.POSITIVE_INFINITY));
  search(sleeper(Number.POSITIVE_INFINITY));
  assert.equal(budget.gaveUp, 2, `${given}`);
  budget.nextLine();
  search(sleeper(0));
  assert.equal(budget.gaveUp, 2, `${given}`);
});

test("SearchBudget lets errors pass", () => {
  const broken = Object.assign(Object.create(hostile), { search: () => assert.fail("broken") });
  assert.throws(() => new SearchBudget().search(broken, line), /broken/);
});
