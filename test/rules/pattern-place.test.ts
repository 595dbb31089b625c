import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import * as yaml from "yaml";
import { placeInPattern } from "../../src/rules/pattern-place.ts";
import type { Jail, Pattern } from "../../src/rules/rule.ts";
import { RulesFolder } from "../helpers/rules.ts";

const folder = new RulesFolder();
after(() => folder.remove());

async function patternsOf(text: string): Promise<readonly Pattern[]> {
  return ((await folder.load([text])).jails[0] as Jail).filter.failregex;
}

describe("placeInPattern finds the letter Q of a pattern written", () => {
  const cases: readonly { name: string; lines: readonly string[]; source: string }[] = [
    { name: "plain", lines: ["    failregex: ^a bQ <HOST>"], source: "^a bQ <HOST>" },
    { name: "in single quotes", lines: ["    failregex: 'it''s ''Q'' <HOST>'"], source: "it's 'Q' <HOST>" },
    {
      name: "in double quotes",
      lines: ['    failregex: "\\\\d\\x41\\u0042\\U00000043\\t\\"Q <HOST>"'],
      source: '\\dABC\t"Q <HOST>',
    },
    { name: "in a flow list", lines: ["    failregex: [a, '''Q <HOST>']"], source: "'Q <HOST>" },
    {
      name: "in a block",
      lines: ["    failregex: |-", "      ^a", "      ^bQ <HOST>"],
      source: "^bQ <HOST>",
    },
    {
      name: "in a block with blanks before its text",
      lines: ["    failregex: |2-", "", "         ^a", "      ^bQ <HOST>"],
      source: "^bQ <HOST>",
    },
    {
      name: "in a folded block",
      lines: ["    failregex:", "      - >-", "        ^a", "        b", "        cQ <HOST>"],
      source: "^a b cQ <HOST>",
    },
    {
      name: "plain over lines",
      lines: ["    failregex:", "      - ^a   ", "        bQ <HOST>"],
      source: "^a bQ <HOST>",
    },
    {
      name: "in double quotes over lines",
      lines: ["    failregex:", '      - "^a\\', "         b", '         cQ <HOST>"'],
      source: "^ab cQ <HOST>",
    },
    { name: "with a colon", lines: ["    failregex:", "      - ^a: b: Q <HOST>"], source: "^a: b: Q <HOST>" },
    { name: "at an anchor", lines: ["    description: &x 'a''Q'", "    failregex: *x"], source: "a'Q" },
  ];
  for (const { name, lines, source } of cases) {
    it(name, async () => {
      const text = ["jails:", "  a:", ...lines, ""].join("\n");
      const pattern = (await patternsOf(text)).at(-1) as Pattern;
      assert.equal(pattern.source, source);
      const before = text.slice(0, text.indexOf("Q"));
      const { line, column } = placeInPattern(pattern, source.indexOf("Q"));
      assert.deepEqual(
        { line, column },
        { line: before.split("\n").length, column: before.length - before.lastIndexOf("\n") },
      );
    });
  }
});

describe("placeInPattern", () => {
  it("gives the end behind the last character", async () => {
    const [pattern] = await patternsOf("jails: {a: {failregex: 'a''b'}}");
    assert.equal(placeInPattern(pattern as Pattern, 3).column, 29);
    assert.equal(placeInPattern(pattern as Pattern, 99).column, 29);
  });

  it("gives the pattern's own place for one that was not read from YAML", () => {
    const place = { file: "x.conf", line: 3, column: 5 };
    assert.deepEqual(placeInPattern({ source: "abc", place }, 2), place);
  });

  it("finds each character of any text, however it is quoted", async () => {
    const character = fc.constantFrom("a", "é", "😀", "'", '"', "\\", " ", "#", ":", "\t", "{", "\u0085");
    const styles = [yaml.Scalar.QUOTE_SINGLE, yaml.Scalar.QUOTE_DOUBLE, yaml.Scalar.PLAIN] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(character, { minLength: 1 }),
        fc.constantFrom(...styles),
        async (letters, style) => {
          const source = `${letters.join("")}Q`;
          const scalar = new yaml.Scalar(source);
          scalar.type = style;
          const text = yaml.stringify({ jails: { a: { failregex: [scalar] } } }, { lineWidth: 0 });
          const [pattern] = await patternsOf(text);
          assert.equal(pattern?.source, source);
          const before = text.slice(0, text.lastIndexOf("Q"));
          assert.equal(
            placeInPattern(pattern as Pattern, source.length - 1).column,
            before.length - before.lastIndexOf("\n"),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});
