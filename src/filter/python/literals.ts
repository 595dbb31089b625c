import type { CharNode, Node, SequenceNode, Tree } from "./tree.ts";

/** Literals of which one occurs in every text that a pattern matches. */
export interface Literals {
  /** Printable ASCII. Never empty. */
  readonly texts: readonly string[];
  /** ASCII letters count alike; `texts` are in lower case. */
  readonly ignorecase: boolean;
  /** Under `(?i)` other letters may stand for `i`, `k` and `s` (`ſ`): the claim then holds for ASCII texts alone. */
  readonly asciiOnly: boolean;
}

export interface LiteralOptions {
  /**
   * The texts come from lines out of which one piece (the date) was cut, and the literals must occur in the lines: a
   * literal may be torn there. So two are taken that never overlap.
   */
  readonly cut?: boolean;
}

/**
 * The literals that a pattern cannot match without, the longest and rarest that were found; undefined if there are
 * none. For a filter over raw lines: what has none of them needs no search.
 */
export function requiredLiterals({ root }: Tree, { cut = false }: LiteralOptions = {}): Literals | undefined {
  const [best, second] = candidatesOf(readNode(root));
  if (best === undefined) return undefined;
  if (!cut) return toLiterals([best]);
  const pairs = [second ? [best, second] : [], halves(best)].filter(({ length }) => length === 2);
  return toLiterals(pairs.sort((a, b) => lowestScore(b) - lowestScore(a))[0] ?? []);
}

/** More literals of which one occurs in every match, apart from those of `requiredLiterals`; undefined if there are none. */
export function furtherLiterals({ root }: Tree): Literals | undefined {
  const [, second] = candidatesOf(readNode(root));
  return second && toLiterals([second]);
}

/** Literals of which one occurs where one of any of these sets does. */
export function uniteLiterals(sets: readonly Literals[]): Literals {
  const ignorecase = sets.some((each) => each.ignorecase);
  const texts = new Set(
    sets.flatMap((each) => each.texts).map((text) => (ignorecase ? text.toLowerCase() : text)),
  );
  return { texts: [...texts].sort(), ignorecase, asciiOnly: sets.some(({ asciiOnly }) => asciiOnly) };
}

/** More strings than this are no use as literals. */
const MAX_STRINGS = 256;

/** Shorter texts stand in too many lines. */
export const MIN_LITERAL = 3;

/** Longer strings tell no more. */
const MAX_LENGTH = 24;

/** Some strings, and how letters in them count. */
interface Strings {
  readonly texts: readonly string[];
  readonly ignorecase: boolean;
  readonly asciiOnly: boolean;
}

/** What is known of a node. */
interface Reading {
  /** All that it can match, if that is a handful of strings. */
  readonly exact: Strings | undefined;
  /** Sets of strings of which one each must occur, best first, at most two; they never overlap in a match. */
  readonly required: readonly Strings[];
}

const EMPTY: Strings = { texts: [""], ignorecase: false, asciiOnly: false };

const UNKNOWN: Reading = { exact: undefined, required: [] };

function readNode(node: Node): Reading {
  switch (node.type) {
    case "char":
      return { exact: readChar(node), required: [] };
    case "place":
      return { exact: EMPTY, required: [] };
    case "look":
      // What it asks for must be there, but may overlap with the text behind it.
      return { exact: EMPTY, required: [] };
    case "group":
    case "atomic":
      return readNode(node.body);
    case "reference":
      return UNKNOWN;
    case "conditional":
      return readBranches([node.yes, node.no]);
    case "alternation":
      return readBranches(node.branches);
    case "sequence":
      return readSequence(node);
    case "repeat":
      return readRepeat(readNode(node.body), node.min, node.max);
  }
}

/** The strings that a character node matches: one for `x` and for `[Xx]`, a few for a small class. */
function readChar({ items, negated, case: kind }: CharNode): Strings | undefined {
  if (negated) return undefined;
  const chars = new Set<string>();
  for (const item of items) {
    if ("kind" in item || item.high - item.low >= MAX_STRINGS) return undefined;
    for (let code = item.low; code <= item.high; code++) {
      const char = String.fromCodePoint(code);
      if (!/^[ -~]$/.test(char)) return undefined;
      chars.add(char);
    }
  }
  const folded = new Set([...chars].map((char) => char.toLowerCase()));
  const ignorecase = kind !== "exact" || folded.size < chars.size;
  const asciiOnly = kind === "unicode" && [...folded].some((char) => "iks".includes(char));
  return { texts: [...(ignorecase ? folded : chars)], ignorecase, asciiOnly };
}

function readSequence({ items }: SequenceNode): Reading {
  const found: Strings[] = [];
  let isExact = true;
  let current = EMPTY;
  for (const item of items) {
    const { exact, required } = readNode(item);
    const joined = exact && join(current, exact);
    if (!joined) {
      isExact = false;
      found.push(current, ...required);
    }
    current = joined ?? exact ?? EMPTY;
  }
  return isExact
    ? { exact: current, required: [] }
    : { exact: undefined, required: bestTwo([...found, current]) };
}

