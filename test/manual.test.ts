import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runTests } from "../src/check/check-jail.ts";
import { EXIT } from "../src/cli/exit.ts";
import { HELP as CLIENT_HELP } from "../src/client/options.ts";
import { parseConfig } from "../src/exec/config.ts";
import { BACKENDS } from "../src/exec/kernel/choose.ts";
import { HELP as EXEC_HELP } from "../src/exec/options.ts";
import { CONTROL_ERROR_CODES } from "../src/protocol/control-requests.ts";
import { HELP as REGEX_HELP } from "../src/regex/help.ts";
import { loadRules } from "../src/rules/load-rules.ts";
import type { CheckedSettings } from "../src/rules/schema.ts";
import { CAUSES } from "../src/stream/health/alerts.ts";
import { HELP as STREAM_HELP } from "../src/stream/help.ts";
import { FORMATS } from "../src/stream/input/format.ts";
import { compileJails } from "../src/stream/jail/compile-jails.ts";
import { HELP as TAIL_HELP } from "../src/tail/help.ts";
import { runProgram } from "./helpers/program.ts";
import { ROOT } from "./helpers/root.ts";

const MAN = join(ROOT, "man");

/** Each program with its page, and the sources whose exit statuses are its own. */
const PROGRAMS = [
  { page: "f2b-stream.1", help: STREAM_HELP, folder: "stream" },
  { page: "f2b-exec.8", help: EXEC_HELP, folder: "exec" },
  { page: "f2b-regex.1", help: REGEX_HELP, folder: "regex" },
  { page: "f2b-client.1", help: CLIENT_HELP, folder: "client" },
  { page: "f2b-tail.1", help: TAIL_HELP, folder: "tail" },
] as const;

/** Complete, or it does not compile. */
const KEYS = {
  description: true,
  enabled: true,
  identifier: true,
  journalmatch: true,
  logpath: true,
  framing: true,
  compat: true,
  prefregex: true,
  failregex: true,
  ignoreregex: true,
  maxlines: true,
  session: true,
  datepattern: true,
  maxretry: true,
  findtime: true,
  bantime: true,
  escalation: true,
  count: true,
  ignoreip: true,
  ignoreself: true,
  ignorecommand: true,
  usedns: true,
  port: true,
  protocol: true,
  mode: true,
  on: true,
  maxmatches: true,
  success: true,
  tests: true,
} as const satisfies Record<keyof CheckedSettings, true>;

for (const page of readdirSync(MAN)) {
  test(`${page}: groff has nothing to say`, (t) => {
    const groff = spawnSync("groff", ["-mdoc", "-Tutf8", "-ww", "-z", join(MAN, page)], { encoding: "utf8" });
    if (groff.error) {
      t.skip("groff is missing: make tools installs it");
      return;
    }
    assert.equal(groff.stdout + groff.stderr, "");
  });
}

test("package.json lists the pages", () => {
  const { man } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { man: string[] };
  assert.deepEqual(
    man.toSorted(),
    readdirSync(MAN)
      .map((page) => `man/${page}`)
      .toSorted(),
  );
});

for (const { page, help, folder } of PROGRAMS) {
  test(`${page} and --help name the same options`, () => {
    const options = optionsInPage(page, "OPTIONS");
    assert.deepEqual(options, optionsInHelp(help));
    assert.deepEqual(
      optionsInPage(page, "SYNOPSIS").filter((option) => !options.includes(option)),
      [],
    );
    assert.deepEqual(
      unmentioned(optionsInPage(page, "SYNOPSIS"), page),
      [],
      "each line of OPTIONS has a spelling in SYNOPSIS",
    );
  });

  test(`${page} tells the exit statuses that the program has`, () => {
    const statuses = itemsOf(page, "EXIT STATUS").flatMap((item) => /^\d+$/.exec(item)?.[0] ?? []);
    assert.deepEqual(statuses.map(Number), statusesOf(page, folder));
  });
}

