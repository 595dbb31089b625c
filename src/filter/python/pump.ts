import { includes, runsOf } from "./charset.ts";
import { charsOf } from "./classes.ts";
import { isLinear } from "./compile.ts";
import type { PythonPattern } from "./pattern.ts";
import { type CharNode, childrenOf, type Node, type RepeatNode, type Tree } from "./tree.ts";
import { runWithin } from "./within.ts";

/** A text that makes a loop of a pattern run as long as one likes, and then spoils the match. */
export interface HostileText {
  /** Where the loop stands in the pattern. */
  readonly offset: number;
  /** What leads to the loop. */
  readonly head: string;
  /** One turn, or what several loops around can fight over. */
  readonly turn: string;
  /** What spoils the match: characters that few patterns expect, one behind a newline for those with dots. */
  readonly tail: string;
}

/** How a pattern takes its worst hostile text. */
export interface Backtracking extends HostileText {
  /** The time of the longest search that ended, in milliseconds; Infinity if hardly one did. */
  readonly milliseconds: number;
  /** By what the time grows when the text is twice as long: 2 is linear, 4 quadratic. Infinity if hardly a search ended. */
  readonly growth: number;
}

/** All texts are tried at this length, in UTF-16 units, and the slowest of them at the greater ones. */
const FIRST_LENGTH = 512;
const LENGTHS = [1024, 2048, 4096];
const SLOWEST = 3;

/** A search may take so long before it is given up, in milliseconds. */
const LIMIT = 250;

/** Below this a search is quick enough, and its time says nothing about growth; in milliseconds. */
const QUICK = 5;

/** Below this at the first length even a cubic search would be quick at the greatest; in milliseconds. */
const TRIVIAL = 0.01;

/** What a tame pattern takes for all its hostile texts, in milliseconds. */
const TAME = 50;

/** More than a quadratic search has, 4, with some room for a machine that is doing other things, and less than a cubic one, 8. */
export const MAX_GROWTH = 5.7;

/** Loops of fewer turns don't make a long text. */
const LONG_LOOP = 17;

/** So much of what follows a loop is tried as a turn. */
const MAX_NEXT = 64;

/** Turns are sought among these and the pattern's own text. */
const FAVOURITES = ["a", "0", " ", ":", ".", "-", "/", "=", '"', "[", "\n"];

/**
 * Searches hostile texts of growing length and gives the one that took longest, or undefined if all were quick, and for a
 * pattern that V8's linear engine takes. One whose `growth` is beyond MAX_GROWTH lets an attacker stop the program with a
 * few long lines. Takes some 10 ms, or a second if the pattern is a bad one.
 *
 * @param now a clock in milliseconds, best one of CPU time: the machine may do other things meanwhile
 */
export function measureBacktracking(pattern: PythonPattern, now: () => number): Backtracking | undefined {
  if (isLinear(pattern)) return undefined;
  let worst: Backtracking | undefined;
  for (const text of slowestTexts(pattern, now)) {
    const measured = measure(pattern, text, now);
    if (measured.milliseconds > (worst?.milliseconds ?? QUICK)) worst = measured;
  }
  return worst;
}

/** The hostile texts that take longest while they are short; as soon as one takes too long, that one alone. */
function slowestTexts(pattern: PythonPattern, now: () => number): readonly HostileText[] {
  const timed: { text: HostileText; time: number }[] = [];
  for (const text of hostileTexts(pattern.tree)) {
    const time = timeOnce(pattern, pump(text, FIRST_LENGTH), now);
    if (time === undefined) return [text];
    if (time > TRIVIAL) timed.push({ text, time });
  }
  timed.sort((a, b) => b.time - a.time);
  return timed.slice(0, SLOWEST).map(({ text }) => text);
}

/** Whether `search` takes less than 50 ms for all texts of this length that are hostile to a pattern, one after another. */
export function isTame(tree: Tree, length: number, search: (text: string) => unknown): boolean {
  const texts = hostileTexts(tree).map((text) => pump(text, length));
  return runWithin(TAME, () => texts.forEach(search)) !== undefined;
}

/** The text with so many turns that they reach a length. */
export function pump({ head, turn, tail }: HostileText, length: number): string {
  return `${head}${turn.repeat(Math.ceil(length / turn.length))}${tail}`;
}