function readBranches(branches: readonly Node[]): Reading {
  const readings = branches.map(readNode);
  const exacts = readings.flatMap(({ exact }) => exact ?? []);
  const exact = exacts.length === readings.length ? unite(exacts) : undefined;
  if (exact) return { exact, required: [] };
  const candidates = readings.map(candidatesOf);
  const ranks = [0, 1].map((rank) => candidates.flatMap((sets) => sets[rank] ?? []));
  return { exact: undefined, required: bestTwo(ranks.flatMap((sets) => whole(sets, branches.length))) };
}

/** The union of one set for each branch; nothing if a branch has none. */
function whole(sets: readonly Strings[], branches: number): Strings[] {
  const united = sets.length === branches ? unite(sets, 4 * MAX_STRINGS) : undefined;
  return united ? [united] : [];
}

function readRepeat(body: Reading, min: number, max: number): Reading {
  if (min === 0) {
    const optional = max === 1 && body.exact ? unite([body.exact, EMPTY]) : undefined;
    return { exact: optional, required: [] };
  }
  if (min === 1 && max === 1) return body;
  return { exact: undefined, required: candidatesOf(body) };
}

/** The sets of strings that must occur where a node matches. */
function candidatesOf({ exact, required }: Reading): readonly Strings[] {
  return exact ? bestTwo([exact]) : required;
}

function bestTwo(sets: readonly Strings[]): readonly Strings[] {
  const useful = sets.filter(({ texts }) => texts.length > 0 && texts.every((text) => text !== ""));
  return useful
    .map(withoutLonger)
    .sort((a, b) => Number(isLong(b)) - Number(isLong(a)) || scoreOf(b) - scoreOf(a))
    .slice(0, 2);
}

/** A set without the texts that hold another of it: where they occur, that one does. */
function withoutLonger(set: Strings): Strings {
  const isNeedless = (text: string) => set.texts.some((other) => other !== text && text.includes(other));
  return { ...set, texts: set.texts.filter((text) => !isNeedless(text)) };
}

/** Whether texts are long enough to be sought. */
function isLong({ texts }: Strings): boolean {
  return texts.every(({ length }) => length >= MIN_LITERAL);
}

function lowestScore(sets: readonly Strings[]): number {
  return Math.min(...sets.map(scoreOf));
}

/** How rare it is that one of some strings occurs: the rarity of the commonest, less something for their number. */
function scoreOf({ texts }: Strings): number {
  return Math.min(...texts.map(rarityOf)) - Math.log2(texts.length) / 2;
}

/** Blanks, digits and common letters tell less than other characters; log lines are full of a few words. */
function rarityOf(text: string): number {
  let rarity = 0;
  for (const char of text.slice(0, MAX_LENGTH))
    rarity += /[ \d]/.test(char) ? 0.4 : /[aeinorst]/i.test(char) ? 0.8 : 1;
  return /^\W*(?:from|user|for|error|failed|authentication|\[error\]|client)?\W*$/i.test(text)
    ? rarity / 2
    : rarity;
}

/** Every string of `a` with every string of `b` behind it; undefined if these are too many or too long. */
function join(a: Strings, b: Strings): Strings | undefined {
  if (a.texts.length * b.texts.length > MAX_STRINGS) return undefined;
  const texts = a.texts.flatMap((head) => b.texts.map((tail) => head + tail));
  if (texts.some((text) => text.length > 4 * MAX_LENGTH)) return undefined;
  return { ...mixed([a, b]), texts };
}

function unite(sets: readonly Strings[], limit = MAX_STRINGS): Strings | undefined {
  const texts = [...new Set(sets.flatMap((set) => set.texts))];
  return texts.length > limit ? undefined : { ...mixed(sets), texts };
}

function mixed(sets: readonly Strings[]): Pick<Strings, "ignorecase" | "asciiOnly"> {
  return {
    ignorecase: sets.some(({ ignorecase }) => ignorecase),
    asciiOnly: sets.some(({ asciiOnly }) => asciiOnly),
  };
}

/** Two sets of halves, which don't overlap; strings of one character can't be halved. */
function halves(set: Strings): Strings[] {
  if (set.texts.some((text) => text.length < 2)) return [];
  const half = (text: string) => Math.ceil(text.length / 2);
  return [
    { ...set, texts: set.texts.map((text) => text.slice(0, half(text))) },
    { ...set, texts: set.texts.map((text) => text.slice(half(text))) },
  ];
}

function toLiterals(sets: readonly Strings[]): Literals | undefined {
  const united = unite(sets, Number.POSITIVE_INFINITY);
  if (!united || sets.length === 0) return undefined;
  const { texts, ignorecase, asciiOnly } = united;
  const cased = new Set(ignorecase ? texts.map((text) => text.toLowerCase()) : texts);
  return { texts: [...withoutLonger({ ...united, texts: [...cased] }).texts].sort(), ignorecase, asciiOnly };
}
