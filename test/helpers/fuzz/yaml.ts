import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, parseConfig } from "../../../src/exec/config.ts";
import { settingsOf } from "../../../src/exec/settings/settings.ts";
import { pick, type Random, upTo } from "../random-pattern.ts";
import { ROOT } from "../root.ts";
import {
  BYTE_DAMAGES,
  type Damage,
  damagedBy,
  joinLines,
  lineDamages,
  spliced,
  splitLines,
} from "./damage.ts";
import { checkDump, checkPrototypes, checkWork, loadLikeStream } from "./rules-checks.ts";
import type { FuzzTarget } from "./target.ts";

const TOKENS = [
  ...[
    "&a",
    "*a",
    "&b",
    "*b",
    "<<: *a",
    "<<: [*a, *b]",
    "<<: {a: 1}",
    "&a [*a, *a]",
    "!!binary aGk=",
    "!!js/function x",
  ],
  ...[
    "!!set {a}",
    "!!omap [a: 1]",
    "!!timestamp 2026-11-21",
    "!!float .inf",
    "!!int 0x1F",
    "!!null",
    "!<tag:x>",
    "!!map",
    "!x y",
  ],
  ...[
    "? a",
    "? [a, b]\n  : c",
    "---",
    "...",
    "%YAML 1.1",
    "%TAG ! x",
    "\ufeff",
    "\t",
    "|",
    ">-",
    "|2",
    "|9\n",
    "'",
    '"',
    "#",
    " # c",
  ],
  ...[
    "~",
    "null",
    ".nan",
    "-.inf",
    "-0",
    "1e400",
    "0o17",
    "0b1",
    "1_000",
    "2026-11-21",
    "yes",
    "=",
    "[",
    "]",
    "{",
    "}",
    ",",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "prototype",
    '"__proto__"',
    "__proto__: {a: 1}",
    "valueOf: 1",
  ],
  ...[
    '"\\ud800"',
    '"\\0"',
    "'\0'",
    '"\\x00"',
    "\u2028",
    "\u0085",
    "é😀",
    "x".repeat(70),
    "x".repeat(5000),
    "1".repeat(400),
  ],
  ...[
    "[".repeat(500),
    "{a: ".repeat(500),
    "- ".repeat(500),
    "[[a]]",
    "[a, [b, {c: d}]]",
    "{a: {b: {}}}",
    "[~]",
    "[]",
    "{}",
    '""',
  ],
  ...[
    "1d 12h",
    "-1",
    "0",
    "99999999999999999999",
    "10x",
    "1h",
    "all",
    "smtp",
    "70000",
    "1:2",
    "[25, http]",
    "tcp",
    "[tcp, all]",
    "icmp",
  ],
  ...[
    "^x <HOST>$",
    "^(a|aa)+<HOST>$",
    "(",
    "<F-ID>",
    "^<F-MLFID>x</F-MLFID> <HOST>$",
    "file:/x",
    "192.0.2.0/24",
    "host.example",
    "::",
  ],
];

const KEYS = [
  ...[
    "defaults",
    "jails",
    "app",
    "description",
    "enabled",
    "identifier",
    "journalmatch",
    "logpath",
    "prefregex",
    "failregex",
  ],
  ...[
    "ignoreregex",
    "maxlines",
    "datepattern",
    "maxretry",
    "findtime",
    "bantime",
    "escalation",
    "increment",
    "factor",
  ],
  ...[
    "multipliers",
    "maxtime",
    "rndtime",
    "overalljails",
    "memory",
    "count",
    "ipv4",
    "ipv6",
    "ignoreip",
    "ignoreself",
  ],
  ...[
    "ignorecommand",
    "usedns",
    "port",
    "protocol",
    "mode",
    "on",
    "maxmatches",
    "success",
    "tests",
    "line",
    "match",
    "ip",
    "id",
  ],
  ...[
    "blocktype",
    "chain",
    "actions",
    "name",
    "actionban",
    "actionstart",
    "norestored",
    "timeout",
    "__proto__",
    "<<",
    "constructor",
  ],
];

