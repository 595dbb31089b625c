import assert from "node:assert/strict";
import { test } from "node:test";
import { attackStrings, attackText } from "../../../src/python/analyse/attack-strings.ts";
import { compilePattern } from "../../../src/python/search/compile-pattern.ts";

test("hostileTexts pump every loop with what it takes", () => {
  const texts = attackStrings(compilePattern("^id=(\\d+), (?:b,)*").tree);
  assert.deepEqual([...new Set(texts.map(({ offset }) => offset))], [5, 11]);
  assert.ok(texts.some(({ prefix, pump }) => prefix === "id=" && pump === "0"));
  assert.ok(texts.some(({ prefix, pump }) => prefix === "id=0, " && pump === "b,"));
});

test("pump makes a text of the length asked for, and spoils its end", () => {
  const text = attackText({ offset: 0, prefix: "id=", pump: "ab", suffix: "\x01\n" }, 6);
  assert.equal(text, "id=ababab\x01\n");
});
