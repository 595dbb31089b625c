import type { CharNode, Node, SequenceNode, Tree } from "../tree.ts";

/** Literals of which one occurs in every text that a pattern matches. */
export interface Literals {
  /** Printable ASCII. Never empty. */
  readonly texts: readonly string[];
  /** ASCII letters count alike; `texts` are in lower case. */
  readonly ignorecase: boolean;
  /**
   * The claim holds for ASCII texts alone: under `(?i)` other letters may stand for `i`, `k` and `s` (`ſ`), and for `\d` the digits
   * of all scripts.
   */
  readonly asciiOnly: boolean;
}

/** What a pattern cannot match without. For a filter over raw lines: what has none of it needs no search. */
export interface PatternLiterals {
  /** The longest and rarest that were found; undefined if there are none. */
  readonly literals?: Literals | undefined;
  /**
   * More sets of which one each occurs in every match: a few, best first. Behind them, where these are short, longer ones with
   * every digit written out for `\d`.
   */
  readonly further: readonly Literals[];
  /**
   * Sets of which one literal each occurs in lines out of which one piece (the date) is cut before they are matched. A literal may be
   * torn there: so each set is of two that never overlap, or of two halves.
   */
  readonly halves: readonly Literals[];
}

/** The literals of a pattern. */
export function literalsOf({ root }: Tree): PatternLiterals {
  const [best, ...others] = candidatesOf(readNode(root));
  const isShort = best === undefined || lengthOf(best) < SHORT_LITERAL;
  const spelt = isShort ? [...candidatesOf(readNode(root, { digits: true }))].sort(byLength) : [];
  return {
    literals: best && toLiterals([best]),
    further: [...others, ...spelt.slice(0, 1)].flatMap((each) => toLiterals([each]) ?? []),
    halves: best ? untearable(best, others[0]) : [],
  };
}

/** Of a pattern's literals those of `literals` alone, which takes less time. */
export function requiredLiterals({ root }: Tree): Literals | undefined {
  const [best] = candidatesOf(readNode(root));
  return best && toLiterals([best]);
}

