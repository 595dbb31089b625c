import { type CharSet, complement, intersect, LAST_CODE_POINT, runsOf, union } from "../charset.ts";
import type { Alphabet } from "../classes.ts";

/**
 * The source of a JavaScript RegExp without flags for a set: a character, a class, or a group of alternatives, each of which can be
 * repeated as it is.
 *
 * Without the flag `u` a RegExp sees UTF-16 units. So a set of the alphabet `unicode` becomes a class of characters of the basic plane
 * and pairs of surrogates: it matches whole code points of well-formed text and never half of one.
 */
export function setSource(set: CharSet, alphabet: Alphabet): string {
  if (set.length === 2 && set[0] === set[1] && (set[0] ?? 0) <= 0x7f) return classSource(set, [], 0x7f);
  const source = SOURCES[alphabet].get(set) ?? newSource(set, alphabet);
  SOURCES[alphabet].set(set, source);
  return source;
}

/** The source of a class of units for a set that has all characters of two units: any half of a pair is in it. */
export function unitsSource(set: CharSet): string {
  return classSource(union(intersect(set, [0, 0xffff]), [0xd800, 0xdfff]), [], 0xffff);
}

/** Sources made before: a category of Unicode takes a millisecond. */
const SOURCES: Readonly<Record<Alphabet, WeakMap<CharSet, string>>> = {
  ascii: new WeakMap(),
  basic: new WeakMap(),
  unicode: new WeakMap(),
};

function newSource(set: CharSet, alphabet: Alphabet): string {
  if (alphabet === "ascii") return classSource(set, [], 0x7f);
  if (alphabet === "basic") return classSource(intersect(set, [0, 0xffff]), [], 0xffff);
  const basic = intersect(set, [0, 0xd7ff, 0xe000, 0xffff]);
  const pairs = pairSources(intersect(set, [0x10000, LAST_CODE_POINT]));
  const units = classSource(basic, [0xd800, 0xdfff], 0xffff);
  if (pairs.length === 0) return units;
  return `(?:${[...(basic.length > 0 ? [units] : []), ...pairs].join("|")})`;
}

/**
 * The shorter of `[…]` and `[^…]`; neither matches `never`. Not `[^…\uffff]`: V8's linear engine (Node 20) takes the empty range
 * above it for U+0000 to U+FFFF, so that the class matches anything.
 */
function classSource(set: CharSet, never: CharSet, last: number): string {
  const [first = 0, end = 0] = set;
  if (set.length === 2 && first === end) return unitSource(first, /[\^$\\.*+?()[\]{}|/]/);
  const others = complement(set, last);
  const positive = `[${runsSource(set)}]`;
  const negative = `[^${runsSource(never.length === 0 ? others : union(others, never))}]`;
  return negative.length < positive.length && others.at(-1) !== 0xffff ? negative : positive;
}

function runsSource(set: CharSet): string {
  let text = "";
  for (const [first, last] of runsOf(set)) {
    text += unitSource(first, /[\]\\^-]/);
    if (last > first + 1) text += "-";
    if (last > first) text += unitSource(last, /[\]\\^-]/);
  }
  return text;
}

function unitSource(code: number, special: RegExp): string {
  if (code === 10) return "\\n";
  if (code < 0x20 || code > 0x7e) return `\\u${code.toString(16).padStart(4, "0")}`;
  const char = String.fromCharCode(code);
  return special.test(char) ? `\\${char}` : char;
}

/** Pairs of surrogates for a set above the basic plane; high ones with the same low ones share a class. */
function pairSources(set: CharSet): string[] {
  const highsByLows = new Map<string, CharSet>();
  for (const [high, lows] of lowsByHigh(set)) {
    const key = classSource(lows, [], 0xffff);
    highsByLows.set(key, union(highsByLows.get(key) ?? [], [high, high]));
  }
  return [...highsByLows].map(([lows, highs]) => classSource(highs, [], 0xffff) + lows);
}

function lowsByHigh(set: CharSet): Map<number, CharSet> {
  const result = new Map<number, CharSet>();
  for (const [first, last] of runsOf(set)) {
    for (let start = first; start <= last; start = (start | 0x3ff) + 1) {
      const run = [lowOf(start), lowOf(Math.min(last, start | 0x3ff))];
      result.set(highOf(start), [...(result.get(highOf(start)) ?? []), ...run]);
    }
  }
  return result;
}

function highOf(code: number): number {
  return 0xd800 + ((code - 0x10000) >> 10);
}

function lowOf(code: number): number {
  return 0xdc00 + ((code - 0x10000) & 0x3ff);
}
