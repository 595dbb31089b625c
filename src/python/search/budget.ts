import { isFastOnAttacks } from "../analyse/attack-strings.ts";
import type { PatternMatch, PatternSpans, PythonPattern } from "../pattern.ts";
import { cpuTime, runWithin } from "../time-limit.ts";
import { alphabetOf, isAscii, isLinear } from "./compile-pattern.ts";

export interface BudgetOptions {
  /** Most that one search may take, in milliseconds. */
  readonly milliseconds?: number;
  /** Most that the searches of one line may take together, in milliseconds, save that each is given `LEAST`. */
  readonly perLine?: number;
  /** Told of each search that was given up. The text is a stranger's. */
  readonly onGiveUp?: (pattern: PythonPattern, text: string) => void;
}

/** The least that a search is given, in milliseconds: else a line that hurts one pattern would be hidden from the next. */
const LEAST = 5;

/** Texts up to this length hurt no pattern: not even 2^16 steps take long. In UTF-16 units, as the others. */
const SHORT = 16;

/**
 * Texts up to this length are searched without a guard, which costs some 100 µs, unless the pattern is found to be wild. Even the
 * linear engine takes up to 35 µs a character where a pattern is long.
 */
export const MEDIUM = 512;

/** One of several patterns, by its index, and its match. */
export interface IndexedMatch {
  readonly index: number;
  readonly match: PatternMatch;
}

/**
 * Searches with a limit of time: a search that takes too long is given up, and the text counts as one that does not match.
 * What an attacker writes costs 100 ms a line, and 5 ms for each pattern that is tried after that.
 *
 * Only searches that need it are guarded: of long texts, and of others if the pattern takes long for texts made to hurt it.
 *
 * A pattern that was given up gets half the time on the next such text, down to 5 ms, and a millisecond more after each
 * search that ended in time: who sends hostile lines again and again soon gets no more than that.
 */
export class SearchBudget {
  readonly #milliseconds: number;
  readonly #perLine: number;
  readonly #onGiveUp: (pattern: PythonPattern, text: string) => void;
  /** What is left to patterns that were given up, in milliseconds. */
  readonly #left = new WeakMap<PythonPattern, number>();
  /** What is left to the line, in milliseconds. */
  #ofLine: number;
  #gaveUp = 0;

  constructor({ milliseconds = 50, perLine = 100, onGiveUp = () => {} }: BudgetOptions = {}) {
    this.#milliseconds = milliseconds;
    this.#perLine = perLine;
    this.#ofLine = perLine;
    this.#onGiveUp = onGiveUp;
  }

  /** How many searches were given up. */
  get gaveUp(): number {
    return this.#gaveUp;
  }

  /** Says that the next searches are another line's. */
  nextLine(): void {
    this.#ofLine = this.#perLine;
  }

  /** As the pattern's own `search`; undefined as well when time ran out. */
  search(pattern: PythonPattern, text: string, from = 0, ascii = isAscii(text)): PatternMatch | undefined {
    if (text.length <= SHORT || text.length <= limitOf(pattern, ascii ? "ascii" : "other")) {
      return pattern.search(text, from, ascii);
    }
    prepare(pattern, text, ascii, "match");
    return this.#guard(pattern, text, () => pattern.search(text, from, ascii));
  }

