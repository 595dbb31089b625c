import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { parseConfig } from "../../../src/exec/config.ts";
import { dumpExec } from "../../../src/rules/fail2ban/dump-exec.ts";
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
import { choicesOf, type FuzzTarget } from "./target.ts";

/** Names that configuration refers to: of files, options, tags. */
const NAMES = [
  ...[
    "a",
    "b",
    "failregex",
    "known/failregex",
    "DEFAULT/a",
    "default/b",
    "a/b",
    "__name__",
    "known/a",
    "__proto__",
  ],
  ...[
    "fail2ban_confpath",
    "action_",
    "Init/name",
    "name",
    "port",
    "mode",
    "lines",
    "host",
    "HOST",
    "F-ID",
    "logtype",
  ],
];

const FILES = [
  ...["filter.d/a.conf", "filter.d/b.conf", "filter.d/a.local", "action.d/a.conf", "jail.local", "jail.conf"],
  ...[
    "jail.d/a.conf",
    "jail.d/a.local",
    "fail2ban.conf",
    "paths.conf",
    "filter.d/a.d/x.conf",
    "filter.d/recidive.conf",
  ],
];

const LONG = "x".repeat(300);

/** Values, and pieces of them. */
const TOKENS = [
  ...NAMES.flatMap((name) => [`%(${name})s`, `<${name}>`]),
  ...[
    "%",
    "%%",
    "%(",
    "%()s",
    "<",
    ">",
    "<<a>>",
    "<a<b>>",
    "\0",
    `a\0b`,
    LONG,
    "x".repeat(5000),
    "/".repeat(5000),
    "é",
    "\u2028",
  ],
  ...[
    "[a=b]",
    '[a="b,c]", d=e]',
    "[",
    "]",
    "[a='",
    "a[b=c][d=e]",
    "a[]",
    "[mode=aggressive]",
    "[a=%(a)s]",
    '["a"=b]',
  ],
  ...[
    "1d 12h",
    "-1",
    "1e9",
    "0",
    "99999999999999999999",
    "(".repeat(3000),
    "-".repeat(3000),
    "1+".repeat(2000),
    "1/0",
    "3600*24",
  ],
  ...[
    "true",
    "false",
    "systemd",
    "systemd[journalflags=1]",
    "auto",
    "smtp",
    "http,https",
    "1:65535",
    "70000",
    "all",
    "icmp",
  ],
  ...[
    "../../../../etc/passwd",
    "/dev/null",
    "/",
    ".",
    "..",
    "a",
    "a.conf",
    "b.conf",
    "../jail.conf",
    "a/b/c",
    "/proc/self/mem",
  ],
  ...[
    "127.0.0.1/8",
    "::1",
    "file:/dev/null",
    "file:/x\0y",
    "192.0.2.0/255.255.255.0",
    "localhost",
    "/bin/true <ip>",
    "a | b",
    "'",
  ],
  ...[
    "_SYSTEMD_UNIT=a.service",
    "_COMM=sshd + _UID=0",
    "=",
    "^x <HOST>$",
    "^(?:a|aa)+ <HOST>$",
    "(?P<host>x)",
    "(",
    "{^LN-BEG}%%Y",
  ],
];

const KEYS = [
  ...[
    "enabled",
    "filter",
    "failregex",
    "ignoreregex",
    "prefregex",
    "datepattern",
    "maxlines",
    "journalmatch",
    "before",
    "after",
  ],
  ...[
    "action",
    "actionban",
    "actionstart",
    "port",
    "protocol",
    "logpath",
    "bantime",
    "bantime.increment",
    "bantime.formula",
  ],
  ...[
    "bantime.multipliers",
    "bantime.factor",
    "bantime.maxtime",
    "bantime.rndtime",
    "findtime",
    "maxretry",
    "maxmatches",
  ],
  ...[
    "ignoreip",
    "ignorecommand",
    "ignoreself",
    "usedns",
    "backend",
    "logencoding",
    "logtimezone",
    "dbpurgeage",
    "a",
    "b",
  ],
];

const SECTIONS = [
  "[DEFAULT]",
  "[INCLUDES]",
  "[Definition]",
  "[Init]",
  "[Init?family=inet6]",
  "[a]",
  "[b]",
  "[KNOWN/a]",
  "[__proto__]",
  "[a\0]",
  "[]",
];

const lineOf = (random: Random): string =>
  pick(random, [
    () => `${pick(random, KEYS)} = ${valueText(random)}`,
    () => `${pick(random, KEYS)} = ${valueText(random)}`,
    () => `    ${valueText(random)}`,
    () => pick(random, SECTIONS),
    () =>
      `[INCLUDES]\n${pick(random, ["before", "after"])} = ${pick(random, [...FILES, "a.conf\n    b.conf", "x\0y", "a.conf", "."])}`,
    () =>
      pick(random, ["#", ";", "a = b ; c", "a : b", "=", ":", "", "a", "\ta = b", "a = b\r", "\u2028", "\0"]),
    () => `=== ${pick(random, FILES)}`,
    () =>
      `=>=> ${pick(random, FILES)} ${pick(random, [...FILES, ".", "..", "a.conf", "/dev/null", "/dev/zero", LONG])}`,
    () => `=== ${pick(random, FILES)}/x`,
  ])();

