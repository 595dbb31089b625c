import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { splitWords } from "../../src/rules/fail2ban/calls.ts";
import { ConfigFiles } from "../../src/rules/fail2ban/include.ts";
import { loadFail2ban } from "../../src/rules/fail2ban/load-fail2ban.ts";
import { readFilter } from "../../src/rules/fail2ban/resolve-filter.ts";
import { addConstants, type ResolvedJail, readJail } from "../../src/rules/fail2ban/resolve-jail.ts";
import { parseSeconds } from "../../src/rules/fail2ban/seconds.ts";

const CLIENT = "/usr/bin/fail2ban-client";
const PYTHON = "/usr/bin/python3";
const skip = existsSync(CLIENT) && existsSync(PYTHON) ? false : `no ${CLIENT}: apt-get install fail2ban`;
const fixture = fileURLToPath(new URL("../../../test/fixtures/fail2ban", import.meta.url));
const trees: string[] = [];
after(() => {
  for (const tree of trees) rmSync(tree, { recursive: true });
});

/** What fail2ban tells its server about a jail: lists are gathered, of other values the last counts. */
interface Dumped {
  readonly lists: Record<"failregex" | "ignoreregex" | "ignoreip", string[]> & { journalmatch: string[][] };
  readonly values: Record<string, string>;
}

for (const [title, source] of [
  ["Debian's configuration", "/etc/fail2ban"],
  ["the fixture", fixture],
] as const) {
  describe(`loadFail2ban agrees with fail2ban-client -d on ${title}`, { skip }, () => {
    const directory = skip ? "" : allEnabled(source);
    const jails = skip ? new Map<string, Dumped>() : dump(directory);

    it("carries over every jail", () => {
      const { jails: ours } = loadFail2ban(directory, "*");
      assert.ok(jails.size > 0);
      assert.deepEqual(
        ours.map(({ name }) => name),
        [...jails.keys()],
      );
    });
    for (const [name, dumped] of jails) {
      it(name, () => assert.deepEqual(read(directory, name, dumped), dumped));
    }
  });
}

describe("readFilter loads every filter of Debian's fail2ban", { skip }, () => {
  const names = skip
    ? []
    : readdirSync("/etc/fail2ban/filter.d").flatMap((file) => /^(.+)\.conf$/.exec(file)?.[1] ?? []);
  // selinux-common only makes sense when included: fail2ban refuses it alone, too.
  for (const name of names.filter((name) => name !== "selinux-common")) {
    it(name, () => assert.ok(readFilter("/etc/fail2ban", name).files.length > 0));
  }
});

describe("parseSeconds agrees with fail2ban-client --str2sec", { skip }, () => {
  for (const text of [
    "90",
    "1d12h",
    "1year-6mo",
    "2 weeks 3 days",
    "60*60*24",
    "-1",
    "1h+1m+1s",
    "(1+2)*3m",
  ]) {
    it(text, () => {
      const printed = execFileSync(CLIENT, ["--str2sec", text], { encoding: "utf8" });
      assert.equal(parseSeconds(text), Number(printed));
    });
  }
});

/** A copy of a configuration with every jail enabled. */
function allEnabled(source: string): string {
  const tree = mkdtempSync(join(tmpdir(), "f2b-etc-"));
  trees.push(tree);
  cpSync(source, tree, { recursive: true });
  const names = loadFail2ban(source, "*").jails.map(({ name }) => name);
  writeFileSync(`${tree}/jail.d/zz.local`, names.map((name) => `[${name}]\nenabled = true\n`).join(""));
  return tree;
}

/** `fail2ban-client -d` prints a Python list a line; no server is asked or started. */
function dump(directory: string): Map<string, Dumped> {
  const { stdout } = spawnSync(CLIENT, ["-c", directory, "-d"], { encoding: "utf8", maxBuffer: 1 << 26 });
  const toJson =
    "import ast, json, sys\nfor line in sys.stdin:\n if line[0] == '[': print(json.dumps(ast.literal_eval(line)))";
  const lines = execFileSync(PYTHON, ["-c", toJson], { input: stdout, encoding: "utf8", maxBuffer: 1 << 26 });
  const jails = new Map<string, Dumped>();
  for (const line of lines.trim().split("\n")) {
    const [command, name, option, ...values] = JSON.parse(line) as [string, string, string, ...unknown[]];
    if (command === "add") {
      const lists = { failregex: [], ignoreregex: [], ignoreip: [], journalmatch: [] };
      jails.set(name, { lists, values: { backend: option } });
    } else if (command.endsWith("set")) note(jails.get(name), option, values);
  }
  return jails;
}

function note(jail: Dumped | undefined, option: string, values: readonly unknown[]): void {
  if (jail === undefined || /action|logpath/.test(option)) return;
  const list = /^add(.+)/.exec(option)?.[1] as keyof Dumped["lists"] | undefined;
  if (list === "journalmatch") jail.lists.journalmatch.push(values as string[]);
  else if (list !== undefined) jail.lists[list].push(...(values.flat() as string[]));
  else jail.values[option] = String(values[0]);
}

/** The same from our reader, for the values that fail2ban gave. */
function read(directory: string, name: string, { values }: Dumped): Dumped {
  const files = new ConfigFiles();
  const config = files.load(`${directory}/jail`);
  assert.ok(config);
  addConstants(config, directory);
  const jail = readJail(config, name, directory, files);
  const { failregex, ignoreregex, journalmatch } = jail.filter;
  return {
    lists: {
      failregex: failregex.map(({ source }) => source),
      ignoreregex: ignoreregex.map(({ source }) => source),
      ignoreip: splitWords(jail.options.get("ignoreip")?.text ?? ""),
      journalmatch: journalmatch.map((words) => [...words]),
    },
    values: Object.fromEntries(Object.keys(values).map((key) => [key, textOf(jail, key)])),
  };
}

function textOf({ filter, options }: ResolvedJail, key: string): string {
  switch (key) {
    case "prefregex":
    case "datepattern":
      return filter[key]?.source ?? "";
    case "maxlines":
      return String(filter.maxlines);
    case "usedns":
      return filter.usedns ?? "";
    default:
      return options.get(key)?.text ?? "";
  }
}
