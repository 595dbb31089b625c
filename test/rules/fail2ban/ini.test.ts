import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIni } from "../../../src/rules/fail2ban/ini.ts";
import { RuleError } from "../../../src/rules/rule.ts";

/** Section, key, value as one flat object. */
function read(source: string): Record<string, string> {
  const { defaults, sections } = parseIni(source, "x.conf");
  const all = [["DEFAULT", defaults] as const, ...sections];
  const values = all.flatMap(([name, section]) =>
    [...section].map(([key, { text }]) => [`${name}.${key}`, text] as const),
  );
  return Object.fromEntries(values);
}

describe("parseIni", () => {
  const cases: [name: string, source: string, expected: Record<string, string>][] = [
    ["takes = and :, the first of them", "[a]\nx = 1:2\ny: 3=4", { "a.x": "1:2", "a.y": "3=4" }],
    ["lowers keys, not sections or values", "[Aa]\nXy = Zz", { "Aa.xy": "Zz" }],
    ["drops comment lines", "# c\n[a]\n; c\nx = 1\n  # c", { "a.x": "1" }],
    ["drops comment lines inside a value", "[a]\nx = 1\n  # c\n;c\n  2", { "a.x": "1\n2" }],
    ["cuts an inline comment after a blank", "[a]\nx = 1 ; c\ny = 1;2 # 3", { "a.x": "1", "a.y": "1;2 # 3" }],
    ["goes on over indented lines", "[a]\nx =\n  1\n\t2\ny = 3", { "a.x": "\n1\n2", "a.y": "3" }],
    [
      "keeps empty lines inside, not at the end",
      "[a]\nx = 1\n\n  2\n\n\ny = 3",
      { "a.x": "1\n\n2", "a.y": "3" },
    ],
    ["takes a line as deep as its key for a key", "[a]\n  x = 1\n  y = 2", { "a.x": "1", "a.y": "2" }],
    ["takes an indented header for a value", "[a]\nx = 1\n  [b]\n  y = 2", { "a.x": "1\n[b]\ny = 2" }],
    ["begins a section even after a deeper key", "  [a]\n    x = 1\n[b]\ny = 2", { "a.x": "1", "b.y": "2" }],
    ["allows an empty value", "[a]\nx =\ny = 1", { "a.x": "", "a.y": "1" }],
    ["allows [DEFAULT] twice", "[DEFAULT]\nx = 1\n[DEFAULT]\ny = 2", { "DEFAULT.x": "1", "DEFAULT.y": "2" }],
    ["reads every kind of line end", "[a]\r\nx = 1\ry = 2\r\n  3", { "a.x": "1", "a.y": "2\n3" }],
    ["takes other line separators for text", "[a]\nx = 1\u20282", { "a.x": "1\u20282" }],
    ["reads a file without anything", "", {}],
  ];
  for (const [name, source, expected] of cases) {
    it(name, () => assert.deepEqual(read(source), expected));
  }

  const mistakes: [name: string, source: string, line: number, message: RegExp][] = [
    ["a key before any section", "\nx = 1", 2, /before the first key/],
    ["a line that is neither", "[a]\nx = 1\nword", 3, /"word"/],
    ["a key without a name", "[a]\n= 1", 2, /expected "key = value"/],
    ["a section given twice", "[a]\n[b]\n[a]", 3, /\[a\] is given twice/],
    ["a key given twice", "[a]\nx = 1\nX = 2", 3, /x is given twice in section \[a\]/],
    ["a key given twice in [DEFAULT]", "[DEFAULT]\nx = 1\n[DEFAULT]\nx = 2", 4, /x is given twice/],
  ];
  for (const [name, source, line, message] of mistakes) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parseIni(source, "x.conf"),
        (error) =>
          error instanceof RuleError &&
          error.code === "ERR_RULE_SYNTAX" &&
          error.place.file === "x.conf" &&
          error.place.line === line &&
          message.test(error.message),
      );
    });
  }

  it("knows the place of every line of a value", () => {
    const { sections } = parseIni("[a]\n x =  1\n\n   # c\n    2\n", "x.conf");
    const places = sections
      .get("a")
      ?.get("x")
      ?.places.map(({ line, column }) => `${line}:${column}`);
    assert.deepEqual(places, ["2:7", "3:1", "5:5"]);
  });

  it("throws nothing but RuleError", () => {
    const piece = fc.constantFrom(
      "[a]",
      "[",
      "]",
      "x",
      " ",
      "=",
      ":",
      "#",
      ";",
      "\n",
      "\r",
      "[DEFAULT]",
      "\0",
    );
    const source = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(source, (text) => {
        try {
          for (const section of parseIni(text, "x").sections.values()) {
            for (const value of section.values()) {
              assert.equal(value.places.length, value.text.split("\n").length);
            }
          }
        } catch (error) {
          assert.ok(error instanceof RuleError);
        }
      }),
    );
  });
});