test("every exit status is some program's", () => {
  const used = new Set(PROGRAMS.flatMap(({ page, folder }) => statusesOf(page, folder)));
  assert.deepEqual([...used].sort(ascending), Object.values(EXIT));
});

test("the pages list the words that the programs know", async (t) => {
  const listed = (page: string, section: string) =>
    itemsOf(page, section).flatMap((item) => item.split(/[^\w-]+/));
  const cases = [
    { name: "formats", page: "f2b-stream.1", section: "FORMATS", words: FORMATS },
    { name: "causes of blindness", page: "f2b-stream.1", section: "BLINDNESS", words: CAUSES },
    {
      name: "metrics",
      page: "f2b-stream.1",
      section: "METRICS",
      words: metricsIn("src/stream/health/metrics.ts"),
    },
    { name: "back ends", page: "f2b-exec.8", section: "OPTIONS", words: BACKENDS },
    { name: "keys of a jail", page: "f2b-rules.5", section: "KEYS", words: Object.keys(KEYS) },
    {
      name: "codes of rules",
      page: "f2b-rules.5",
      section: "DIAGNOSTICS",
      words: codesIn("src/rules/rule.ts"),
    },
    { name: "codes of requests", page: "f2b-client.1", section: "DIAGNOSTICS", words: CONTROL_ERROR_CODES },
    {
      name: "codes of commands",
      page: "f2b-exec.8",
      section: "DIAGNOSTICS",
      words: codesIn("src/protocol/command.ts"),
    },
  ];
  for (const { name, page, section, words } of cases) {
    await t.test(name, () => {
      assert.notEqual(words.length, 0);
      const known = listed(page, section);
      assert.deepEqual(
        words.filter((word) => !known.includes(word)),
        [],
      );
    });
  }
});