/** Texts that pump each loop of a pattern, in several ways each. */
export function hostileTexts(tree: Tree): HostileText[] {
  const texts = new Map<string, HostileText>();
  for (const text of pumped(tree.root, "", ""))
    texts.set(JSON.stringify([text.head, text.turn, text.tail]), text);
  return [...texts.values()];
}

function measure(pattern: PythonPattern, text: HostileText, now: () => number): Backtracking {
  const times: number[] = [];
  for (const length of LENGTHS) {
    const time = timeOf(pattern, pump(text, length), now);
    if (time === undefined) break;
    times.push(time);
  }
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  if (times.length < 2)
    return { ...text, milliseconds: Number.POSITIVE_INFINITY, growth: Number.POSITIVE_INFINITY };
  return { ...text, milliseconds: last, growth: (last / first) ** (1 / (times.length - 1)) };
}

/** How long a search takes, in milliseconds; the quicker of two if it is slow. Undefined if it was given up. */
function timeOf(pattern: PythonPattern, text: string, now: () => number): number | undefined {
  const first = timeOnce(pattern, text, now);
  if (first === undefined || first < QUICK) return first;
  return Math.min(first, timeOnce(pattern, text, now) ?? first);
}

function timeOnce(pattern: PythonPattern, text: string, now: () => number): number | undefined {
  return runWithin(LIMIT, () => {
    const start = now();
    pattern.search(text);
    return now() - start;
  })?.result;
}

/** Goes down to every loop; `head` leads to the node, `next` is what follows it. */
function* pumped(node: Node, head: string, next: string): Generator<HostileText> {
  if (node.type === "sequence") {
    yield* pumpedItems(node.items, head, next);
    return;
  }
  if (node.type === "repeat" && node.max >= LONG_LOOP) {
    for (const turn of turnsOf(node, next)) {
      for (const tail of ["\x01\n", "\n\x01\n"]) yield { offset: node.offset, head, turn, tail };
    }
  }
  for (const child of childrenOf(node)) yield* pumped(child, head, next);
}

function* pumpedItems(items: readonly Node[], head: string, next: string): Generator<HostileText> {
  let path = head;
  for (const [i, item] of items.entries()) {
    const rest = items.slice(i + 1).map((other) => sample(other));
    yield* pumped(item, path, `${rest.join("")}${next}`.slice(0, MAX_NEXT));
    path += sample(item);
  }
}

/** What one turn of a loop can be: its own sample, single characters it takes, and what follows it if it takes that. */
function turnsOf({ body }: RepeatNode, next: string): Set<string> {
  const own = [undefined, ...FAVOURITES].map((favourite) => sample(body, favourite));
  const words = [next, next.slice(0, 1), next.slice(0, 4), `${next}${sample(body)}`];
  const taken = words.filter(
    (word) => body.type === "char" && [...word].every((char) => accepts(body, char)),
  );
  return new Set([...own, ...taken].filter((turn) => turn !== ""));
}

/** A short text that a node matches, as far as that can be told without searching; `favourite` is used where it fits. */
function sample(node: Node, favourite?: string): string {
  switch (node.type) {
    case "char":
      return sampleChar(node, favourite);
    case "group":
    case "atomic":
      return sample(node.body, favourite);
    case "repeat":
      return sample(node.body, favourite).repeat(Math.max(1, Math.min(node.min, 64)));
    case "sequence":
      return node.items.map((item) => sample(item, favourite)).join("");
    case "alternation":
      return node.branches.map((branch) => sample(branch, favourite)).find((text) => text !== "") ?? "";
    case "conditional":
      return sample(node.no, favourite);
    default:
      return "";
  }
}

function sampleChar(node: CharNode, favourite: string | undefined): string {
  const fitting = [...(favourite === undefined ? [] : [favourite]), ...FAVOURITES].find((char) =>
    accepts(node, char),
  );
  if (fitting !== undefined) return fitting;
  const [first] = runsOf(charsOf(node, "ascii"));
  return first ? String.fromCharCode(first[0]) : "";
}

function accepts(node: CharNode, char: string): boolean {
  return includes(charsOf(node, "ascii"), char.charCodeAt(0));
}
