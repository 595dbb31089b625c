import assert from "node:assert/strict";
import { test } from "node:test";
import { expandTags } from "../../../src/filter/filter-tags.ts";
import { findBacktracking } from "../../../src/python/analyse/backtracking.ts";
import { parsePattern } from "../../../src/python/parse/parse.ts";

const found = (source: string) => findBacktracking(parsePattern(expandTags(source).source));

const ENDLESS: readonly { name: string; source: string; at: number }[] = [
  { name: "a loop of loops", source: "(?:x+x+)+y", at: 0 },
  { name: "a loop of loops that V8's linear engine does not take", source: "(?:x+x+)+y(?=z)", at: 0 },
  { name: "a loop of two equal branches", source: "^id=(?:a|a)*$", at: 4 },
  { name: "a loop of blanks beside the end", source: "^(?:\\s|[ \\t])+$", at: 1 },
  { name: "a loop behind a head", source: "^Failed \\S+ for (?:[a-z]+)*; from <HOST>$", at: 19 },
  { name: "words with blanks that may be missing", source: "^user (?:\\w+ ?)+ failed from <HOST>$", at: 9 },
]; // biome-ignore format: a table

for (const { name, source, at } of ENDLESS) {
  test(`findBacktracking finds ${name}`, () =>
    assert.deepEqual(found(source), { offset: at, isEndless: true }));
}

const CUBIC: readonly { name: string; source: string }[] = [
  { name: "three loops in a row", source: "^a*a*a*$" },
  { name: "three texts, each free", source: "^.*x.*y.*z$" },
  { name: "two free texts behind no anchor", source: "x.*y.*z$" },
  { name: "loops in a lookahead", source: "^(?=a*a*a*$)b" },
  { name: "loops and a back reference", source: "^(?P<a>x*)x*(?P=a)y" },
]; // biome-ignore format: a table

for (const { name, source } of CUBIC) {
  test(`findBacktracking finds ${name}`, () => assert.equal(found(source)?.isEndless, false));
}

const HARMLESS: readonly { name: string; source: string }[] = [
  { name: "two loops in a row", source: "^a*a*$" },
  { name: "a loop behind no anchor", source: "a*b" },
  { name: "free text on both sides", source: "^user .* from <HOST>: .*$" },
  { name: "loops that give nothing back", source: "^a*+a*+a*+$" },
  { name: "a loop of loops that gives nothing back", source: "^(?>(?:x+x+)+)y" },
  { name: "three loops that stop at a hundred", source: "^a{0,100}a{0,100}a{0,100}$" },
  { name: "loops over different characters", source: "^\\s*\\S*\\s*\\S*\\s*$" },
  { name: "a quoted text with escapes", source: '^"(?:[^"\\\\]|\\\\.)*" from <HOST>$' },
  { name: "no loop", source: "^failed$" },
]; // biome-ignore format: a table

for (const { name, source } of HARMLESS) {
  test(`findBacktracking has nothing to say of ${name}`, () => assert.equal(found(source), undefined));
}