const text =
  (change: (line: string, random: Random) => string): Damage =>
  (line, random) =>
    Buffer.from(change(line.toString("utf8"), random));

const inLine: Damage = (line, random, other) =>
  pick(random, [
    text((each) => each.replace(/: .*/s, () => `: ${valueText(random)}`)),
    text((each) => each.replace(/: .*/s, () => `: ${valueText(random)}`)),
    text((each) => each.replace(/- .*/s, () => `- ${valueText(random)}`)),
    text((each) => each.replace(/[\w-]+:/, () => `${pick(random, KEYS)}:`)),
    text((each) => each.replace(/: /, () => `: &${pick(random, ["a", "b"])} `)),
    text((each) => `${" ".repeat(upTo(random, 6))}${each.trimStart()}`),
    text((each) =>
      each.replace(
        /^(\s*).*$/s,
        (all, indent: string) => `${all}\n${indent}${pick(random, KEYS)}: ${valueText(random)}`,
      ),
    ),
    (each: Buffer) => spliced(each, random, upTo(random, 3), Buffer.from(pick(random, TOKENS))),
    () => other(),
  ])(line, random, other);

function valueText(random: Random): string {
  let value = pick(random, TOKENS);
  while (random() < 0.25)
    value = pick(random, [
      `[${value}, ${pick(random, TOKENS)}]`,
      `{a: ${value}}`,
      `${value} ${pick(random, TOKENS)}`,
    ]);
  return value;
}

/** Anchors that hold each other: a small text for a huge value. */
const bomb: Damage = (bytes, random) => {
  const levels = Array.from({ length: 2 + upTo(random, 9) }, (_, level) =>
    level === 0
      ? "x0: &x0 [a, a]"
      : `x${level}: &x${level} [${`*x${level - 1},`.repeat(2 + upTo(random, 8))}]`,
  );
  return joinLines([...levels.map((level) => Buffer.from(level)), ...splitLines(bytes)]);
};

const DAMAGES: readonly Damage[] = [...lineDamages(inLine), ...lineDamages(inLine), bomb, ...BYTE_DAMAGES];

const EXEC = `defaults: {blocktype: drop, chain: [INPUT, DOCKER-USER]}
jails:
  sshd:
    blocktype: reject
    actions:
      - {name: log, actionban: [logger, -t, f2b, "ban <ip>"], timeout: 5}
`;

/** YAML: rules for f2b-stream, and the same text as what f2b-exec is given with `-c`. */
export class YamlTarget implements FuzzTarget {
  readonly longest = 100_000;
  readonly seeds = [EXEC, ...texts(`${ROOT}test/fixtures/rules`), ...texts(`${ROOT}rules`)].map((each) =>
    Buffer.from(each),
  );
  readonly #folder = mkdtempSync(join(tmpdir(), "f2b-fuzz-"));
  #loaded = 0;
  #configured = 0;

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  async run(input: Buffer): Promise<void> {
    this.#configure(input.toString("utf8"));
    checkPrototypes();
    const path = join(this.#folder, "rules.yaml");
    writeFileSync(path, input);
    const found = await loadLikeStream(path);
    checkPrototypes();
    if (found === undefined) return;
    this.#loaded++;
    await checkDump(found.loaded, join(this.#folder, "dump.yaml"));
    checkWork(found.compiled);
  }

  summary(): string {
    return `${this.#loaded} loaded as rules, ${this.#configured} as configuration of f2b-exec`;
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configure(text: string): void {
    try {
      const config = parseConfig(text, "exec.yaml");
      for (const jail of ["sshd", "__proto__", "constructor"]) {
        const { blocktype, chain, actions } = settingsOf(config, {}, jail);
        assert.ok(["drop", "reject"].includes(blocktype) && Array.isArray(chain) && Array.isArray(actions));
      }
      this.#configured++;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      assert.ok(error.problems.length > 0);
    }
  }
}

function texts(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return names.map((name) => readFileSync(join(folder, name), "utf8"));
}
