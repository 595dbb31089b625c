import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCall, splitCalls, splitWords } from "../../../src/rules/fail2ban/calls.ts";
import { parseFail2banSpec } from "../../../src/rules/fail2ban/load-fail2ban.ts";
import { located } from "../../../src/rules/fail2ban/located-text.ts";
import { parseSeconds } from "../../../src/rules/fail2ban/seconds.ts";
import { shellNeed, splitShell } from "../../../src/rules/fail2ban/shell-words.ts";

const place = { file: "jail.conf", line: 3, column: 1 };
const at = (text: string) => located(text, place);

describe("parseCall", () => {
  const cases: [text: string, name: string, parameters: Record<string, string>][] = [
    ["sshd", "sshd", {}],
    ["sshd[]", "sshd", {}],
    ["sshd[mode=ddos]", "sshd", { mode: "ddos" }],
    ["sshd[mode=ddos, logtype=short]", "sshd", { mode: "ddos", logtype: "short" }],
    [`a[x="1, 2]", y='"3"', z=]`, "a", { x: "1, 2]", y: '"3"', z: "" }],
    ["a[x=1][y=2] [z=3]", "a", { x: "1", y: "2", z: "3" }],
    ["a[x=1, x=2]", "a", { x: "2" }],
    ['a[x="one\n  two"]', "a", { x: "one\n  two" }],
    ["a [x.y-z=don't]", "a", { "x.y-z": "don't" }],
    ["a[x= 1 , ]", "a", { x: "1" }],
  ];
  for (const [text, name, parameters] of cases) {
    it(JSON.stringify(text), () => {
      const call = parseCall(at(text));
      assert.equal(call.name, name);
      assert.deepEqual(
        Object.fromEntries([...call.parameters].map(([key, value]) => [key, value.text])),
        parameters,
      );
    });
  }
  for (const text of ["", "[x=1]", "a[x]", "a[x = 1]", 'a[x="1"2]']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseCall(at(text)), /expected name\[key/));
  }
});

describe("splitCalls", () => {
  const cases: [text: string, expected: string[]][] = [
    ["", []],
    ["a\n  b", ["a", "b"]],
    ["a[x=\"1 2\", y=3]\nb[z='4]']  c", ['a[x="1 2", y=3]', "b[z='4]']", "c"]],
    ["a [x=1] [y=2] b", ["a [x=1] [y=2]", "b"]],
    ['a[x="1",\n  y=2]\nb', ['a[x="1",\n  y=2]', "b"]],
    ["a[x", ["a[x"]],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => {
      assert.deepEqual(
        splitCalls(at(text)).map((call) => call.text),
        expected,
      );
    });
  }

  it("does not grow with the square of what it can't read", () => {
    const text = `a[${'x="1",'.repeat(2000)}`;
    assert.equal(splitCalls(at(text)).length, 1);
  });
});

it("splitWords cuts at blanks, commas and lines", () => {
  assert.deepEqual(splitWords("a, b,,c\n d\te "), ["a", "b", "c", "d\te"]);
});

describe("parseSeconds", () => {
  const cases: [text: string, seconds: number | undefined][] = [
    ["600", 600],
    ["10m", 600],
    ["1d12h", 129_600],
    ["1d 12h", 129_600],
    ["1 hour + 30min", 5400],
    ["1year-6mo", 15_778_800],
    ["6 months", 15_778_800],
    ["1W", 604_800],
    ["60*60*24", 86_400],
    ["2.0 / 0.5", 4],
    ["(1 + 2) * 3m", 540],
    ["-1", -1],
    ["0", 0],
    [".5h", 1800],
    ["1 2 3", 6],
    ["", undefined],
    ["m", undefined],
    ["10x", undefined],
    ["10m)", undefined],
    ["(10m", undefined],
    ["1/0", undefined],
    ["2**3", undefined],
    ["__import__('os')", undefined],
  ];
  for (const [text, seconds] of cases) {
    it(JSON.stringify(text), () => assert.equal(parseSeconds(text), seconds));
  }
});

describe("splitShell", () => {
  const cases: [text: string, words: string[], needs: string | undefined][] = [
    ["/bin/known <ip>", ["/bin/known", "<ip>"], undefined],
    [`a 'b "c' "d \\" e" f\\ g`, ["a", 'b "c', 'd " e', "f g"], undefined],
    ["a --x='1 2'3", ["a", "--x=1 23"], undefined],
    ["a '' \"\"", ["a", "", ""], undefined],
    ["a '$x | y'", ["a", "$x | y"], undefined],
    ["a\n  b", ["a", "b"], undefined],
    ["a | b", ["a", "|", "b"], "|"],
    ["a <ip> > /b", ["a", "<ip>", ">", "/b"], ">"],
    ["a < b", ["a", "<", "b"], "<"],
    ["a $x", ["a", "$x"], "$"],
    ['a "$x"', ["a", "$x"], "$"],
    ["a `b`", ["a", "`b`"], "`"],
    ["a *.log", ["a", "*.log"], "*"],
    ["a; b", ["a;", "b"], ";"],
    ["a 'b", ["a", "'b"], "'"],
    ["if x", ["if", "x"], "if"],
    ["X=1 a", ["X=1", "a"], "X=1"],
  ];
  for (const [text, words, needs] of cases) {
    it(JSON.stringify(text), () => {
      const split = splitShell(text);
      assert.deepEqual(split.words, words);
      assert.equal(shellNeed(split), needs);
    });
  }
});

describe("parseFail2banSpec", () => {
  const cases: [text: string, directory: string, pick: readonly string[] | "*" | undefined][] = [
    ["/etc/fail2ban", "/etc/fail2ban", undefined],
    ["/etc/fail2ban[sshd]", "/etc/fail2ban", ["sshd"]],
    ["./f2b[sshd, postfix,sshd]", "./f2b", ["sshd", "postfix"]],
    ["/etc/fail2ban[*]", "/etc/fail2ban", "*"],
    ["/etc/fail2ban[]", "/etc/fail2ban", []],
    ["/odd[dir]/x", "/odd[dir]/x", undefined],
  ];
  for (const [text, directory, pick] of cases) {
    it(text, () => assert.deepEqual(parseFail2banSpec(text), { directory, pick }));
  }
});