  /**
   * The matches of several patterns in a text of more than `MEDIUM` characters, in their order. One guard of `LEAST` does for all up to the
   * first match where that is enough, as it is for most texts; those at and after which it ends get guards of their own.
   */
  *matches(patterns: readonly PythonPattern[], text: string, ascii: boolean): Iterable<IndexedMatch> {
    let next = 0;
    // A pattern that was given up before may take what is left to it, and no more.
    if (patterns.length > 1 && !patterns.some((pattern) => this.#left.has(pattern))) {
      for (const pattern of patterns) prepare(pattern, text, ascii, "match");
      const start = cpuTime();
      const ended = runWithin(LEAST, () => {
        for (next = 0; next < patterns.length; next++) {
          const match = patterns[next]?.search(text, 0, ascii);
          if (match) return { index: next, match };
        }
        return undefined;
      });
      this.#ofLine -= cpuTime() - start;
      if (ended?.result) yield ended.result;
      if (ended) next++;
    }
    for (; next < patterns.length; next++) {
      const match = this.search(patterns[next] as PythonPattern, text, 0, ascii);
      if (match) yield { index: next, match };
    }
  }

  /** As the pattern's own `searchSpans`; undefined as well when time ran out. */
  searchSpans(
    pattern: PythonPattern,
    text: string,
    from = 0,
    ascii = isAscii(text),
  ): PatternSpans | undefined {
    const search = () => pattern.searchSpans(text, from, ascii);
    const isFree = text.length <= SHORT || text.length <= limitOf(pattern, "spans");
    if (isFree) return search();
    prepare(pattern, text, ascii, "spans");
    return this.#guard(pattern, text, search);
  }

  #guard<Result>(pattern: PythonPattern, text: string, search: () => Result): Result | undefined {
    const left = this.#left.get(pattern) ?? this.#milliseconds;
    const limit = Math.max(LEAST, Math.floor(Math.min(left, this.#ofLine)));
    const start = cpuTime();
    const ended = runWithin(limit, search);
    this.#ofLine -= cpuTime() - start;
    if (ended) {
      if (left + 1 >= this.#milliseconds) this.#left.delete(pattern);
      else this.#left.set(pattern, left + 1);
      return ended.result;
    }
    this.#left.set(pattern, Math.max(LEAST, left / 2));
    this.#gaveUp++;
    this.#onGiveUp(pattern, text);
    return undefined;
  }
}

/** A text of one character for each of a pattern's RegExps. */
const SAMPLES = { ascii: "a", basic: "\u0101", unicode: "\u{1f600}" } as const;

/** RegExps that have run, by their pattern. */
const prepared = new WeakMap<PythonPattern, Set<string>>();

/**
 * Makes the RegExp that searches such a text, and has V8 compile it: that takes up to 100 ms, which are the pattern's and not the text's.
 * Under the guard they would be cut off each time, and no such text would ever match. V8 compiles a RegExp when it first runs, and
 * once more when it runs again.
 */
function prepare(pattern: PythonPattern, text: string, ascii: boolean, result: "match" | "spans"): void {
  const alphabet = ascii ? "ascii" : alphabetOf(text);
  const name = `${alphabet} ${result}`;
  const names = prepared.get(pattern) ?? new Set();
  if (names.has(name)) return;
  prepared.set(pattern, names.add(name));
  const sample = SAMPLES[alphabet];
  for (let i = 0; i < 2; i++) {
    if (result === "match") pattern.search(sample, 0, ascii);
    else pattern.searchSpans(sample, 0, ascii);
  }
}

/** Up to which length texts need no guard: those of ASCII alone, others, and those whose spans are asked for. */
type Limits = Record<"ascii" | "other" | "spans", number>;

const known = new WeakMap<PythonPattern, Partial<Limits>>();

function limitOf(pattern: PythonPattern, kind: keyof Limits): number {
  const limit = known.get(pattern)?.[kind];
  if (limit !== undefined) return limit;
  const found = newLimit(pattern, kind);
  known.set(pattern, { ...known.get(pattern), [kind]: found });
  return found;
}

function newLimit(pattern: PythonPattern, kind: keyof Limits): number {
  if (kind !== "spans" && isLinear(pattern, kind === "ascii")) return MEDIUM;
  const search = (text: string) =>
    kind === "spans" ? pattern.searchSpans(text) : pattern.search(text, 0, kind === "ascii");
  return isFastOnAttacks(pattern.tree, MEDIUM, search) ? MEDIUM : SHORT;
}
