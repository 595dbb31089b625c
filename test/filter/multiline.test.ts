import assert from "node:assert/strict";
import { test } from "node:test";
import { expandTags } from "../../src/filter/filter-tags.ts";
import { joinLines, splitBuffer } from "../../src/filter/multiline.ts";
import { compilePattern } from "../../src/python/search/compile-pattern.ts";

/** Lines that a pattern takes out of a buffer, and those that it leaves. */
function split(pattern: string, texts: readonly string[]): { matched: string; rest: string } {
  const lines = texts.map((text) => ({ text, whole: `whole ${text}` }));
  const text = joinLines(lines);
  const match = compilePattern(expandTags(pattern).source, { multiline: true }).search(text);
  assert.ok(match, "no match");
  const { matched, rest } = splitBuffer(lines, text, match);
  const shown = (some: typeof matched) => some.map(({ text }) => text).join(" ");
  return { matched: shown(matched), rest: shown(rest) };
}

const cases: readonly { name: string; pattern: string; lines: string[]; matched: string; rest: string }[] = [
  { name: "the only line", pattern: "b", lines: ["abc"], matched: "abc", rest: "" },
  { name: "one line of three", pattern: "^b$", lines: ["a", "b", "c"], matched: "b", rest: "a c" },
  { name: "a part of one line", pattern: "b", lines: ["a", "xbx", "c"], matched: "xbx", rest: "a c" },
  {
    name: "lines next to each other",
    pattern: "^a\\nb$",
    lines: ["x", "a", "b", "y"],
    matched: "a b",
    rest: "x y",
  },
  { name: "the first line", pattern: "^a$", lines: ["a", "b"], matched: "a", rest: "b" },
  { name: "the last line with its newline", pattern: "^b\\n", lines: ["a", "b"], matched: "b", rest: "a" },
  { name: "all lines", pattern: "^a(?:.|\\n)*c$", lines: ["a", "b", "c"], matched: "a b c", rest: "" },
  {
    name: "no skipped line",
    pattern: "^a$<SKIPLINES>^d$",
    lines: ["a", "b", "c", "d"],
    matched: "a d",
    rest: "b c",
  },
  {
    name: "nothing skipped between neighbours",
    pattern: "^a$<SKIPLINES>^b$",
    lines: ["x", "a", "b"],
    matched: "a b",
    rest: "x",
  },
  {
    name: "no line of two skips",
    pattern: "^a$<SKIPLINES>^b$<SKIPLINES>^c$",
    lines: ["a", "x", "b", "y", "z", "c", "w"],
    matched: "a b c",
    rest: "x y z w",
  },
  {
    name: "a skipped line that looks like the first one: as fail2ban, the first that is alike",
    pattern: "^a$<SKIPLINES>^d$",
    lines: ["x", "a", "b", "b", "d"],
    matched: "a d",
    rest: "x b b",
  },
  ...["\r", "\v", "\f", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"].map((end) => ({
    name: `a skipped line that Python splits at ${JSON.stringify(end)}, as fail2ban does`,
    pattern: "^a$<SKIPLINES>^d$",
    lines: ["a", `b${end}b`, "c\t\x1fc", "d"],
    matched: `a b${end}b d`,
    rest: "c\t\x1fc",
  })),
];

for (const { name, pattern, lines, matched, rest } of cases) {
  test(`splitBuffer takes ${name}`, () => {
    assert.deepEqual(split(pattern, lines), { matched, rest });
  });
}

test("joinLines ends every line in a newline", () => {
  const line = (text: string) => ({ text, whole: "" });
  assert.equal(joinLines([line("a")]), "a\n");
  assert.equal(joinLines([line("a"), line(""), line("b")]), "a\n\nb\n");
});

test("splitBuffer gives back the skipped lines themselves, not others alike", () => {
  const lines = ["a", "x", "a", "d"].map((text, index) => ({ text, whole: `${index}` }));
  const text = joinLines(lines);
  const match = compilePattern(expandTags("^a$<SKIPLINES>^d$").source, { multiline: true }).search(text);
  assert.ok(match);
  const { matched, rest } = splitBuffer(lines, text, match);
  assert.deepEqual(
    [matched, rest].map((some) => some.map(({ whole }) => whole).join(" ")),
    ["0 3", "1 2"],
  );
});