function valueText(random: Random): string {
  let value = pick(random, TOKENS);
  while (random() < 0.3) value += pick(random, ["", " ", ",", "\n    "]) + pick(random, TOKENS);
  return value;
}

const text =
  (change: (line: string, random: Random) => string): Damage =>
  (line, random) =>
    Buffer.from(change(line.toString("latin1"), random), "latin1");

const inLine: Damage = (line, random, other) =>
  pick(random, [
    text((each) => each.replace(/=.*/s, () => `= ${valueText(random)}`)),
    text((each) => each.replace(/^[^=]*=/, () => `${pick(random, KEYS)} =`)),
    text((each) => each + valueText(random)),
    text((each) => each.replace(/^/, () => pick(random, ["  ", "\t", "#", ""]))),
    (each: Buffer) => spliced(each, random, 0, Buffer.from(pick(random, TOKENS))),
    (each: Buffer) => spliced(each, random, upTo(random, 10), Buffer.from(pick(random, TOKENS))),
    () => other(),
  ])(line, random, other);

const added: Damage = (bytes, random) => {
  const lines = splitLines(bytes);
  lines.splice(upTo(random, lines.length + 1), 0, Buffer.from(lineOf(random)));
  return joinLines(lines);
};

const DAMAGES: readonly Damage[] = [...lineDamages(inLine), added, added, added, added, ...BYTE_DAMAGES];

/** What jails refer to and the fixtures lack: a filter for `a`, a file that includes another. */
const SMALL = `=== jail.conf
[DEFAULT]
a = %(b)s
b = x
action = a[name=%(__name__)s, port="%(port)s"]
[a]
enabled = true
filter = a[mode=aggressive]
port = smtp
failregex = %(known/failregex)s
    ^more <HOST>$
[b]
enabled = true
filter = recidive
bantime = 1d 12h
=== filter.d/a.conf
[INCLUDES]
before = b.conf
[Definition]
failregex = <mdre-<mode>>
mdre-normal = ^x <HOST>$
mdre-aggressive = <mdre-normal>
    ^%(pre)sy <HOST>$
[Init]
mode = normal
=== filter.d/b.conf
[Definition]
pre = (?:z )?
=== filter.d/recidive.conf
[Definition]
failregex = ^<HOST>$
=== action.d/a.conf
[Definition]
actionban = iptables -I f2b-<name> 1 -s <ip> -j <blocktype>
[Init]
blocktype = REJECT
[Init?family=inet6]
blocktype = DROP
`;

/** fail2ban's configuration: one text holds all its files, `=== path` before each, `=>=> path target` for a symbolic link. */
export class Fail2banTarget implements FuzzTarget {
  readonly longest = 200_000;
  readonly seeds: readonly Buffer[] = [
    Buffer.from(SMALL),
    Buffer.from(treeOf(`${ROOT}test/fixtures/fail2ban`)),
  ];
  readonly #folder = mkdtempSync(join(tmpdir(), "f2b-fuzz-"));
  #loaded = 0;
  #jails = 0;

  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer {
    return damagedBy(DAMAGES, input, random, other);
  }

  async run(input: Buffer): Promise<void> {
    const tree = join(this.#folder, "tree");
    writeTree(tree, input);
    try {
      const random = choicesOf(input);
      const picked = random() < 0.7 ? "[*]" : "";
      const found = await loadLikeStream(`${tree}${picked}`);
      checkPrototypes();
      if (found === undefined) return;
      this.#loaded++;
      this.#jails += found.loaded.jails.length;
      if (random() < 0.5) await checkDump(found.loaded, join(this.#folder, "dump.yaml"));
      const exec = dumpExec(found.loaded.exec);
      assert.equal(typeof parseConfig(exec, "exec.yaml"), "object");
      if (random() < 0.2) checkWork(found.compiled);
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }

  summary(): string {
    return `${this.#loaded} loaded, ${this.#jails} jails`;
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The files of a folder as one text. */
function treeOf(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return paths.map((path) => `=== ${relative(folder, path)}\n${readFileSync(path, "utf8")}`).join("");
}

/** Lays the files out, inside of `folder` alone; what the file system does not take is left out. */
function writeTree(folder: string, input: Buffer): void {
  mkdirSync(folder);
  let path = "jail.conf";
  let lines: Buffer[] = [];
  const write = () => {
    if (lines.length > 0) place(folder, path, (at) => writeFileSync(at, joinLines(lines)));
    lines = [];
  };
  for (const line of splitLines(input)) {
    const [, name] = /^=== (.+)$/.exec(line.toString("utf8")) ?? [];
    const [, link, target] = /^=>=> (\S+) (\S+)$/.exec(line.toString("utf8")) ?? [];
    if (name !== undefined) {
      write();
      path = name;
    } else if (link !== undefined && target !== undefined)
      place(folder, link, (at) => symlinkSync(target, at));
    else lines.push(line);
  }
  write();
}

function place(folder: string, path: string, make: (at: string) => void): void {
  const at = resolve(folder, path);
  if (!at.startsWith(`${folder}/`)) return;
  try {
    mkdirSync(dirname(at), { recursive: true });
    make(at);
  } catch {
    // A name that is too long, a folder where a file is.
  }
}
