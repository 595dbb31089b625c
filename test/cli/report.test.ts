import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable, Report } from "../../src/cli/report.ts";

const shown: readonly { name: string; text: string; safe: string }[] = [
  { name: "plain text", text: "Failed password for ü漢😀", safe: "Failed password for ü漢😀" },
  { name: "an escape sequence", text: "\x1b[2J\x1b]0;root\x07", safe: "\\x1b[2J\\x1b]0;root\\x07" },
  { name: "line ends and tabs", text: "a\r\nb\tc\0", safe: "a\\x0d\\x0ab\\x09c\\x00" },
  { name: "DEL and the C1 controls", text: "\x7f\x9b31m\x85", safe: "\\x7f\\x9b31m\\x85" },
  {
    name: "bidirectional overrides",
    text: "\u202eexe\u202c\u2066\u200f",
    safe: "\\u{202e}exe\\u{202c}\\u{2066}\\u{200f}",
  },
  { name: "line and paragraph separators", text: "a\u2028b\u2029", safe: "a\\u{2028}b\\u{2029}" },
  {
    name: "what is not seen",
    text: "\u200b\ufeff\u00ad\u{e0041}",
    safe: "\\u{200b}\\u{feff}\\xad\\u{e0041}",
  },
  { name: "lone surrogates", text: "\ud83d-\ude00", safe: "\\u{d83d}-\\u{de00}" },
];

for (const { name, text, safe } of shown) {
  test(`printable escapes ${name}`, () => {
    assert.equal(printable(text), safe);
  });
}

test("printable cuts what is longer than its limit, and says so", () => {
  assert.equal(printable("x".repeat(200)), "x".repeat(200));
  assert.equal(printable("x".repeat(201)), `${"x".repeat(200)}…`);
  assert.equal(printable("abc", 2), "ab…");
  assert.equal(printable("a😀b", 2), "a\\u{d83d}…");
});

test("printable leaves no text that a terminal could act on", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(printable(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

/** What a report says at `verbosity`. */
function told(verbosity: Report["verbosity"], tell: (report: Report) => void): string {
  let text = "";
  const report = new Report("f2b-test", (line) => {
    text += line;
  });
  report.verbosity = verbosity;
  tell(report);
  return text;
}

function tellAll(report: Report): void {
  report.error("no");
  report.warning("mind");
  report.hint("try");
  report.detail("see");
  report.line("done");
}

test("Report writes according to its verbosity, the program's name first", () => {
  const all = "f2b-test: error: no\nf2b-test: warning: mind\nf2b-test: hint: try\n";
  assert.equal(told("normal", tellAll), `${all}f2b-test: done\n`);
  assert.equal(told("verbose", tellAll), `${all}f2b-test: see\nf2b-test: done\n`);
  assert.equal(told("quiet", tellAll), "f2b-test: error: no\nf2b-test: done\n");
});

test("Report writes one line per message, whatever names and values it quotes", () => {
  const text = told("normal", (report) => {
    report.warning("a\0b\x1b[31m\u009b: no such file\u2028\u202e");
    report.lines(["a\nb", "c"]);
  });
  const [warning, lines] = ["a\\x00b\\x1b[31m\\x9b: no such file\\u{2028}\\u{202e}", "a\\x0ab"];
  assert.equal(text, `f2b-test: warning: ${warning}\nf2b-test: ${lines}\nf2b-test: c\n`);
});

test("Report writes a rare warning the 1st, 10th and 100th time of its kind", () => {
  const text = told("normal", (report) => {
    for (let count = 1; count <= 150; count++) report.rareWarning("a", "lost");
    report.rareWarning("b", "other");
  });
  assert.equal(
    text,
    "f2b-test: warning: lost\nf2b-test: warning: lost (10 times so far)\n" +
      "f2b-test: warning: lost (100 times so far)\nf2b-test: warning: other\n",
  );
});
