import { setFlagsFromString } from "node:v8";
import { literalsOf } from "../analyse/literals.ts";
import type { Alphabet } from "../classes.ts";
import { type Emitted, emitPattern, type Reported } from "../emit/emit.ts";
import { loopCaptures } from "../loops.ts";
import { parsePattern } from "../parse/parse.ts";
import {
  PatternError,
  type PatternFlags,
  type PatternMatch,
  type PatternSpans,
  type PythonPattern,
} from "../pattern.ts";
import { type PrecompiledPattern, precompiledPattern } from "../precompiled.ts";
import type { Tree } from "../tree.ts";
import { LoopCaptureReader } from "./loop-captures.ts";

// V8's linear engine takes over where a RegExp made after this backtracks too much. It is up to 300 times slower for each character, so
// V8's own limit of 50,000 backtracks is too low: a harmless long line takes some hundred thousand; two million take 10 ms at most.
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
setFlagsFromString("--regexp-backtracks-before-fallback=2000000");

/**
 * Compiles a pattern of Python 3.11's `re` into one that finds the same.
 *
 * @throws PatternError with the offset of what Python refuses or JavaScript cannot express
 */
export function compilePattern(source: string, flags: PatternFlags = {}): PythonPattern {
  const known = Object.values(flags).includes(true) ? undefined : precompiledPattern(source);
  return known ? new LazyPattern(source, known) : new CompiledPattern(source, parsePattern(source, flags));
}

/**
 * Compiles a tree that was made from another one.
 *
 * @param source its name in messages
 * @throws PatternError ERR_PATTERN_UNSUPPORTED
 */
export function compileTree(source: string, tree: Tree): PythonPattern {
  return new CompiledPattern(source, tree);
}

/** What `precompiledPattern` gives later for a pattern without flags; undefined for one with loop captures. */
export function precompile(source: string): PrecompiledPattern | undefined {
  const { tree, groupNames, groupCount } = new CompiledPattern(source, parsePattern(source, {}));
  if (loopCaptures(tree).length > 0) return undefined;
  const { numbers, ...rest } = emitPattern(tree, "ascii", "names");
  const program = { ...rest, named: namedOf(tree, numbers) };
  return { groupNames, groupCount, program, ...literalsOf(tree) };
}

/** True when all of a text is ASCII. */
export function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the controls are ASCII too
const NOT_ASCII = /[^\x00-\x7f]/;

/** A RegExp, and where its match has the groups. */
interface Program extends Pick<Emitted, "newlines" | "lead"> {
  readonly regexp: RegExp;
  /** The RegExp's group for each of the named groups; -1: it is a loop capture. */
  readonly named: readonly number[];
}

interface WholeProgram extends Program, Emitted {}

type NamedTexts = Readonly<Record<string, string | undefined>>;

/** A match that reads its named groups from the RegExp's. */
class RegExpMatch implements PatternMatch {
  readonly start: number;
  readonly end: number;
  readonly #found: RegExpExecArray;
  readonly #named: readonly number[];
  readonly #names: readonly string[];
  /** The loop captures. */
  readonly #kept: NamedTexts | undefined;
  #groups: NamedTexts | undefined;

  constructor(program: Program, found: RegExpExecArray, names: readonly string[], kept?: NamedTexts) {
    this.start = startOf(program, found);
    this.end = endOf(program, found);
    this.#found = found;
    this.#named = program.named;
    this.#names = names;
    this.#kept = kept;
  }

  group(index: number): string | undefined {
    const number = this.#named[index] as number;
    return number >= 0 ? this.#found[number] : this.#kept?.[this.#names[index] as string];
  }

  get groups(): NamedTexts {
    this.#groups ??= textsOf(this.#names, this);
    return this.#groups;
  }
}

function textsOf(names: readonly string[], match: Pick<PatternMatch, "group">): NamedTexts {
  const groups: Record<string, string | undefined> = Object.create(null);
  names.forEach((name, index) => {
    groups[name] = match.group(index);
  });
  return groups;
}

