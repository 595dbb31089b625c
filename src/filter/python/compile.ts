import type { Alphabet } from "./classes.ts";
import { type Emitted, emitPattern } from "./emit.ts";
import { exactGroups } from "./groups.ts";
import { parsePattern } from "./parse.ts";
import {
  PatternError,
  type PatternFlags,
  type PatternMatch,
  type PatternSpans,
  type PythonPattern,
} from "./pattern.ts";
import type { Tree } from "./tree.ts";

/**
 * Compiles a pattern of Python 3.11's `re`, so that it finds the same here.
 *
 * @throws PatternError with the offset of what Python refuses or what cannot be expressed
 */
export function compilePattern(source: string, flags: PatternFlags = {}): PythonPattern {
  return new CompiledPattern(source, parsePattern(source, flags));
}

/** True when text holds ASCII alone. */
export function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the controls are ASCII too
const NOT_ASCII = /[^\x00-\x7f]/;

/** A RegExp and how its groups are to be read. */
interface Program extends Emitted {
  readonly regexp: RegExp;
}

const NO_GROUPS: PatternMatch["groups"] = Object.freeze(Object.create(null));

class CompiledPattern implements PythonPattern {
  readonly source: string;
  readonly groupNames: readonly string[];
  readonly groupCount: number;
  readonly tree: Tree;
  /** For texts of ASCII alone: made at once, so that what can't be expressed is told. */
  readonly #ascii: Program;
  #unicode: Program | undefined;
  /** With the spans of all groups, by alphabet. */
  readonly #spans: Partial<Record<Alphabet, Program>> = {};

  constructor(source: string, tree: Tree) {
    this.source = source;
    this.tree = tree;
    this.groupNames = [...tree.names].sort(([a], [b]) => a - b).map(([, name]) => name);
    this.groupCount = tree.groupCount;
    this.#ascii = this.#program("ascii", "g");
  }

  search(text: string, from = 0, ascii = isAscii(text)): PatternMatch | undefined {
    if (!ascii) this.#unicode ??= this.#program("unicode", "g");
    const program = ascii ? this.#ascii : (this.#unicode as Program);
    const found = run(program, text, from, ascii);
    if (!found) return undefined;
    return { start: found.index, end: endOf(program, found), groups: found.groups ?? NO_GROUPS };
  }

  searchSpans(text: string, from = 0, ascii = isAscii(text)): PatternSpans | undefined {
    const alphabet = ascii ? "ascii" : "unicode";
    const program = this.#spans[alphabet] ?? this.#program(alphabet, "dg");
    this.#spans[alphabet] = program;
    const found = run(program, text, from, ascii);
    if (!found) return undefined;
    const start = found.index;
    const end = endOf(program, found);
    const spans = program.numbers.map((number) => (number === undefined ? number : found.indices?.[number]));
    spans[0] = [start, end];
    return { start, end, groups: found.groups ?? NO_GROUPS, spans };
  }

  #program(alphabet: Alphabet, flags: "g" | "dg"): Program {
    const reported = flags === "g" ? this.tree.names.keys() : exactGroups(this.tree);
    const emitted = emitPattern(this.tree, alphabet, reported);
    try {
      return { ...emitted, regexp: new RegExp(emitted.source, flags) };
    } catch (error) {
      throw new PatternError("ERR_PATTERN_UNSUPPORTED", 0, `not expressible: ${(error as Error).message}`);
    }
  }
}

function run({ regexp }: Program, text: string, from: number, ascii: boolean): RegExpExecArray | null {
  regexp.lastIndex = from;
  let found = regexp.exec(text);
  // An empty match inside a pair of surrogates: Python has no such place.
  while (found && !ascii && isInsidePair(text, found.index)) {
    regexp.lastIndex = found.index + 1;
    found = regexp.exec(text);
  }
  return found;
}

function isInsidePair(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff;
}

function endOf({ newlines }: Program, found: RegExpExecArray): number {
  let end = found.index + found[0].length;
  for (const number of newlines) if (found[number] !== undefined) end--;
  return end;
}

/** True when V8's linear engine can take over from a search of this pattern that backtracks too much. */
export function isLinear(pattern: PythonPattern): boolean {
  return (
    pattern instanceof CompiledPattern && emitPattern(pattern.tree, "ascii", pattern.tree.names.keys()).linear
  );
}
