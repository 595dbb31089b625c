import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Report } from "../../src/cli/report.ts";
import { decode, MAX_COMMAND_BYTES } from "../../src/protocol/command.ts";
import { loadRules } from "../../src/rules/load-rules.ts";
import { Engine, type EngineOptions } from "../../src/stream/engine.ts";
import { FORMATS, type Format } from "../../src/stream/input/format.ts";
import { type CompiledJail, compileJails } from "../../src/stream/jail/compile-jails.ts";
import type { Coverage } from "./coverage.ts";
import { cutAnywhere, type Damage, repeated, spliced } from "./fuzz/damage.ts";
import { HOSTS, mutate, USERS } from "./line-mutations.ts";
import { pick, type Random, seededRandom, upTo } from "./random-pattern.ts";
import { ROOT } from "./root.ts";

/** What a run of the engine is made of: enough to repeat it. */
export interface FuzzRun {
  readonly chunks: readonly Buffer[];
  readonly options: Pick<
    EngineOptions,
    "isLive" | "format" | "prefilter" | "maxLine" | "maxKeys" | "maxEvidence"
  >;
}

/** What came of one. */
interface Seen {
  readonly out: readonly string[];
  readonly told: readonly string[];
  readonly givenUp: number;
}

const NOW = Date.UTC(2026, 10, 21, 12);
/** Lines of a run; logs in the corpus. */
const LINES = 400;
const MOST_LOGS = 1000;
const LOGS = ["mixed", "nginx-access", "nginx-error", "postfix", "sendmail"];

/**
 * Feeds the engine hostile bytes: the sample lines of the bundled rules, damaged in ever new ways, as syslog of each kind, as a journal
 * and as they are, cut into chunks anywhere. A log that reaches code that none reached before is kept and damaged further.
 */
export class Fuzzer {
  readonly #random: Random;
  readonly #jails: readonly CompiledJail[];
  readonly #coverage: Coverage | undefined;
  readonly #corpus: (readonly Buffer[])[];
  lines = 0;
  runs = 0;
  bans = 0;

  private constructor(jails: readonly CompiledJail[], seed: number, coverage: Coverage | undefined) {
    this.#random = seededRandom(seed);
    this.#jails = jails;
    this.#coverage = coverage;
    this.#corpus = seedLogs(jails);
  }

  /** A fuzzer over all bundled rules, made to ban soon, and jails that span lines or see raw ones. */
  static async create(seed: number, coverage?: Coverage): Promise<Fuzzer> {
    const bundled = [
      "sshd",
      "postfix",
      "exim",
      "sendmail",
      "dovecot",
      "nginx",
      "apache",
      "proftpd",
      "vsftpd",
      "recidive",
    ];
    const specs = [...bundled, `${ROOT}test/fixtures/rules/gate.yaml`, `${ROOT}test/fixtures/rules/raw.yaml`];
    const { jails } = await loadRules({ specs, sets: ["*.maxretry=2", "*.ignoreself=false"] });
    return new Fuzzer(compileJails(jails), seed, coverage);
  }

  /** Logs that reached something of their own. */
  get corpus(): number {
    return this.#corpus.length;
  }

  /** The next run. */
  make(): FuzzRun {
    const random = this.#random;
    const log = this.#damaged(pick(random, this.#corpus));
    const bytes = Buffer.concat(log.flatMap((line) => [line, NEWLINE])).subarray(
      0,
      -upTo(random, 2) || undefined,
    );
    return {
      chunks: cutAnywhere(bytes, random),
      options: {
        isLive: random() < 0.5,
        format: random() < 0.7 ? undefined : pick<Format>(random, FORMATS),
        prefilter: random() < 0.8,
        maxLine: pick(random, [64, 300, 4096, 65_536]),
        maxKeys: pick(random, [1, 8, 1000]),
        maxEvidence: pick(random, [0, 500, 65_536]),
      },
    };
  }