class CompiledPattern implements PythonPattern {
  readonly source: string;
  readonly groupNames: readonly string[];
  readonly groupCount: number;
  readonly isLinear: boolean;
  readonly tree: Tree;
  /** For ASCII: made at once, so that an unsupported pattern is refused. */
  readonly #ascii: WholeProgram;
  /** For other texts, without characters of two units, and with them. */
  readonly #others: Partial<Record<Alphabet, WholeProgram>> = {};
  /** With the spans of all groups, by alphabet. */
  readonly #spans: Partial<Record<Alphabet, WholeProgram>> = {};
  /** Loops with groups that one search does not give. */
  readonly #loops: readonly LoopCaptureReader[];

  constructor(source: string, tree: Tree) {
    this.source = source;
    this.tree = tree;
    this.groupNames = [...tree.names].sort(([a], [b]) => a - b).map(([, name]) => name);
    this.groupCount = tree.groupCount;
    this.#ascii = program(tree, "ascii", "names");
    this.#loops = loopCaptures(tree).map((loop) => new LoopCaptureReader(loop));
    this.isLinear = this.#ascii.linear && this.#loops.length === 0;
  }

  search(text: string, from = 0, ascii = isAscii(text)): PatternMatch | undefined {
    // `searchSpans` does not consume the newline before `from`.
    if (from > 0 && this.#ascii.lead !== undefined) return this.searchSpans(text, from, ascii);
    if (!ascii) return this.#searchOther(text, from);
    const found = exec(this.#ascii, text, from);
    return found === null ? undefined : this.#match(this.#ascii, found, text, "ascii");
  }

  searchSpans(text: string, from = 0, ascii = isAscii(text)): PatternSpans | undefined {
    const { alphabet, sound } = ascii ? { alphabet: "ascii" as const, sound: text } : beyondAscii(text);
    const compiled = this.#spans[alphabet] ?? program(this.tree, alphabet, "numbers");
    this.#spans[alphabet] = compiled;
    const found = ascii ? exec(compiled, sound, from) : execUnicode(compiled, sound, from);
    if (!found) return undefined;
    const { start, end, groups } = this.#match(compiled, found, sound, alphabet);
    const group = (index: number) => groups[this.groupNames[index] as string];
    return { start, end, groups, group, spans: spansOf(compiled, found) };
  }

  #searchOther(text: string, from: number): PatternMatch | undefined {
    const { alphabet, sound } = beyondAscii(text);
    const compiled = this.#others[alphabet] ?? program(this.tree, alphabet, "names");
    this.#others[alphabet] = compiled;
    const found = execUnicode(compiled, sound, from);
    return found === null ? undefined : this.#match(compiled, found, sound, alphabet);
  }

  #match(compiled: Program, found: RegExpExecArray, text: string, alphabet: Alphabet): PatternMatch {
    const start = startOf(compiled, found);
    const kept =
      this.#loops.length > 0
        ? Object.assign({}, ...this.#loops.map((loop) => loop.read(text, start, alphabet)))
        : undefined;
    return new RegExpMatch(compiled, found, this.groupNames, kept);
  }
}

/** A pattern whose RegExp for ASCII the build has made. All else is made when it is needed. */
class LazyPattern implements PythonPattern {
  readonly source: string;
  readonly precompiled: PrecompiledPattern;
  #ascii: Program | undefined;
  #whole: PythonPattern | undefined;

  constructor(source: string, known: PrecompiledPattern) {
    this.source = source;
    this.precompiled = known;
  }

  get groupNames(): readonly string[] {
    return this.precompiled.groupNames;
  }

  get groupCount(): number {
    return this.precompiled.groupCount;
  }

  get isLinear(): boolean {
    return this.precompiled.program.linear;
  }

  get tree(): Tree {
    return this.#compiled().tree;
  }

