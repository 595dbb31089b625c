import {
  type CharSet,
  charSet,
  complement,
  includes,
  intersect,
  LAST_CODE_POINT,
  runsOf,
  sizeOf,
  union,
} from "./charset.ts";
import type { Category, CharNode } from "./tree.ts";
import { ASCII_CASES, ASCII_ORBITS, caseOrbits, unicodeCategory } from "./unicode.ts";

/** The texts that a RegExp is made for: ASCII, without surrogates, or all. Those for ASCII are faster and need no tables. */
export type Alphabet = "ascii" | "basic" | "unicode";

/** The highest code point of an alphabet. */
function lastOf(alphabet: Alphabet): number {
  return { ascii: 0x7f, basic: 0xffff, unicode: LAST_CODE_POINT }[alphabet];
}

/** The characters of an alphabet that a node matches. Equal nodes share one set, since a big one takes time to make. */
export function charsOf(node: CharNode, alphabet: Alphabet): CharSet {
  const literal = literalOf(node);
  if (literal !== undefined) return literal > lastOf(alphabet) ? [] : [literal, literal];
  const key = JSON.stringify([alphabet, node.items, node.negated, node.case, node.ascii]);
  let set = known.get(key);
  if (!set) {
    set = makeSet(node, alphabet);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, set);
  }
  return set;
}

/** The only code point that a node matches, if it matches one and case matters. */
function literalOf({ items, negated, case: kind }: CharNode): number | undefined {
  const [item] = items;
  if (negated || kind !== "exact" || items.length !== 1 || !item || "kind" in item) return undefined;
  return item.low === item.high ? item.low : undefined;
}

const MAX_KNOWN = 2000;

const known = new Map<string, CharSet>();

function makeSet(node: CharNode, alphabet: Alphabet): CharSet {
  const last = lastOf(alphabet);
  const set = union(listedChars(node, alphabet), ...categoriesOf(node, alphabet));
  return node.negated ? complement(set, last) : intersect(set, [0, last]);
}

/** The word characters, as `\b` sees them. */
export function wordChars(alphabet: Alphabet, ascii: boolean): CharSet {
  return category("w", alphabet, ascii);
}

function listedChars(node: CharNode, alphabet: Alphabet): CharSet {
  const set = charSet(node.items.flatMap((item) => ("kind" in item ? [] : [[item.low, item.high] as const])));
  if (node.case === "exact") return set;
  if (node.case === "ascii") return withOtherCases(set, ASCII_CASES);
  return withOtherCases(set, alphabet === "ascii" ? ASCII_ORBITS : caseOrbits());
}

function withOtherCases(set: CharSet, orbits: ReadonlyMap<number, readonly number[]>): CharSet {
  const more: [number, number][] = [];
  const add = (orbit: readonly number[] = []) =>
    more.push(...orbit.map((code) => [code, code] as [number, number]));
  if (sizeOf(set) < orbits.size) {
    for (const [first, last] of runsOf(set))
      for (let code = first; code <= last; code++) add(orbits.get(code));
  } else {
    for (const [code, orbit] of orbits) if (includes(set, code)) add(orbit);
  }
  return charSet([...runsOf(set), ...more]);
}

function categoriesOf(node: CharNode, alphabet: Alphabet): CharSet[] {
  return node.items.flatMap((item) => {
    if (!("kind" in item)) return [];
    const set = category(item.kind, alphabet, node.ascii);
    return [item.negated ? complement(set) : set];
  });
}

function category(kind: Category["kind"], alphabet: Alphabet, ascii: boolean): CharSet {
  if (ascii) return ASCII_CATEGORIES[kind];
  return alphabet === "ascii" ? ASCII_TEXT_CATEGORIES[kind] : unicodeCategory(kind);
}

const DIGIT: CharSet = [0x30, 0x39];
const WORD: CharSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];

/** Under `(?a)`. */
const ASCII_CATEGORIES: Readonly<Record<Category["kind"], CharSet>> = {
  d: DIGIT,
  s: [9, 13, 32, 32],
  w: WORD,
};

/** Unicode's categories as far as ASCII goes: the separators 1c to 1f are spaces. */
const ASCII_TEXT_CATEGORIES: typeof ASCII_CATEGORIES = { d: DIGIT, s: [9, 13, 28, 32], w: WORD };