test("f2b-rules.5: the example passes its own tests", async () => {
  const folder = mkdtempSync(join(tmpdir(), "f2b-manual-"));
  try {
    const path = join(folder, "example.yaml");
    writeFileSync(path, exampleIn("f2b-rules.5", "jails:"));
    const { jails } = await loadRules({ specs: [path], sets: [] });
    const wrong = compileJails(jails).flatMap((jail) => runTests(jail, Date.UTC(2026, 10, 21)));
    assert.deepEqual(
      wrong.map(({ message }) => message),
      [],
    );
    assert.deepEqual(
      jails.map(({ name, tests }) => [name, tests.length]),
      [["app", 2]],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("README.md: the first rule is checked as shown", async () => {
  const [, rule = "", said] =
    /\n\n( {4}jails:\n[\s\S]*?)\n\n {4}\$ f2b-stream -r \.\/app\.yaml --check\n {4}f2b-stream: (.*)\n/.exec(
      readFileSync(`${ROOT}README.md`, "utf8"),
    ) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "f2b-manual-"));
  try {
    const path = join(folder, "app.yaml");
    writeFileSync(path, rule);
    const { stderr, status } = await runProgram("f2b-stream", ["-r", path, "--check"]);
    assert.deepEqual([status, stderr], [0, `f2b-stream: ${said}\n`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("f2b-exec.8: the configuration of the example can be read", () => {
  const { jails } = parseConfig(exampleIn("f2b-exec.8", "defaults:"), "example.yaml");
  assert.equal(jails?.sshd?.actions?.length, 1);
});

/** In lines that begin with an option: that, and what stands behind a comma, semicolon or bracket. Others are spoken of. */
function optionsInHelp(help: string): readonly string[] {
  const lines = help.split("\n").filter((line) => /^\s+-/.test(line));
  return optionsIn(
    lines.flatMap((line) => line.match(/(?:^\s+|[,;] |\[)--?[a-zA-Z][\w-]*/g) ?? []).join("\n"),
  );
}

/** Options in the tags of a section's lists, or in its whole text where it has none. */
function optionsInPage(page: string, section: string): readonly string[] {
  const items = itemsOf(page, section);
  return optionsIn((items.length > 0 ? items : sectionOf(page, section)).map(dashed).join("\n"));
}

/** The lines of OPTIONS no spelling of which is among `options`; `--help` may stand as `-h` alone. */
function unmentioned(options: readonly string[], page: string): readonly string[] {
  const lists = itemsOf(page, "OPTIONS").map((item) => optionsIn(dashed(item)));
  return lists
    .filter((spellings) => spellings.length > 0 && !spellings.some((option) => options.includes(option)))
    .map((spellings) => spellings.join());
}

function optionsIn(text: string): readonly string[] {
  return [...new Set(text.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [])].sort();
}

/** `Fl Fl rules` as `--rules`, and `Fl q | v` as `-q | -v`. */
function dashed(line: string): string {
  return line
    .replace(/\bFl q \| v\b/, "Fl q | Fl v")
    .replace(/\bFl Fl (?=\w)/g, "--")
    .replace(/\bFl (?=\w)/g, "-");
}

/** What stands behind `.It` in a section. */
function itemsOf(page: string, section: string): readonly string[] {
  return sectionOf(page, section).flatMap((line) => /^\.It (.*)$/.exec(line)?.[1] ?? []);
}

function sectionOf(page: string, section: string): readonly string[] {
  const lines = readFileSync(join(MAN, page), "utf8").split("\n");
  const start = lines.indexOf(`.Sh ${section}`) + 1;
  assert.notEqual(start, 0, `${page} has no ${section}`);
  const length = lines.slice(start).findIndex((line) => line.startsWith(".Sh "));
  return lines.slice(start, length < 0 ? undefined : start + length);
}

/** The literal block of a page's examples that begins with `first`, as it is shown. */
function exampleIn(page: string, first: string): string {
  const lines = sectionOf(page, "EXAMPLES");
  const start = lines.indexOf(first);
  assert.notEqual(start, -1);
  const shown = lines.slice(start, lines.indexOf(".Ed", start)).join("\n");
  const escapes: Readonly<Record<string, string>> = { "\\e": "\\", "\\-": "-", "\\(ha": "^", "\\(aq": "'" };
  return `${shown.replace(/\\(?:\(..|.)/g, (written) => escapes[written] ?? assert.fail(written))}\n`;
}

/** The statuses that a program's sources name, those of the `runProgram` and `tellMistake` that it calls among them. */
function statusesOf(page: string, folder: string): readonly number[] {
  const bin = sourceOf(`src/bin/${page.replace(/\.\d$/, "")}.ts`);
  const around = bin.includes("runProgram") ? sourceOf("src/cli/program.ts") : "";
  const files = readdirSync(join(ROOT, "src", folder)).filter((file) => file.endsWith(".ts"));
  const own = files.map((file) => sourceOf(`src/${folder}/${file}`)).join("\n");
  const mistakes = own.includes("tellMistake(") ? sourceOf("src/rules/report-mistakes.ts") : "";
  const sources = [bin, around, own, mistakes].join("\n");
  const names = new Set([...sources.matchAll(/\bEXIT\.([A-Z]+)\b/g)].map(([, name]) => name));
  const used = Object.entries(EXIT).filter(([name]) => names.has(name));
  return used.map(([, status]) => status).sort(ascending);
}

function codesIn(path: string): readonly string[] {
  return [...new Set(sourceOf(path).match(/\bERR_[A-Z_]+\b/g) ?? [])];
}

function metricsIn(path: string): readonly string[] {
  return [...sourceOf(path).matchAll(/\bname: "(\w+)"/g)].flatMap(([, name]) => name ?? []);
}

function sourceOf(path: string): string {
  assert.ok(existsSync(join(ROOT, path)), path);
  return readFileSync(join(ROOT, path), "utf8");
}

function ascending(a: number, b: number): number {
  return a - b;
}
