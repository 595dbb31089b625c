import { DATE_TEXTS, forgeries, LONG_TEXT, ODD_TEXTS, plainTexts } from "../../src/check/hostile/texts.ts";
import { CaseWriter } from "../../src/check/injection/benign-case.ts";
import { jailPatternsOf } from "../../src/check/injection/jail-patterns.ts";
import type { CompiledJail } from "../../src/stream/jail/compile-jails.ts";
import { pick, type Random, seededRandom } from "../helpers/random-pattern.ts";
import { linesOf, redated, VICTIM } from "./lines.ts";

/** Latin-1: a character is a byte. */
export type Bytes = string;

/** What somebody writes into a field who knows all bundled rules and wants VICTIM banned, or not to be seen. */
export class Arsenal {
  readonly #ownLines: readonly string[];
  readonly #otherLines: readonly string[];
  readonly #forgeries: readonly string[];
  readonly #now: Date;

  /**
   * @param own jails of the daemon that is attacked
   * @param others all others, whose log may come through the same pipe
   * @param now when the attack is: a forged line must be of today to count
   */
  constructor(own: readonly CompiledJail[], others: readonly CompiledJail[], now: Date) {
    const dated = (jails: readonly CompiledJail[]) =>
      jails.flatMap(linesOf).map((line) => redated(line, now));
    this.#ownLines = dated(own);
    this.#otherLines = dated(others);
    this.#forgeries = [...ownForgeries(own, now), ...plainTexts(VICTIM)];
    this.#now = now;
  }