/** Of two sets the union, and that of the halves of one. */
function untearable(best: TextSet, second: TextSet | undefined): readonly Literals[] {
  return [second ? [best, second] : [], halves(best)].flatMap((pair) => toLiterals(pair) ?? []);
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
const MAX_STRINGS = 1024;

/** A class of more characters is not written out. */
const MAX_CLASS = 256;

/** Nor is what is repeated so many times. */
const MAX_UNROLLED = 8;

/** So many sets of strings are kept of a pattern. */
const MAX_SETS = 4;

/** Shorter texts stand in too many lines. */
export const MIN_LITERAL = 3;

/** Shorter ones are looked for at every place of a line, longer ones at each second, third and so on. */
export const SHORT_LITERAL = 5;

/** Longer strings tell no more. */
const MAX_LENGTH = 24;

/** Some strings, and how letters in them count. */
interface TextSet {
  readonly texts: readonly string[];
  readonly ignorecase: boolean;
  readonly asciiOnly: boolean;
}

/** What is known of a node. */
interface NodeLiterals {
  /** All that it can match, if that is a handful of strings. */
  readonly exact: TextSet | undefined;
  /** Sets of strings of which one each must occur, best first, a few; they never overlap in a match. */
  readonly required: readonly TextSet[];
}

const EMPTY: TextSet = { texts: [""], ignorecase: false, asciiOnly: false };

const UNKNOWN: NodeLiterals = { exact: undefined, required: [] };

/** How a pattern is read. */
interface ReadOptions {
  /** Whether `\d` is written out as the ten digits of ASCII. */
  readonly digits?: boolean;
}

function readNode(node: Node, options: ReadOptions = {}): NodeLiterals {
  switch (node.type) {
    case "char":
      return { exact: readChar(node, options), required: [] };
    case "place":
      return { exact: EMPTY, required: [] };
    case "look":
      // What it asks for must be there, but may overlap with the text behind it.
      return { exact: EMPTY, required: [] };
    case "group":
    case "atomic":
      return readNode(node.body, options);
    case "reference":
      return UNKNOWN;
    case "conditional":
      return readBranches([node.yes, node.no], options);
    case "alternation":
      return readBranches(node.branches, options);
    case "sequence":
      return readSequence(node, options);
    case "repeat":
      return readRepeat(readNode(node.body, options), node.min, node.max);
  }
}

const DIGITS: TextSet = { texts: [..."0123456789"], ignorecase: false, asciiOnly: true };

/** The strings that a character node matches: one for `x` and for `[Xx]`, a few for a small class. */
function readChar(
  { items, negated, case: kind }: CharNode,
  { digits = false }: ReadOptions,
): TextSet | undefined {
  if (negated) return undefined;
  const [first] = items;
  if (digits && items.length === 1 && first && "kind" in first && first.kind === "d" && !first.negated)
    return DIGITS;
  const chars = new Set<string>();
  for (const item of items) {
    if ("kind" in item || item.high - item.low >= MAX_CLASS) return undefined;
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

function readSequence({ items }: SequenceNode, options: ReadOptions): NodeLiterals {
  const found: TextSet[] = [];
  let isExact = true;
  let current = EMPTY;
  for (const item of options.digits ? items.flatMap(unrolled) : items) {
    const { exact, required } = readNode(item, options);
    const joined = exact && join(current, exact);
    if (!joined) {
      isExact = false;
      found.push(current, ...required);
    }
    current = joined ?? (exact && options.digits ? joinedToEnd(current, exact) : exact) ?? EMPTY;
  }
  return isExact
    ? { exact: current, required: [] }
    : { exact: undefined, required: bestOf([...found, current]) };
}

/** `\d{3}` as `\d\d\d`. */
function unrolled(node: Node): readonly Node[] {
  if (node.type !== "repeat" || node.min !== node.max || node.min > MAX_UNROLLED) return [node];
  return Array<Node>(node.min).fill(node.body);
}

/** The ends of some strings, as long as may be, with every string of another set behind them. */
function joinedToEnd(heads: TextSet, tails: TextSet): TextSet {
  const longest = Math.max(...heads.texts.map(({ length }) => length));
  for (let from = 1; from < longest; from++) {
    const ends = new Set(heads.texts.map((text) => text.slice(from)));
    const joined = join({ ...heads, texts: [...ends] }, tails);
    if (joined) return joined;
  }
  return tails;
}

function readBranches(branches: readonly Node[], options: ReadOptions): NodeLiterals {
  const readings = branches.map((branch) => readNode(branch, options));
  const exacts = readings.flatMap(({ exact }) => exact ?? []);
  const exact = exacts.length === readings.length ? unite(exacts) : undefined;
  if (exact) return { exact, required: [] };
  const candidates = readings.map(candidatesOf);
  const ranks = Array.from({ length: MAX_SETS }, (_, rank) => candidates.flatMap((sets) => sets[rank] ?? []));
  return { exact: undefined, required: bestOf(ranks.flatMap((sets) => whole(sets, branches.length))) };
}

/** The union of one set for each branch; nothing if a branch has none. */
function whole(sets: readonly TextSet[], branches: number): TextSet[] {
  const united = sets.length === branches ? unite(sets) : undefined;
  return united ? [united] : [];
}

function readRepeat(body: NodeLiterals, min: number, max: number): NodeLiterals {
  if (min === 0) {
    const optional = max === 1 && body.exact ? unite([body.exact, EMPTY]) : undefined;
    return { exact: optional, required: [] };
  }
  if (min === 1 && max === 1) return body;
  return { exact: undefined, required: candidatesOf(body) };
}

/** The sets of strings that must occur where a node matches. */
function candidatesOf({ exact, required }: NodeLiterals): readonly TextSet[] {
  return exact ? bestOf([exact]) : required;
}

function bestOf(sets: readonly TextSet[]): readonly TextSet[] {
  const useful = sets.filter(({ texts }) => texts.length > 0 && texts.every((text) => text !== ""));
  return useful
    .map(withoutLonger)
    .sort((a, b) => Number(isLong(b)) - Number(isLong(a)) || scoreOf(b) - scoreOf(a))
    .slice(0, MAX_SETS);
}

/** A set without the texts that hold another of it: where they occur, that one does. */
function withoutLonger(set: TextSet): TextSet {
  if (new Set(set.texts.map(({ length }) => length)).size === 1) return set;
  const isNeedless = (text: string) => set.texts.some((other) => other !== text && text.includes(other));
  return { ...set, texts: set.texts.filter((text) => !isNeedless(text)) };
}

/** Whether texts are long enough to be sought. */
function isLong(set: TextSet): boolean {
  return lengthOf(set) >= MIN_LITERAL;
}

/** The length of the shortest text. */
export function lengthOf({ texts }: Pick<TextSet, "texts">): number {
  return Math.min(...texts.map(({ length }) => length));
}

/** Sets of longer texts first. */
function byLength(a: TextSet, b: TextSet): number {
  return lengthOf(b) - lengthOf(a);
}

/** How rare it is that one of some strings occurs: the rarity of the commonest, less something for their number. */
export function scoreOf({ texts }: Pick<TextSet, "texts">): number {
  return Math.min(...texts.map(rarityOf)) - Math.log2(texts.length) / 6;
}

/** What stands in most log lines, and what many are full of. */
const FILLERS = /\b(?:at|by|for|from|in|of|on|port|to|user|with)\b/gi;
const COMMON_WORDS =
  /\b(?:accepted|auth|authentication|client|closed|commands?|compatible|connect(?:ed|ion)?|denied|disconnect(?:ed)?|error|fail(?:ed|ure)?|get|host|https?|invalid|login|mozilla|not|pam_unix|password|post|received|request|root|server|session|ssh2|warning)\b/gi;

/** Common words tell little more than one character; blanks, digits and common letters less than others. */
function rarityOf(text: string): number {
  let rarity = 0;
  const count = (least: number) => (word: string) => {
    rarity += least + word.length / 10;
    return "";
  };
  const rest = text.slice(0, MAX_LENGTH).replace(FILLERS, count(0)).replace(COMMON_WORDS, count(1)).trim();
  for (const char of rest)
    rarity += char === " " ? 0.4 : /\d/.test(char) ? 0.6 : /[aeinorst]/i.test(char) ? 0.8 : 1;
  return rarity;
}

/** Every string of `a` with every string of `b` behind it; undefined if these are too many or too long. */
function join(a: TextSet, b: TextSet): TextSet | undefined {
  if (a.texts.length * b.texts.length > MAX_STRINGS) return undefined;
  const texts = a.texts.flatMap((head) => b.texts.map((tail) => head + tail));
  if (texts.some((text) => text.length > 4 * MAX_LENGTH)) return undefined;
  return { ...mixed([a, b]), texts };
}

function unite(sets: readonly TextSet[], limit = MAX_STRINGS): TextSet | undefined {
  const texts = [...new Set(sets.flatMap((set) => set.texts))];
  return texts.length > limit ? undefined : { ...mixed(sets), texts };
}

function mixed(sets: readonly TextSet[]): Pick<TextSet, "ignorecase" | "asciiOnly"> {
  return {
    ignorecase: sets.some(({ ignorecase }) => ignorecase),
    asciiOnly: sets.some(({ asciiOnly }) => asciiOnly),
  };
}

/** Two sets of halves, which don't overlap; strings of one character can't be halved. */
function halves(set: TextSet): TextSet[] {
  if (set.texts.some((text) => text.length < 2)) return [];
  const half = (text: string) => Math.ceil(text.length / 2);
  return [
    { ...set, texts: set.texts.map((text) => text.slice(0, half(text))) },
    { ...set, texts: set.texts.map((text) => text.slice(half(text))) },
  ];
}

function toLiterals(sets: readonly TextSet[]): Literals | undefined {
  const united = unite(sets, Number.POSITIVE_INFINITY);
  if (!united || sets.length === 0) return undefined;
  const { texts, ignorecase, asciiOnly } = united;
  const cased = new Set(ignorecase ? texts.map((text) => text.toLowerCase()) : texts);
  return { texts: [...withoutLonger({ ...united, texts: [...cased] }).texts].sort(), ignorecase, asciiOnly };
}
