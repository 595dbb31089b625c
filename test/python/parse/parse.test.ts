import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePattern } from "../../../src/python/parse/parse.ts";
import { PatternError, type PatternFlags } from "../../../src/python/pattern.ts";

const REFUSED: readonly { source: string; offset: number; message: RegExp }[] = [
  { source: "a)", offset: 1, message: /no group is open/ },
  { source: "(a", offset: 0, message: /expected a \)/ },
  { source: "b(?:a", offset: 1, message: /expected a \)/ },
  { source: "*a", offset: 0, message: /nothing to repeat/ },
  { source: "a|+", offset: 2, message: /nothing to repeat/ },
  { source: "^*", offset: 1, message: /nothing to repeat/ },
  { source: "a**", offset: 2, message: /a repeat of a repeat/ },
  { source: "a{2}{3}", offset: 4, message: /a repeat of a repeat/ },
  { source: "a{3,2}", offset: 1, message: /minimum of a repeat/ },
  { source: "a{4294967295}", offset: 1, message: /too large/ },
  { source: "[a", offset: 0, message: /expected a \]/ },
  { source: "[]", offset: 0, message: /expected a \]/ },
  { source: "x[z-a]", offset: 2, message: /lower to the higher/ },
  { source: "[\\w-z]", offset: 1, message: /character to character/ },
  { source: "\\", offset: 0, message: /backslash/ },
  { source: "a\\q", offset: 1, message: /unknown escape "\\q"/ },
  { source: "[\\A]", offset: 1, message: /unknown escape/ },
  { source: "\\x4", offset: 0, message: /2 hexadecimal digits/ },
  { source: "\\u12", offset: 0, message: /4 hexadecimal digits/ },
  { source: "\\U00110000", offset: 0, message: /above U\+10FFFF/ },
  { source: "\\400", offset: 0, message: /\\377/ },
  { source: "\\1(a)", offset: 0, message: /no group 1 before/ },
  { source: "(a\\1)", offset: 2, message: /cannot refer to itself/ },
  { source: "(?P=n)", offset: 0, message: /no group named "n"/ },
  { source: "(?P<n>a)(?P<n>b)", offset: 8, message: /another group named "n"/ },
  { source: "(?P<1n>a)", offset: 4, message: /not a valid group name/ },
  { source: "(?P<n", offset: 4, message: /expected the name/ },
  { source: "(?P>n)", offset: 0, message: /expected "\(\?P</ },
  { source: "(?<n>a)", offset: 0, message: /a named group is/ },
  { source: "(?(2)a|b)(c)", offset: 3, message: /no group 2/ },
  { source: "(?(0)a)", offset: 3, message: /neither the name nor the number/ },
  { source: "(?(x)a)", offset: 3, message: /no group named "x"/ },
  { source: "(c)(?(1)a|b|d)", offset: 11, message: /two branches/ },
  { source: "(?<=a+)b", offset: 0, message: /fixed width/ },
  { source: "(?<!a|bc)d", offset: 0, message: /fixed width/ },
  { source: "(?<=(a)\\1)b", offset: 7, message: /inside it or open/ },
  { source: "a(?i)b", offset: 1, message: /at its start/ },
  { source: "(?q)a", offset: 2, message: /unknown flag "q"/ },
  { source: "(?i-i:a)", offset: 2, message: /mutually exclusive/ },
  { source: "(?-a:a)", offset: 2, message: /mutually exclusive/ },
  { source: "(?-:a)", offset: 2, message: /expected flags/ },
  { source: "(?~a)", offset: 0, message: /unknown kind of group/ },
  { source: "(?#a", offset: 0, message: /ends the comment/ },
  { source: "(".repeat(300) + ")".repeat(300), offset: 200, message: /nested/ },
]; // biome-ignore format: a table

for (const { source, offset, message } of REFUSED) {
  test(`parsePattern refuses ${source.slice(0, 20)}`, () => {
    assert.throws(
      () => parsePattern(source),
      (error: unknown) =>
        error instanceof PatternError &&
        error.code === "ERR_PATTERN_SYNTAX" &&
        error.offset === offset &&
        message.test(error.message),
    );
  });
}

test("parsePattern does not know characters by name, and says so", () => {
  assert.throws(() => parsePattern("a\\N{DASH}"), { code: "ERR_PATTERN_UNSUPPORTED", offset: 1 });
});

/** Pairs that mean the same; the right one is plainer. */
const SAME: readonly { name: string; source: string; plain: string; flags?: PatternFlags }[] = [
  { name: "a brace that counts nothing is text", source: "a{x}{}{1,b", plain: "a\\{x\\}\\{\\}\\{1,b" },
  { name: "a count without a least", source: "a{,3}b{,}", plain: "a{0,3}b*" },
  { name: "a bracket that comes first is a member", source: "[]a][^]b]", plain: "[\\]a][^\\]b]" },
  { name: "a hyphen at an end is a member", source: "[-a][\\w-]", plain: "[\\-a][\\w\\-]" },
  { name: "octal escapes", source: "\\0\\101[\\1]", plain: "\\x00A[\\x01]" },
  { name: "controls", source: "\\a\\f\\v[\\b]", plain: "\\x07\\x0c\\x0b[\\x08]" },
  { name: "numbers of characters", source: "\\x41\\u0041\\U00000041", plain: "AAA" },
  { name: "a comment is nothing", source: "a(?#b)c(?#d)+", plain: "ac+" },
  {
    name: "blanks and comments of verbose patterns",
    source: "a b [ ] # c\n+",
    plain: "ab[ ]+",
    flags: { verbose: true },
  },
  {
    name: "flags at the start",
    source: "(?i)(?s)a.",
    plain: "a.",
    flags: { ignorecase: true, dotall: true },
  },
  { name: "fail2ban: a flag at the start of a group", source: "((?i)a)(?:(?s).)", plain: "(?i:a)(?s:.)" },
];

for (const { name, source, plain, flags } of SAME) {
  test(`parsePattern: ${name}`, () => {
    const [left, right] = [
      parsePattern(source, source.startsWith("(?i)") ? {} : flags),
      parsePattern(plain, flags),
    ];
    const withoutOffsets = (key: string, value: unknown) => (key === "offset" ? undefined : value);
    assert.equal(JSON.stringify(left.root, withoutOffsets), JSON.stringify(right.root, withoutOffsets));
  });
}

test("parsePattern numbers groups and keeps their names", () => {
  const { groupCount, names } = parsePattern("(?P<user>(a)|b)(?:c)(?P<ip4>d)");
  assert.equal(groupCount, 3);
  assert.deepEqual([...names], [[1, "user"], [3, "ip4"]]); // biome-ignore format: short
});

test("parsePattern: a digit is an octal escape or a group, as Python reads it", () => {
  const types = (source: string) => {
    const { root } = parsePattern(source);
    return root.type === "sequence" ? root.items.map(({ type }) => type) : [root.type];
  };
  assert.deepEqual(types("(a)\\1"), ["group", "reference"]);
  assert.deepEqual(types("(a)\\101"), ["group", "char"]);
  assert.deepEqual(types("(a)\\01"), ["group", "char"]);
});
