import assert from "node:assert/strict";
import { test } from "node:test";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import { Matcher } from "../../src/filter/matcher.ts";
import { SearchBudget } from "../../src/python/search/budget.ts";
import { isLinear } from "../../src/python/search/compile-pattern.ts";
import { absent, bundledPatterns, fail2banPatterns, hurt } from "../helpers/hostile.ts";
import { filterRule } from "../helpers/jail.ts";

// A sample; `make hostile` takes all texts and tells the times.

const skip = absent ?? false;

/** So much time that only a search without end uses it up. */
const patient = () => new SearchBudget({ milliseconds: 10_000, perLine: 10_000 });

test("157 of fail2ban's 197 patterns, or more, are for V8's linear engine", { skip }, () => {
  const patterns = fail2banPatterns();
  const linear = patterns.filter((pattern) => isLinear(pattern));
  assert.equal(patterns.length, 197);
  assert.ok(linear.length >= 157, `${linear.length} are`);
});

test("patterns of fail2ban's for the linear engine end in hostile lines of 8 KiB", { skip }, () => {
  const patterns = fail2banPatterns().filter((pattern, index) => index % 4 === 0 && isLinear(pattern));
  const found = patterns.map((pattern) => hurt(pattern, 8192, 3, patient()));
  assert.deepEqual(
    found.filter(({ gaveUp }) => gaveUp > 0).map(({ pattern }) => pattern.source),
    [],
  );
});

test("patterns of fail2ban's for the other engine end, or are given up, in hostile lines of 64 KiB", {
  skip,
}, () => {
  const patterns = fail2banPatterns().filter((pattern) => !isLinear(pattern));
  const found = patterns.map((pattern) => hurt(pattern, 65_536, 3));
  assert.ok(found.some(({ gaveUp }) => gaveUp > 0));
  assert.ok(found.some(({ gaveUp }) => gaveUp === 0));
});

test("Matcher gives up a datepattern that is hurt, and tells", () => {
  const told: string[] = [];
  const filter = compileFilter(
    filterRule({ failregex: ["^failed from <ADDR>$"], datepattern: "^(?:a|a)*(?!b)%Y" }),
  );
  const matcher = new Matcher(filter, { onGiveUp: ({ source }) => told.push(source) });
  const text = `${"a".repeat(60)}!`;
  const verdict = matcher.match(
    { text: `${text}\n`, whole: text, hasDate: true, time: undefined },
    { now: 0, clock: 0 },
  );
  assert.equal(verdict.match, false);
  assert.equal(told.length, 1, `${told}`);
});

for (const { name, pattern } of await bundledPatterns()) {
  test(`${name} ends in hostile lines of 8 KiB`, () => {
    const { gaveUp, texts } = hurt(pattern, 8192, 8, patient());
    assert.ok(texts > 0 || !/[*+{]/.test(pattern.source));
    assert.equal(gaveUp, 0);
  });
}