  /**
   * Carries a run out and looks at all that can be seen of it.
   *
   * @throws AssertionError, or whatever the engine throws
   */
  try(run: FuzzRun): void {
    const { chunks, options } = run;
    const seen = this.#see(run);
    this.runs++;
    this.lines += chunks.reduce((sum, chunk) => sum + countNewlines(chunk), 0);
    checkCommands(seen.out);
    for (const line of seen.told) assert.match(line, /^fuzz: [^\p{Cc}\p{Cs}]*\n$/u);
    this.bans += seen.out.filter((line) => line.startsWith('{"cmd":"ban"')).length;
    if (this.runs % 16 === 0) {
      const whole = [Buffer.concat(chunks)];
      this.#same(seen, { chunks, options: { ...options, prefilter: !options.prefilter } }, "the gate");
      if (!options.isLive) this.#same(seen, { chunks: whole, options }, "the cuts");
    }
    if (this.#coverage && this.#coverage.take() > 0) this.#keep(Buffer.concat(chunks));
  }

  /** Searches that were given up depend on how busy the machine is. */
  #same(seen: Seen, run: FuzzRun, what: string): void {
    const other = this.#see(run);
    if (seen.givenUp + other.givenUp > 0) return;
    assert.deepEqual(other.out, seen.out, `${what} changes what is written`);
  }

  #see({ chunks, options }: FuzzRun): Seen {
    const [out, told]: [string[], string[]] = [[], []];
    const report = new Report("fuzz", (line) => told.push(line));
    report.verbosity = "verbose";
    const around = { silence: 0, source: undefined, report, write: (line: string) => out.push(line) };
    const engine = new Engine(this.#jails, { ...around, ...options }, NOW);
    const now = (chunk: number) => (options.isLive ? NOW + chunk * 1000 : NOW);
    for (const [index, chunk] of chunks.entries()) engine.push(Buffer.from(chunk), now(index));
    engine.end(now(chunks.length));
    return { out, told, givenUp: engine.counts.givenUp };
  }

  #keep(bytes: Buffer): void {
    const log = linesOf(bytes).slice(0, LINES);
    if (this.#corpus.length < MOST_LOGS) this.#corpus.push(log);
    else this.#corpus[upTo(this.#random, MOST_LOGS)] = log;
  }

  #damaged(log: readonly Buffer[]): readonly Buffer[] {
    const random = this.#random;
    const lines = [...log];
    while (lines.length < LINES && random() < 0.97) {
      const other = pick(random, this.#corpus);
      const from = upTo(random, other.length);
      lines.splice(upTo(random, lines.length + 1), 0, ...other.slice(from, from + 1 + upTo(random, 20)));
    }
    return lines.slice(0, LINES).map((line) => {
      let damaged = line;
      while (random() < 0.4) damaged = pick(random, DAMAGES)(damaged, random, () => pick(random, lines));
      // Long lines cost a hundred times as much: a few of them will do.
      return damaged.length > LONG && random() < 0.95 ? damaged.subarray(0, LONG) : damaged;
    });
  }
}

const NEWLINE = Buffer.from("\n");
const LONGEST = 20_000;
/** Up to so many bytes most lines are searched without a guard. */
const LONG = 500;

const asText = (change: (text: string, random: Random) => string): Damage => {
  return (line, random) => (line.length > LONGEST ? line : Buffer.from(change(line.toString(), random)));
};

const TOKENS = [
  ...HOSTS,
  ...USERS,
  ...[
    "Nov 21 11:59:59 ",
    "2026-11-21T11:59:59Z ",
    "2026-11-21T11:59:59+01:00 ",
    "Feb 30 25:61:61 ",
    "Dec 31 23:59:60 ",
  ],
  ...[
    '{"MESSAGE":',
    '"MESSAGE":[102,111]',
    '"MESSAGE":null',
    '"__REALTIME_TIMESTAMP":"1795262400000000"',
    "\\u0061",
    "}",
  ],
  ...[
    "<86>",
    "<86>1 ",
    "[1795262400.000000] ",
    "1795262400.000000 ",
    "-- Boot 1 --",
    "==> x <==",
    "\x1e",
    "data: ",
  ],
].map((token) => Buffer.from(token));