  /** So many texts, the same for the same seed and moment. */
  texts(seed: number, count: number): readonly Bytes[] {
    const random = seededRandom(seed);
    const others = [...formats(this.#now), ...DATE_TEXTS, ...ODD_TEXTS, LONG_TEXT, ...plainTexts(VICTIM)];
    const pools = [
      // A whole line, five times, is what bans with one request; so it comes most often.
      crossed(shuffled(this.#ownLines, random), BEFORE, repeated, random),
      crossed(shuffled(this.#forgeries, random), EDGES, (text, edge) => edge(text), random),
      crossed(shuffled(this.#otherLines, random), BEFORE, repeated, random),
      shuffled(others.map(utf8), random).values(),
    ];
    const texts = new Set<Bytes>();
    // Three of eight are mutations of what went before.
    while (texts.size < count) {
      for (const pool of [0, 1, 0, 2, 3]) {
        const text = pools[pool]?.next().value;
        if (typeof text === "string" && texts.size < count) texts.add(text);
      }
      const known = [...texts];
      for (let i = 0; i < 3 && texts.size < count; i++) texts.add(mutated(known, random));
    }
    return [...texts];
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

function utf8(text: string): Bytes {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Each text once before any comes again, each time in another way. */
function* crossed<T>(
  texts: readonly string[],
  ways: readonly T[],
  make: (text: string, way: T) => Bytes,
  random: Random,
): Generator<Bytes> {
  for (let round = 0; round < ways.length; round++)
    for (const text of texts) yield make(text, pick(random, ways));
}

/** What may begin a line, or what a reader takes for the beginning of one: bytes. */
const BEFORE: readonly Bytes[] = [
  "\n",
  "x\n",
  "\n",
  "\r\n",
  "\r",
  "\0",
  "\n\0",
  "\x0b",
  "\x0c",
  "\x1b[2K\r",
  "\x1b]0;x\x07\n",
  "\x85",
  utf8("\u0085"),
  utf8("\u2028"),
  utf8("\u2029"),
  "\xff\n",
  '"\n',
  "']\n",
  "%0A",
  "%0d%0a",
  "%00",
  "\\n",
  "\\x0a",
  "#012",
  "&#10;",
  "\t",
  "",
  " ",
];

/** Encoded as a path has it, where the bytes before are. */
function repeated(line: string, before: Bytes): Bytes {
  const bytes = utf8(line);
  const isEncoded = before.startsWith("%");
  const one = before + (isEncoded ? percent(bytes) : bytes);
  const closing = isEncoded ? "%0A" : before;
  return one.repeat(Math.max(1, Math.min(5, Math.floor(1500 / one.length)))) + closing;
}

function percent(bytes: Bytes): Bytes {
  return bytes.replace(/[^\w/.:-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** What closes a field before the text, and opens it again after it. */
const EDGES: readonly ((text: string) => Bytes)[] = [
  ...['"', "'", "]", ")", ">", "}", '\\"', "\\x22", '": ', '", ', "`", "\\", ": ", " ", ""].flatMap(
    (edge) => [
      (text: string) => utf8(`x${edge}${text}`),
      (text: string) => utf8(`x${edge} ${text} ${edge}`),
      (text: string) => utf8(`${text}${edge}`),
    ],
  ),
  (text) => `\n${utf8(text)}\n`,
  (text) => percent(utf8(text)),
  (text) => utf8(text).replaceAll(" ", "\t"),
  (text) => utf8(text.replaceAll(" ", "\u00a0")),
];

function ownForgeries(jails: readonly CompiledJail[], now: Date): readonly string[] {
  return jails.flatMap((jail) => {
    const patterns = jailPatternsOf(jail);
    const writer = new CaseWriter(patterns, now.getTime());
    return patterns.failregex.flatMap((_, regex) =>
      writer
        .casesOf(regex, undefined, 4)
        .flatMap(({ lines }) => lines.flatMap(({ seen }) => forgeries(seen, VICTIM))),
    );
  });
}

/** Lines in the shapes of other formats: a journal's, RFC 5424's, BusyBox's. */
function formats(now: Date): readonly string[] {
  const failed = `Failed password for root from ${VICTIM} port 22 ssh2`;
  const entry = {
    __REALTIME_TIMESTAMP: `${now.getTime()}000`,
    _UID: "0",
    _COMM: "sshd",
    _SYSTEMD_UNIT: "ssh.service",
    SYSLOG_IDENTIFIER: "sshd",
    MESSAGE: failed,
  };
  const iso = now.toISOString();
  const lines = [
    '{"MESSAGE":1}',
    `{"MESSAGE":"${failed}"}`,
    `{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"${failed}"}`,
    JSON.stringify(entry),
    `<38>1 ${iso} host sshd 1 - - ${failed}`,
    `<38>${iso.slice(0, 19).replace("T", " ")} sshd[1]: ${failed}`,
    `<38>sshd[1]: ${failed}`,
    `sshd[1]: ${failed}`,
    failed,
    `${iso} host sshd[1]: message repeated 9 times: [ ${failed}]`,
  ];
  return lines.flatMap((line) => [line, `\n${line}`, `\n${line}\n${line}\n${line}\n${line}\n${line}\n`]);
}

/** Two known texts, cut and put together, with some bytes changed. */
function mutated(known: readonly Bytes[], random: Random): Bytes {
  const [one, two] = [pick(random, known), pick(random, known)];
  const cut = (text: string) => Math.floor(random() * (text.length + 1));
  const ways: readonly (() => Bytes)[] = [
    () => one.slice(0, cut(one)) + two.slice(cut(two)),
    () => one + pick(random, BEFORE) + two,
    () => {
      const at = cut(one);
      return one.slice(0, at) + pick(random, BYTES) + one.slice(at);
    },
    () => one.replaceAll(" ", pick(random, ["  ", "\t", "+", "%20", utf8("\u00a0")])),
    () => one.toUpperCase(),
    () =>
      one
        .split(/(?<=[\n\r"\]])/)
        .reverse()
        .join(""),
    () => `${one.slice(cut(one))}\n${two}\n${two}\n${two}`,
  ];
  return pick(random, ways)().slice(0, LONGEST);
}

const BYTES = [..."\0\x01\x07\b\t\n\v\f\r\x1b \"'()<>[]{}\\%:;,=#\x7f\x80\x85\xa0\xff"];

/** In bytes: beyond it most daemons refuse the whole command. */
const LONGEST = 1600;
