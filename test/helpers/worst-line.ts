import { isField, textOf } from "../../src/check/hostile/template.ts";
import { ODD_TEXTS } from "../../src/check/hostile/texts.ts";
import { CaseWriter } from "../../src/check/injection/benign-case.ts";
import { jailPatternsOf } from "../../src/check/injection/jail-patterns.ts";
import { Report } from "../../src/cli/report.ts";
import { attackStrings, attackText } from "../../src/python/analyse/attack-strings.ts";
import type { PythonPattern } from "../../src/python/pattern.ts";
import { Engine } from "../../src/stream/engine.ts";
import type { CompiledJail } from "../../src/stream/jail/compile-jails.ts";
import { MAX_LINE } from "../../src/stream/options.ts";
import { cpuTime } from "./hostile.ts";
import { pick, type Random, seededRandom, upTo } from "./random-pattern.ts";

// Looks for the line that costs most: lines that patterns match, and such as hurt them, are changed again and again, and the dearest kept.

/** How a line comes: as it stands in a file, or as an entry of the journal. */
export type Way = "file" | "journal";

/** A line that is tried. What stands before the message is the logger's, and stays. */
export interface Line {
  readonly way: Way;
  readonly head: string;
  readonly body: string;
  /** What it was made of. */
  readonly origin: string;
}

/** A line, and what it costs. */
interface Costly {
  readonly line: Line;
  readonly cost: number;
}

const NOW = Date.UTC(2026, 10, 21, 20);
/** A header of syslog: stamp, host and tag. */
const HEADER = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ ([^\s[\]:]+)(?:\[\d+\])?: /;

export interface SearchOptions {
  /** What a line costs. */
  readonly costOf: (line: Line) => number;
  readonly seed: number;
  /** Whether to go on, asked before each line; `tried` so many. */
  readonly goesOn: (tried: number) => boolean;
  /** Longest line, in bytes. */
  readonly maxLine?: number;
}

/** The dearest line of those that were tried. */
export interface Searched extends Costly {
  readonly tried: number;
}

/** So many lines are kept and changed further, and so many of one origin and length. */
const KEPT = 40;
const ALIKE = 3;
/** So many lines are known not to be new, which takes memory. */
const MOST_SEEN = 10_000;

/** Changes lines and keeps the dearest, until `goesOn` says no. A line that would be among the first is measured once more. */
export function searchWorst(
  jails: readonly CompiledJail[],
  ways: readonly Way[],
  options: SearchOptions,
): Searched {
  const { costOf, seed, goesOn, maxLine = MAX_LINE } = options;
  const random = seededRandom(seed);
  const words = wordsOf(jails);
  const seeds = shuffled(seedsOf(jails, ways, maxLine), random);
  const seen = new Set<string>();
  let kept: Costly[] = [];
  let tried = 0;
  for (let turn = 0; goesOn(tried); turn++) {
    const seed = kept.length === 0 || turn % 3 !== 0 ? seeds.pop() : undefined;
    const line = seed?.() ?? changed(parentOf(kept, random), words, random, maxLine);
    const key = line.way + line.body;
    if (seen.has(key) || !fits(line, maxLine)) continue;
    if (seen.size > MOST_SEEN) seen.clear();
    seen.add(key);
    tried++;
    let cost = costOf(line);
    if (cost > 0.9 * (kept[0]?.cost ?? 0)) cost = Math.min(cost, costOf(line));
    kept = keep(kept, { line, cost });
  }
  const [worst] = kept;
  if (worst === undefined) throw new RangeError("no line was tried");
  return { ...worst, tried };
}

/** The better of them are chosen more often. */
function parentOf(kept: readonly Costly[], random: Random): Line {
  return (kept[Math.min(upTo(random, kept.length), upTo(random, kept.length))] as Costly).line;
}