const DAMAGES: readonly Damage[] = [
  asText(mutate),
  asText(mutate),
  asText(mutate),
  (line, random) => spliced(line, random, 0, Buffer.of(upTo(random, 256))),
  (line, random) => spliced(line, random, 1, Buffer.of(upTo(random, 256))),
  (line, random) => spliced(line, random, upTo(random, 20), Buffer.alloc(0)),
  (line, random) => spliced(line, random, 0, pick(random, TOKENS)),
  (line, random) => spliced(line, random, upTo(random, 20), pick(random, TOKENS)),
  (line, random, other) => Buffer.concat([line.subarray(0, upTo(random, line.length + 1)), other()]),
  (line, random) => repeated(line, random),
  (_, random) => Buffer.from(Array.from({ length: upTo(random, 200) }, () => upTo(random, 256))),
  asText(asJournal),
  asText((text) => `<86>${text}`),
  asText(
    (text) => `<86>1 2026-11-21T11:59:59Z web1 ${text.replace(/^.*? (\S+?)(?:\[\d+\])?: /, "$1 1 - - ")}`,
  ),
];

/** `Nov 21 11:59:59 web1 app[7]: message` as an entry of the journal. */
function asJournal(text: string): string {
  const [, host = "web1", tag = "sshd", message = text] =
    /^.{15} (\S+) ([^[\s:]+)(?:\[\d+\])?: (.*)$/s.exec(text) ?? [];
  return JSON.stringify({
    __REALTIME_TIMESTAMP: "1795262399000000",
    _HOSTNAME: host,
    SYSLOG_IDENTIFIER: tag,
    MESSAGE: message,
  });
}

/** The sample lines of the rules and of the examples, in each shape: what the fuzzer begins with. */
function seedLogs(jails: readonly CompiledJail[]): (readonly Buffer[])[] {
  const samples = jails.flatMap(({ jail }) => jail.tests.flatMap(({ lines }) => lines));
  const examples = LOGS.flatMap((name) => readFileSync(`${ROOT}examples/${name}.log`, "utf8").split("\n"));
  const texts = [...samples, ...examples];
  const shapes = [texts, texts.map(asJournal), texts.map((text) => `<86>${text}`)];
  return shapes.flatMap((lines) => {
    const logs: Buffer[][] = [];
    for (let at = 0; at < lines.length; at += 25) {
      logs.push(lines.slice(at, at + 25).map((line) => Buffer.from(line)));
    }
    return logs;
  });
}

/** Every line is a command; an unban follows its ban, once; nobody is banned twice. */
export function checkCommands(out: readonly string[]): void {
  const banned = new Set<string>();
  for (const line of out) {
    assert.ok(line.endsWith("\n") && Buffer.byteLength(line) <= MAX_COMMAND_BYTES, line);
    const command = decode(line, 0);
    if (command.cmd === "sync") continue;
    const key = `${command.cmd.startsWith("would")} ${command.jail} ${command.ip ?? `id ${command.id}`}`;
    if (command.cmd.endsWith("unban")) assert.ok(banned.delete(key), `no ban before ${line}`);
    else if ("repeat" in command) assert.ok(banned.has(key), `no ban to repeat in ${line}`);
    else {
      assert.ok(!banned.has(key), `banned already: ${line}`);
      banned.add(key);
    }
  }
}

function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    lines.push(Buffer.from(bytes.subarray(at, end < 0 ? bytes.length : end)));
    at = end < 0 ? bytes.length : end + 1;
  }
  return lines.length > 0 ? lines : [Buffer.alloc(0)];
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
