import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import { expandTags } from "../../src/filter/filter-tags.ts";
import { prefilterOf } from "../../src/filter/prefilter-literals.ts";
import type { PythonPattern } from "../../src/python/pattern.ts";
import { usePrecompiled } from "../../src/python/precompiled.ts";
import { compilePattern, isLinear, precompile } from "../../src/python/search/compile-pattern.ts";
import { readRules } from "../../src/rules/document.ts";
import { bundledFiles } from "../../src/rules/files.ts";
import { mergeLayers, resolveJail } from "../../src/rules/merge.ts";
import { decodeData, encodeData } from "../../src/rules/prechecked.ts";
import type { Jail } from "../../src/rules/rule.ts";
import { shownMatch } from "../helpers/match.ts";

after(() => usePrecompiled(new Map()));

/** Patterns as they are known after a build. */
function learn(sources: readonly string[]): void {
  const known = sources.map((source) => [source, precompile(source)] as const);
  const json = encodeData(new Map(known.filter(([, found]) => found !== undefined)));
  usePrecompiled(decodeData(json) as Parameters<typeof usePrecompiled>[0]);
}

const cases = [
  { name: "groups", source: "^(?P<x>a)?(b)(?P<y>c)$", texts: ["abc", "bc\n", "xbc", "abc\u00e9"] },
  { name: "a line's beginning", source: "(?m)^(?P<x>\\w+)$", texts: ["one\ntwo", "\u00e9t\u00e9\n"] },
  { name: "a loop that keeps groups", source: "(?:(?P<x>a)|b)+", texts: ["ab", "b"] },
  { name: "a look behind", source: "(?<=a)(?P<x>\\d)", texts: ["a1", "b1"] },
];

for (const { name, source, texts } of cases) {
  test(`compilePattern finds the same with a known pattern of ${name}`, () => {
    usePrecompiled(new Map());
    const fresh = compilePattern(source);
    learn([source]);
    const known = compilePattern(source);
    assert.deepEqual(known.groupNames, fresh.groupNames);
    assert.equal(known.groupCount, fresh.groupCount);
    assert.deepEqual(known.tree, fresh.tree);
    for (const ascii of [true, false]) assert.equal(isLinear(known, ascii), isLinear(fresh, ascii));
    for (const text of texts) {
      for (const from of [0, 1]) {
        assert.deepEqual(shownMatch(known.search(text, from)), shownMatch(fresh.search(text, from)));
        assert.deepEqual(
          shownMatch(known.searchSpans(text, from)),
          shownMatch(fresh.searchSpans(text, from)),
        );
      }
    }
  });
}

test("compilePattern takes a known pattern for no other flags", () => {
  learn(["^a"]);
  assert.equal(compilePattern("^a").search("b\na"), undefined);
  assert.equal(compilePattern("^a", { multiline: true }).search("b\na")?.start, 2);
});

test("needsOf and searches say the same of the bundled rules, known or not", async () => {
  const layers = (await bundledFiles()).map(
    ({ path, name }) => readRules(readFileSync(path, "utf8"), name).layer,
  );
  const { defaults, jails } = mergeLayers(layers);
  assert.deepEqual(defaults, { escalation: {}, count: {} });
  const all = [...jails].map(([name, { place, settings }]) => resolveJail(name, place, settings));
  const patterns = ({ filter }: Jail) =>
    [...filter.failregex, ...filter.ignoreregex, filter.prefregex ?? []].flat();
  usePrecompiled(new Map());
  const fresh = all.map(({ filter, session }) => compileFilter(filter, session !== undefined));
  learn(all.flatMap(patterns).map(({ source }) => expandTags(source).source));
  const known = all.map(({ filter, session }) => compileFilter(filter, session !== undefined));
  const lines = all.flatMap(({ tests }) => tests.flatMap((each) => each.lines));
  const messages = lines.flatMap((line) => [line, line.replace(/^.*?\]: /, "")]);
  for (const [index, filter] of fresh.entries()) {
    const other = known[index];
    assert.ok(other);
    for (const isCut of [true, false])
      assert.deepEqual(prefilterOf(other, isCut), prefilterOf(filter, isCut));
    for (const [at, { pattern }] of filter.failregex.entries()) {
      const twin: PythonPattern | undefined = other.failregex[at]?.pattern;
      for (const text of messages)
        assert.deepEqual(shownMatch(twin?.search(text)), shownMatch(pattern.search(text)));
    }
  }
});
