import { Report } from "../src/cli/report.ts";
import { loadRules } from "../src/rules/load-rules.ts";
import { Engine } from "../src/stream/engine.ts";
import { type CompiledJail, compileJails } from "../src/stream/jail/compile-jails.ts";
import type { Bench } from "./lib/bench.ts";
import { type Figure, under } from "./lib/figures.ts";
import { BUNDLED } from "./lib/peers.ts";
import { spreadOf } from "./lib/statistics.ts";
import { journalLine } from "./log/lines.ts";
import { Random } from "./log/random.ts";

const CHUNK = 65_536;
const START = Date.UTC(2026, 10, 22);
/** Chunks of one kind are pushed until they took so many microseconds of CPU. */
const LEAST = 60_000;
const MOST = 3;

const FRAMES = [
  "java.lang.IllegalStateException: no session for request 4711 of worker 12",
  "    at org.example.shop.Sessions.require(Sessions.java:214)",
  "    at org.example.shop.Basket.price(Basket.java:87)",
  "    at org.example.http.Handler.run(Handler.java:51)",
];

/** A stack trace of so many characters or somewhat more, its lines joined. */
function trace(joint: string, length: number): string {
  let text = FRAMES[0] as string;
  for (let i = 1; text.length < length; i++) text += joint + FRAMES[1 + (i % 3)];
  return text;
}

const SHORT = 120;
/** Journald's own limit for what `journalctl` shows without `--all` is 4,096. */
const LONG = 700;
const LONGER = 5000;

/** What an unprivileged program may log, as the JSON of its message, and what it is measured against. */
const KINDS: readonly { readonly name: string; readonly message: (length: number) => string }[] = [
  { name: "line feeds", message: (length) => JSON.stringify(trace("\n", length)) },
  { name: "tabs", message: (length) => JSON.stringify(trace("\t", length)) },
  { name: "quotes", message: (length) => JSON.stringify(trace('"', length)) },
  { name: "backslashes", message: (length) => JSON.stringify(trace("\\", length)) },
  { name: "control characters as \\u00XX", message: (length) => JSON.stringify(trace("\x1b[0m", length)) },
  {
    name: "letters as \\uXXXX, pairs of surrogates",
    message: (length) => `"${trace("\\u00fc \\ud83d\\ude00", length)}"`,
  },
  { name: "UTF-8", message: (length) => JSON.stringify(trace(" größer 漢字 😀 ", length)) },
  { name: "bytes as numbers", message: (length) => bytes(trace("\x1b[0m", length)) },
  { name: "bytes as numbers, two lines", message: (length) => bytes(trace("\n\x1b[0m", length)) },
  {
    name: "the message given twice",
    message: (length) => `["${trace(" ", length)}","again"]`,
  },
];

const OTHERS: readonly { readonly name: string; readonly change: (entry: string) => string }[] = [
  { name: "no message", change: (entry) => entry.replace(/,"MESSAGE":".*"/, "") },
  { name: "a message left out (null)", change: (entry) => entry.replace(/"MESSAGE":".*"/, '"MESSAGE":null') },
  {
    name: "other fields with line feeds",
    change: (entry) => entry.replace('"_UID"', '"CODE":"a\\nb\\u001b","_UID"'),
  },
  {
    name: "other fields as numbers, lists, objects",
    change: (entry) => entry.replace('"_UID"', '"X":[[1,2],{"a":[null,true]},-1.5e3],"_UID"'),
  },
];

/** What an entry of an unrelated program costs with all bundled rules, by how its message is written, beside a plain one as long. */
export const journalKinds: Bench = async ({ rounds }) => {
  const jails = compileJails((await loadRules({ specs: BUNDLED, sets: [] })).jails);
  const plain = new Map(
    [SHORT, LONG, LONGER].map((length) => [length, logOf(JSON.stringify(trace(" ", length)))]),
  );
  const figures: Figure[] = [];
  const add = (name: string, log: Log, length: number) => {
    const base = plain.get(length) as Log;
    const pairs = Array.from(
      { length: rounds + 1 },
      () => [costOf(jails, log), costOf(jails, base)] as const,
    ).slice(1);
    const best = (index: 0 | 1) => Math.min(...pairs.map((pair) => pair[index]));
    figures.push(
      { what: `CPU an entry, ${name}`, unit: " µs", spread: spreadOf(pairs.map(([cost]) => cost)) },
      { what: "to a plain one as long", unit: "×", spread: one(best(0) / best(1)), target: under(MOST) },
    );
  };
  for (const [length, log] of plain) add(`plain, ${length} characters`, log, length);
  for (const length of plain.keys())
    for (const { name, message } of KINDS)
      add(`${name}, ${length} characters`, logOf(message(length)), length);
  for (const { name, change } of OTHERS) add(name, logOf(JSON.stringify(trace(" ", SHORT)), change), SHORT);
  return { records: [], figures };
};

const one = (value: number) => ({ median: value, min: value, max: value });

/** Entries of one kind, and how many. */
interface Log {
  readonly chunk: Buffer;
  readonly entries: number;
}

function logOf(message: string, change: (entry: string) => string = (entry) => entry): Log {
  const write = journalLine(new Random(4711));
  const entries: string[] = [];
  for (let length = 0; length < CHUNK; length += entries.at(-1)?.length ?? 0) {
    const plain = write({ time: START, tag: "shop", pid: 4711, message: "" });
    entries.push(change(plain.replace('"MESSAGE":""', () => `"MESSAGE":${message}`)));
  }
  return { chunk: Buffer.from(entries.join("")), entries: entries.length };
}

/** Microseconds of CPU for an entry, in an engine of its own. */
function costOf(jails: readonly CompiledJail[], { chunk, entries }: Log): number {
  const engine = new Engine(
    jails,
    {
      isLive: true,
      silence: 0,
      prefilter: true,
      format: "journal",
      source: undefined,
      maxLine: 65_536,
      maxKeys: 1000,
      maxEvidence: 1 << 20,
      report: new Report("bench", () => undefined),
      write: () => undefined,
    },
    START,
  );
  for (let i = 0; i < 4; i++) engine.push(chunk, START);
  const before = process.cpuUsage();
  let pushed = 0;
  for (; total(process.cpuUsage(before)) < LEAST; pushed++) engine.push(chunk, START);
  return total(process.cpuUsage(before)) / (pushed * entries);
}

const total = ({ user, system }: NodeJS.CpuUsage) => user + system;

function bytes(text: string): string {
  return JSON.stringify([...Buffer.from(text)]);
}
