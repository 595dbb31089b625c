import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../src/protocol/command.ts";
import { formatJson } from "../../src/regex/json-output.ts";
import { escapeJson, escapeText, toJson } from "../../src/shared/invisible.ts";

const BAN = { cmd: "ban", jail: "app", ip: "192.0.2.7", time: 0, until: null } as const;

const escaped: readonly { name: string; text: string; json: string }[] = [
  { name: "ASCII as it is", text: "a\\b", json: '"a\\\\b"' },
  { name: "letters of all scripts as they are", text: "ü漢😀ا", json: '"ü漢😀ا"' },
  { name: "DEL", text: "a\x7f", json: '"a\\u007f"' },
  { name: "C1 controls", text: "\x80\x9b31m\x9f", json: '"\\u0080\\u009b31m\\u009f"' },
  { name: "C0 controls, as JSON has it", text: "\x1b\n", json: '"\\u001b\\n"' },
  {
    name: "bidirectional controls",
    text: "\u202a\u202e\u2066\u2069\u200e\u200f\u061c",
    json: '"\\u202a\\u202e\\u2066\\u2069\\u200e\\u200f\\u061c"',
  },
  { name: "line and paragraph separators", text: "\u2028\u2029", json: '"\\u2028\\u2029"' },
  {
    name: "what has no width",
    text: "\u200b\u200d\u2060\ufeff\u00ad",
    json: '"\\u200b\\u200d\\u2060\\ufeff\\u00ad"',
  },
  { name: "fillers that look like nothing", text: "\u3164\u115f\uffa0", json: '"\\u3164\\u115f\\uffa0"' },
  { name: "tags, as surrogates", text: "\u{e0041}\u{e007f}", json: '"\\udb40\\udc41\\udb40\\udc7f"' },
  { name: "lone surrogates", text: "\ud83d-\udb40", json: '"\\ud83d-\\udb40"' },
];

for (const { name, text, json } of escaped) {
  test(`toJson writes ${name}`, () => {
    assert.equal(toJson([text]), `[${json}]`);
    assert.equal(escapeJson(`[${JSON.stringify(text)}]`), `[${json}]`, "of JSON that is there already");
  });
}

test("toJson escapes each invisible character, and no other", () => {
  for (let code = 0x20; code < 0x110000; code++) {
    const char = String.fromCodePoint(code);
    const isVisible = !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}"\\]/u.test(char);
    if ((toJson([char]) === `["${char}"]`) !== isVisible) assert.fail(`U+${code.toString(16)}`);
  }
});

test("toJson means what JSON.stringify means", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const json = toJson([value]);
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify([value])));
      assert.doesNotMatch(json, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("escapeText leaves no text that a terminal could act on", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(escapeText(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u);
    }),
  );
});

test("encode writes a command that no terminal acts on, and that decode reads", () => {
  const ban = { ...BAN, ip: undefined, id: "\u202eroot\x9b2J", matches: ["\u2028a\x7f", "\u{e0041}"] };
  const { ip: _, ...command } = ban;
  const line = encode(command);
  assert.match(line, /^[\x20-\x7e]*\n$/);
  assert.deepEqual(decode(line, 0), command);
});

test("encode keeps a command within its bytes when what it escapes makes it longer", () => {
  const matches = Array.from({ length: 10 }, (_, index) => `${index}${"\u0085".repeat(1200)}`);
  const line = encode({ ...BAN, matches });
  assert.ok(Buffer.byteLength(line) <= 65_536);
  const kept = decode(line, 0);
  assert.deepEqual(
    "matches" in kept && kept.matches,
    matches.slice(-9),
    "the oldest goes, and no more than needed",
  );
});

test("formatJson of f2b-regex writes what no terminal acts on", () => {
  const groups = () => ({ user: "\u202ex" });
  const line = formatJson(1, {
    match: true,
    id: "a\x85b",
    kind: "id",
    cidr: undefined,
    time: undefined,
    regex: 0,
    lines: ["x"],
    groups,
  });
  assert.match(line, /^[\x20-\x7e]*\n$/);
});