function keep(kept: readonly Costly[], next: Costly): Costly[] {
  const all = [...kept, next].sort((a, b) => b.cost - a.cost);
  const counts = new Map<string, number>();
  const isNew = ({ line }: Costly) => {
    const kind = `${line.way} ${line.origin} ${Math.round(Math.log2(line.body.length + 1))}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return (counts.get(kind) as number) <= ALIKE;
  };
  return all.filter(isNew).slice(0, KEPT);
}

const LENGTHS = [300, 2000, 16_000, 65_000, 160_000];
const RUNS = [
  "x",
  " ",
  "x ",
  "0",
  ".",
  "1.",
  "/",
  '"',
  "\\",
  "[",
  "]",
  "<",
  ">",
  ":",
  "é",
  "漢",
  "😀",
  "ſ",
  "\t",
  "\u0001",
];
const DATES = [
  "2026-11-2",
  "Nov 21 19:40:0",
  "21/Nov/2026:19:40:02 ",
  "1795290002.",
  "2026/11/21 19:",
  "19:40:02 ",
  "@40000000",
];

/** What the search begins with, made when it is asked for: lines of each pattern, with all that their fields and loops may hold. */
function seedsOf(jails: readonly CompiledJail[], ways: readonly Way[], maxLine: number): (() => Line)[] {
  const runs = [...RUNS, ...DATES].map((run) => ({ head: "", body: run, origin: "odd" }));
  const lengths = LENGTHS.map((length) => Math.min(length, maxLine - 300));
  const grown = [...jails.flatMap(casesOf), ...runs].flatMap(({ head, body, origin, field }: Seed) => {
    const bodies = [
      () => body,
      ...lengths.map((length) => () => grownTo(body, body, length)),
      ...(field ? ODD_TEXTS.map((text) => () => body.replace(FIELD, () => text)) : []),
      ...(field
        ? lengths.flatMap((length) =>
            RUNS.map((run) => () => body.replace(FIELD, () => grownTo("", run, length))),
          )
        : []),
    ];
    return bodies.map((make) => () => ({ head, origin, body: make() }));
  });
  const pumped = jails.flatMap((jail) => pumpedFor(jail, lengths));
  const tidy = (body: string) => body.replaceAll(FIELD, "x").replaceAll("\n", " ").slice(0, maxLine);
  return [...grown, ...pumped].flatMap((make) =>
    ways.map((way) => () => {
      const line = make();
      return { ...line, body: tidy(line.body), way };
    }),
  );
}

function shuffled<T>(list: T[], random: Random): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = upTo(random, i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}

/** A line to begin with; a FIELD in it stands where a stranger's text may. */
type Seed = Omit<Line, "way"> & { readonly field?: true };

const FIELD = "\u{f0000}";

/** Lines that the patterns match, once for each field in them. */
function casesOf(compiled: CompiledJail): Seed[] {
  const { jail } = compiled;
  const samples = jail.tests
    .flatMap(({ lines }) => lines)
    .map((line) => ({ ...parted(line), origin: `sample of ${jail.name}` }));
  if (jail.on === "ban") return [];
  const patterns = jailPatternsOf(compiled);
  const writer = new CaseWriter(patterns, NOW);
  const cases = patterns.failregex.flatMap((_, regex) => writer.casesOf(regex).slice(0, 6));
  const written = cases.flatMap(({ lines }) =>
    lines.flatMap(({ line, regex = 0 }) => {
      const origin = `failregex ${regex + 1} of ${jail.name}`;
      const fields = line.parts.flatMap((part) => (isField(part) ? [part.field] : []));
      const filled = fields.map((field) => ({
        ...parted(textOf(line, new Map([[field, FIELD]]))),
        origin,
        field: true as const,
      }));
      return [{ ...parted(textOf(line)), origin }, ...filled];
    }),
  );
  return [...samples, ...written];
}

/** A line that each pattern matches, as it comes on an ordinary day. */
export function matchingLines(jails: readonly CompiledJail[], ways: readonly Way[]): readonly Line[] {
  const shortest = new Map<string, Line>();
  for (const jail of jails)
    for (const { head, body, origin } of casesOf(jail))
      for (const way of ways) {
        const line = { head, body: body.replaceAll(FIELD, "alice"), origin, way };
        const known = shortest.get(way + origin);
        if (!body.includes("\n") && (known === undefined || body.length < known.body.length))
          shortest.set(way + origin, line);
      }
  return [...shortest.values()].filter(({ origin }) => origin.startsWith("failregex"));
}

/** What other programs say. */
export function unrelatedLines(ways: readonly Way[]): readonly Line[] {
  const lines = [
    ["CRON", "(root) CMD (   test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily)"],
    ["systemd", "Finished apt-daily.service - Daily apt download activities."],
    ["kernel", "EXT4-fs (sda1): re-mounted. Quota mode: none."],
    [
      "named",
      "client @0x7f1 198.51.100.7#4711 (www.example.com): query: www.example.com IN A +E(0)K (192.0.2.53)",
    ],
  ] as const;
  return ways.flatMap((way) =>
    lines.map(([tag, body]) => ({
      way,
      head: `Nov 21 19:40:02 host ${tag}[4711]: `,
      body,
      origin: "unrelated",
    })),
  );
}

function parted(line: string): Pick<Line, "head" | "body"> {
  const [head = ""] = HEADER.exec(line) ?? [];
  return { head, body: line.slice(head.length) };
}

/** Texts that pump each loop of each pattern. */
function pumpedFor({ jail, filter }: CompiledJail, lengths: readonly number[]): (() => Omit<Line, "way">)[] {
  const head = jail.identifier?.[0] === undefined ? "" : `Nov 21 19:40:02 host ${jail.identifier[0]}[4711]: `;
  return patternsOf(filter).flatMap(({ name, pattern }) =>
    attackStrings(pattern.tree).flatMap((text) =>
      lengths.map((length) => () => ({
        head,
        body: attackText(text, length),
        origin: `${name} of ${jail.name}, pumped`,
      })),
    ),
  );
}

function patternsOf({ prefregex, failregex, ignoreregex }: CompiledJail["filter"]) {
  const named = (name: string, all: readonly { readonly pattern: PythonPattern }[]) =>
    all.map(({ pattern }, index) => ({ name: `${name} ${index + 1}`, pattern }));
  return [
    ...named("prefregex", prefregex ? [prefregex] : []),
    ...named("failregex", failregex),
    ...named("ignoreregex", ignoreregex),
  ];
}

/** What is put into lines: the words of patterns, and what dates begin with. */
function wordsOf(jails: readonly CompiledJail[]): readonly string[] {
  const words = new Set<string>([...RUNS, ...DATES]);
  for (const { filter } of jails)
    for (const { pattern } of patternsOf(filter))
      for (const word of pattern.source.replace(/\\([^\w])/g, "$1").match(/[\w :=/,.[\]-]{3,}/g) ?? [])
        words.add(word);
  return [...words];
}

const CHANGES: readonly ((body: string, words: readonly string[], random: Random) => string)[] = [
  (body, _, random) => repeated(body, random, 1 + upTo(random, 12)),
  (body, _, random) => repeated(body, random, 1 + upTo(random, 200)),
  (body, _, random) => repeated(body, random, 1),
  (body, words, random) => inserted(body, random, pick(random, words)),
  (body, words, random) => inserted(body, random, pick(random, words).repeat(2 ** upTo(random, 14))),
  (body, words, random) =>
    inserted(body, random, `${pick(random, words)}${pick(random, words)}`.repeat(2 ** upTo(random, 12))),
  (body, _, random) => without(body, random, 1 + upTo(random, 16)),
  (body, _, random) => without(body, random, upTo(random, body.length)),
  (body, words, random) => body + pick(random, words),
  (body, words, random) => pick(random, words) + body,
  (body, words, random) => replaced(body, random, pick(random, words)),
];

function changed(line: Line, words: readonly string[], random: Random, maxLine: number): Line {
  let { body } = line;
  for (let turns = 1 + upTo(random, 3); turns > 0; turns--)
    body = pick(random, CHANGES)(body, words, random).slice(0, maxLine);
  body = body.replaceAll("\n", " ");
  while (!fits({ ...line, body }, maxLine)) body = body.slice(0, Math.floor(body.length * 0.8));
  return { ...line, body };
}

function repeated(body: string, random: Random, length: number): string {
  const at = upTo(random, body.length + 1);
  const piece = body.slice(at, at + length);
  return body.slice(0, at) + piece.repeat(2 ** upTo(random, 14)) + body.slice(at);
}

function inserted(body: string, random: Random, text: string): string {
  const at = upTo(random, body.length + 1);
  return body.slice(0, at) + text + body.slice(at);
}

function without(body: string, random: Random, length: number): string {
  const at = upTo(random, body.length + 1);
  return body.slice(0, at) + body.slice(at + length);
}

function replaced(body: string, random: Random, text: string): string {
  const at = upTo(random, body.length + 1);
  return body.slice(0, at) + text + body.slice(at + text.length);
}

function grownTo(text: string, by: string, length: number): string {
  return by === "" ? text : text + by.repeat(Math.max(0, Math.ceil((length - text.length) / by.length)));
}

function fits(line: Line, maxLine: number): boolean {
  return Buffer.byteLength(written(line, 0)) <= maxLine;
}

/** The line as it stands in the input, without its newline; `turn` lets lines differ that follow each other. */
export function written({ way, head, body }: Line, turn: number): string {
  const second = String(turn % 60).padStart(2, "0");
  if (way === "file") {
    const stamped = head.replace(/:\d\d /, `:${second} `);
    return `${stamped}${body}${turn % 2 === 0 ? "" : "."}`;
  }
  const identifier = HEADER.exec(head)?.[1];
  return JSON.stringify({
    __REALTIME_TIMESTAMP: String((NOW + turn * 1000) * 1000),
    _HOSTNAME: "host",
    ...(identifier === undefined ? {} : { SYSLOG_IDENTIFIER: identifier, _PID: "4711" }),
    ...ROOTS,
    MESSAGE: body,
  });
}

/** What the journal knows of a service of root's. */
const ROOTS = { _UID: "0", _COMM: "sshd", _TRANSPORT: "syslog" };

/** Microseconds of CPU that a line takes in an engine of its own. */
export class LineCost {
  readonly #jails: readonly CompiledJail[];
  readonly #engines = new Map<Way, Engine>();
  /** Searches that were given up. */
  givenUp = 0;

  constructor(jails: readonly CompiledJail[]) {
    this.#jails = jails;
  }

  /**
   * Of several measurements, each of lines that take half a millisecond or more together, the least.
   *
   * @param most milliseconds that one measurement may take
   */
  of(lines: readonly Line[], most = 3): number {
    const way = lines[0]?.way ?? "file";
    const engine = this.#engines.get(way) ?? newEngine(this.#jails, way);
    this.#engines.set(way, engine);
    const chunkOf = (count: number) =>
      Buffer.from(
        Array.from(
          { length: count },
          (_, turn) => `${written(lines[turn % lines.length] as Line, turn)}\n`,
        ).join(""),
      );
    const few = chunkOf(2 * lines.length);
    const measure = (chunk: Buffer, count: number) => {
      const before = cpuTime();
      for (let at = 0; at < chunk.length; at += CHUNK) engine.push(chunk.subarray(at, at + CHUNK), NOW);
      return ((cpuTime() - before) * 1000) / count;
    };
    const rough = measure(few, 2 * lines.length);
    this.#renewIfGivenUp(engine, way);
    const count = Math.max(2, Math.min(400, Math.ceil((most * 1000) / 4 / Math.max(rough, 1))));
    if (rough > most * 1000) return rough;
    const chunk = chunkOf(count);
    let least = rough;
    for (let i = 0; i < 3; i++) least = Math.min(least, measure(chunk, count));
    this.#renewIfGivenUp(engine, way);
    return least;
  }

  /** A pattern that was given up is given less time from then on: what it costs the first time counts. */
  #renewIfGivenUp({ counts: { givenUp } }: Engine, way: Way): void {
    this.givenUp += givenUp;
    if (givenUp > 0) this.#engines.delete(way);
  }
}

/** As the reader of a pipe gives them. */
const CHUNK = 65_536;

function newEngine(jails: readonly CompiledJail[], way: Way): Engine {
  return new Engine(
    jails,
    {
      isLive: true,
      silence: 0,
      prefilter: true,
      format: way === "journal" ? "journal" : jails.some(({ jail }) => jail.identifier) ? "syslog" : "plain",
      source: undefined,
      maxLine: MAX_LINE,
      maxKeys: 100_000,
      maxEvidence: 1 << 20,
      report: new Report("worst", () => undefined),
      write: () => undefined,
    },
    NOW,
  );
}
