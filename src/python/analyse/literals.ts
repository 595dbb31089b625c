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

/** Literals without which a pattern cannot match, for the prefilter: a line that has none of them needs no search. */
export interface PatternLiterals {
  /** The longest and rarest set; undefined if there is none. */
  readonly literals?: Literals | undefined;
  /**
   * A few more sets, best first: one literal of each occurs in every match. Where `literals` are short, a set follows that has each
   * digit written out for `\d`.
   */
  readonly further: readonly Literals[];
  /**
   * The same for lines from which one piece (the date) is cut before they are matched. The date may stand inside a literal: so each set
   * holds two literals that never overlap, or two halves of one.
   */
  readonly halves: readonly Literals[];
}

/** The literals of a pattern. */
export function literalsOf({ root }: Tree): PatternLiterals {
  const [best, ...others] = candidatesOf(readNode(root));
  const isShort = best === undefined || lengthOf(best) < SHORT_LITERAL;
  const digits = isShort ? [...candidatesOf(readNode(root, { digits: true }))].sort(byLength) : [];
  return {
    literals: best && toLiterals([best]),
    further: [...others, ...digits.slice(0, 1)].flatMap((each) => toLiterals([each]) ?? []),
    halves: best ? untearable(best, others[0]) : [],
  };
}

/** Only the `literals` of `literalsOf`, which takes less time. */
export function requiredLiterals({ root }: Tree): Literals | undefined {
  const [best] = candidatesOf(readNode(root));
  return best && toLiterals([best]);
}

/** The union of two sets, and the union of the halves of one. */
function untearable(best: TextSet, second: TextSet | undefined): readonly Literals[] {
  return [second ? [best, second] : [], halves(best)].flatMap((pair) => toLiterals(pair) ?? []);
}

/** The union of sets of literals. */
export function uniteLiterals(sets: readonly Literals[]): Literals {
  const ignorecase = sets.some((each) => each.ignorecase);
  const texts = new Set(
    sets.flatMap((each) => each.texts).map((text) => (ignorecase ? text.toLowerCase() : text)),
  );
  return { texts: [...texts].sort(), ignorecase, asciiOnly: sets.some(({ asciiOnly }) => asciiOnly) };
}

/** A set of more strings is not used. */
const MAX_STRINGS = 1024;

/** A class of more characters is not expanded. */
const MAX_CLASS = 256;

/** A repeat with a higher count is not expanded. */
const MAX_UNROLLED = 8;

/** Most sets of strings held for a pattern. */
const MAX_SETS = 4;

/** Shorter texts occur in too many lines. */
export const MIN_LITERAL = 3;

/** Shorter literals are sought at every byte of a line, longer ones at every second, third and so on. */
export const SHORT_LITERAL = 5;

/** Characters of a string that count for its rarity. */
const MAX_LENGTH = 24;

/** Strings, and whether case matters in them. */
interface TextSet {
  readonly texts: readonly string[];
  readonly ignorecase: boolean;
  readonly asciiOnly: boolean;
}

/** The strings of a node. */
interface NodeLiterals {
  /** All strings that it can match, if they are few. */
  readonly exact: TextSet | undefined;
  /** A few sets of strings, best first: one string of each must occur in a match, and they never overlap there. */
  readonly required: readonly TextSet[];
}

const EMPTY: TextSet = { texts: [""], ignorecase: false, asciiOnly: false };

const UNKNOWN: NodeLiterals = { exact: undefined, required: [] };

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
      // What a lookahead matches must be there, but may overlap with the text after it.
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

/** The longest ends of the heads with each of the tails after them that are still few enough. */
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

/** The set without texts that contain another text of it: where they occur, that one does. */
function withoutLonger(set: TextSet): TextSet {
  if (new Set(set.texts.map(({ length }) => length)).size === 1) return set;
  const isNeedless = (text: string) => set.texts.some((other) => other !== text && text.includes(other));
  return { ...set, texts: set.texts.filter((text) => !isNeedless(text)) };
}

/** Whether all texts are long enough to be sought. */
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

/** How rare it is that one of some strings occurs: the rarity of the commonest, and less the more there are. */
export function scoreOf({ texts }: Pick<TextSet, "texts">): number {
  return Math.min(...texts.map(rarityOf)) - Math.log2(texts.length) / 6;
}

/** Words of most log lines, and of many. */
const FILLERS = /\b(?:at|by|for|from|in|of|on|port|to|user|with)\b/gi;
const COMMON_WORDS =
  /\b(?:accepted|auth|authentication|client|closed|commands?|compatible|connect(?:ed|ion)?|denied|disconnect(?:ed)?|error|fail(?:ed|ure)?|get|host|https?|invalid|login|mozilla|not|pam_unix|password|post|received|request|root|server|session|ssh2|warning)\b/gi;

/** Common words count little more than one character; blanks, digits and common letters count less than others. */
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

/** Each string of `a` with each string of `b` after it; undefined if those are too many or too long. */
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

/** The first and second halves of the strings; none if one has a single character. */
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