  search(text: string, from = 0, ascii = isAscii(text)): PatternMatch | undefined {
    const { source, newlines, lead, named } = this.precompiled.program;
    if (!ascii || (from > 0 && lead !== undefined)) return this.#compiled().search(text, from, ascii);
    this.#ascii ??= { regexp: new RegExp(source, "g"), newlines, lead, named };
    const found = exec(this.#ascii, text, from);
    return found === null ? undefined : new RegExpMatch(this.#ascii, found, this.precompiled.groupNames);
  }

  searchSpans(text: string, from?: number, ascii?: boolean): PatternSpans | undefined {
    return this.#compiled().searchSpans(text, from, ascii);
  }

  #compiled(): PythonPattern {
    this.#whole ??= new CompiledPattern(this.source, parsePattern(this.source, {}));
    return this.#whole;
  }
}

function program(tree: Tree, alphabet: Alphabet, reported: Reported): WholeProgram {
  const emitted = emitPattern(tree, alphabet, reported);
  try {
    // The flag d costs more than the search.
    const regexp = new RegExp(emitted.source, reported === "names" ? "g" : "dg");
    return { ...emitted, regexp, named: namedOf(tree, emitted.numbers) };
  } catch (error) {
    throw new PatternError("ERR_PATTERN_UNSUPPORTED", 0, `not supported: ${(error as Error).message}`);
  }
}

function exec({ regexp }: Program, text: string, from: number): RegExpExecArray | null {
  regexp.lastIndex = Math.min(from, text.length);
  return regexp.exec(text);
}

/** The same in text with characters of two units, between whose halves there is no empty match in Python. */
function execUnicode(program: Program, text: string, from: number): RegExpExecArray | null {
  let found = exec(program, text, from);
  while (found && isInsidePair(text, found.index)) found = exec(program, text, found.index + 1);
  return found;
}

function isInsidePair(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff;
}

/** A text beyond ASCII, made well-formed, and its smallest alphabet: without pairs of surrogates a search takes a third of the time. */
interface BeyondAscii {
  readonly alphabet: Alphabet;
  readonly sound: string;
}

interface KnownText extends BeyondAscii {
  readonly text: string;
}

const NO_TEXT: KnownText = { text: "", alphabet: "basic", sound: "" };

/**
 * The last two texts: many patterns are tried on one, and scanning it takes as long as a search. Two, since each jail looks for its date in
 * the line, and for its failures in the line without the date.
 */
let last = NO_TEXT;
let lastButOne = NO_TEXT;

/** Which RegExp of a pattern searches a text that is not ASCII alone. */
export function alphabetOf(text: string): Alphabet {
  return beyondAscii(text).alphabet;
}

function beyondAscii(text: string): BeyondAscii {
  if (text === last.text) return last;
  const earlier = lastButOne;
  lastButOne = last;
  if (text === earlier.text) {
    last = earlier;
    return last;
  }
  // Half a pair becomes U+FFFD, which is in no category either.
  last = SURROGATE.test(text)
    ? { text, alphabet: "unicode", sound: text.toWellFormed() }
    : { text, alphabet: "basic", sound: text };
  return last;
}

const SURROGATE = /[\ud800-\udfff]/;

/** The RegExp's groups of the named groups, in the order of `groupNames`. */
function namedOf({ names }: Tree, numbers: Emitted["numbers"]): readonly number[] {
  return [...names.keys()].sort((a, b) => a - b).map((index) => numbers[index] ?? -1);
}

function startOf({ lead }: Program, found: RegExpExecArray): number {
  return lead !== undefined && found[lead] !== undefined ? found.index + 1 : found.index;
}

function endOf({ newlines }: Program, found: RegExpExecArray): number {
  let end = found.index + found[0].length;
  for (const number of newlines) if (found[number] !== undefined) end--;
  return end;
}

function spansOf(program: WholeProgram, found: RegExpExecArray): PatternSpans["spans"] {
  const numbers = program.numbers.slice(1);
  return [
    [found.index, endOf(program, found)],
    ...numbers.map((number) => (number === undefined ? undefined : found.indices?.[number])),
  ];
}

/**
 * True when V8's linear engine takes over from a search of this pattern that backtracks too much: no text can make it slow.
 * Not for `searchSpans`, whose flag `d` that engine does not know.
 */
export function isLinear(pattern: PythonPattern, ascii = true): boolean {
  if (ascii) return pattern.isLinear;
  if (loopCaptures(pattern.tree).length > 0) return false;
  return emitPattern(pattern.tree, "unicode", "names").linear;
}
