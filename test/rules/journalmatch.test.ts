import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatJournalMatch,
  nameableFields,
  parseJournalMatch,
  splitJournalMatch,
  writableFields,
} from "../../src/rules/journalmatch.ts";

/** A match as plain data: alternatives of [field, values]. */
const plain = (text: string) =>
  parseJournalMatch(splitJournalMatch(text)).map((terms) =>
    [...terms].map(([field, values]) => [field, [...values]]),
  );

describe("parseJournalMatch", () => {
  const cases: readonly { text: string; match: unknown }[] = [
    { text: "", match: [] },
    { text: "_A=1", match: [[["_A", ["1"]]]] },
    {
      text: "_A=1 _A=2 _B=3",
      match: [
        [
          ["_A", ["1", "2"]],
          ["_B", ["3"]],
        ],
      ],
    },
    { text: "_A=1 + _B=2", match: [[["_A", ["1"]]], [["_B", ["2"]]]] },
    { text: "_A=1\n\n _B=2\n", match: [[["_A", ["1"]]], [["_B", ["2"]]]] },
    { text: "_A=x=y", match: [[["_A", ["x=y"]]]] },
    {
      text: `_A="x y" '_B=z z'`,
      match: [
        [
          ["_A", ["x y"]],
          ["_B", ["z z"]],
        ],
      ],
    },
  ];
  for (const { text, match } of cases) {
    it(JSON.stringify(text), () => assert.deepEqual(plain(text), match));
  }

  const refused: readonly { text: string; message: string }[] = [
    { text: "sshd.service", message: 'expected FIELD=VALUE, got "sshd.service"' },
    { text: "_A=", message: 'expected FIELD=VALUE, got "_A="' },
    { text: "_a=1", message: 'expected FIELD=VALUE, got "_a=1"' },
    { text: "=1", message: 'expected FIELD=VALUE, got "=1"' },
    { text: "_A=1 +", message: 'expected FIELD=VALUE before and after "+"' },
    { text: "+ _A=1", message: 'expected FIELD=VALUE before and after "+"' },
    { text: "_A=1 + + _B=1", message: 'expected FIELD=VALUE before and after "+"' },
  ];
  for (const { text, message } of refused) {
    it(`refuses ${text}`, () => assert.throws(() => plain(text), { name: "SyntaxError", message }));
  }
});

describe("formatJournalMatch", () => {
  it("gives the words again", () => {
    const words = ["_A=1", "_A=2 3", "_B=4", "+", "_C=5"];
    assert.deepEqual(formatJournalMatch(parseJournalMatch(words)), words);
  });
});

describe("writableFields and nameableFields", () => {
  const cases: readonly { text: string; writable?: string[]; nameable?: string[] }[] = [
    { text: "_SYSTEMD_UNIT=a" },
    { text: "_SYSTEMD_UNIT=a PRIORITY=5 _COMM=b" },
    { text: "_UID=0 + PRIORITY=5", writable: ["PRIORITY"], nameable: ["PRIORITY"] },
    { text: "_UID=0 + _COMM=sshd", nameable: ["_COMM"] },
    { text: "_COMM=a PRIORITY=5", nameable: ["_COMM", "PRIORITY"] },
    { text: "_SYSTEMD_USER_UNIT=a", nameable: ["_SYSTEMD_USER_UNIT"] },
    { text: "__CURSOR=a", writable: ["__CURSOR"], nameable: ["__CURSOR"] },
  ];
  for (const { text, writable, nameable } of cases) {
    it(text, () => {
      const match = parseJournalMatch(splitJournalMatch(text));
      assert.deepEqual([writableFields(match), nameableFields(match)], [writable, nameable]);
    });
  }
});
