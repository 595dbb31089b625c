import { isFastOnAttacks } from "../analyse/attack-strings.ts";
import type { PatternMatch, PatternSpans, PythonPattern } from "../pattern.ts";
import { cpuTime, runWithin } from "../time-limit.ts";
import { alphabetOf, isAscii, isLinear } from "./compile-pattern.ts";

export interface BudgetOptions {
  /** Most time for one search, in milliseconds. */
  readonly milliseconds?: number;
  /** Most time for all searches of one line, in milliseconds; but each gets at least `LEAST`. */
  readonly perLine?: number;
  /** True: no limits, for a caller that stops the whole by itself. */
  readonly isUnlimited?: boolean;
  /** Called for each search that was given up. The text comes from the log: the attacker's. */
  readonly onGiveUp?: (pattern: PythonPattern, text: string) => void;
}

/** Least time for one search, in milliseconds: else a line that slows down one pattern would hide from the next. */
const LEAST = 5;

/** Texts up to this length, in UTF-16 units, are fast with any pattern: not even 2^16 steps take long. */
const SHORT = 16;

/**
 * Texts up to this length are searched without a time limit, which costs some 100 µs, unless the pattern is slow on attack strings.
 * Even the linear engine takes up to 35 µs a character where a pattern is long.
 */
export const MEDIUM = 512;

/** One of several patterns, by its index, and its match. */
export interface IndexedMatch {
  readonly index: number;
  readonly match: PatternMatch;
}

/**
 * Searches with a time limit: a search that takes too long is given up, and the text counts as one that does not match. So a line of
 * an attacker costs at most 100 ms, and 5 ms for each pattern that is tried after that.
 *
 * The limit applies only where it is needed: to long texts, and to shorter ones if the pattern is slow on attack strings.
 *
 * A pattern that was given up gets half the time for the next such text, down to 5 ms, and a millisecond more after each search that
 * ended in time: repeated attacks soon cost 5 ms each.
 */
export class SearchBudget {
  readonly #milliseconds: number;
  readonly #perLine: number;
  readonly #onGiveUp: (pattern: PythonPattern, text: string) => void;
  /** Texts up to this length have no limit. */
  readonly #short: number;
  /** The time that patterns get which were given up, in milliseconds. */
  readonly #left = new WeakMap<PythonPattern, number>();
  /** The time that is left for the line, in milliseconds. */
  #ofLine: number;
  #gaveUp = 0;

  constructor({
    milliseconds = 50,
    perLine = 100,
    isUnlimited = false,
    onGiveUp = () => {},
  }: BudgetOptions = {}) {
    this.#short = isUnlimited ? Number.POSITIVE_INFINITY : SHORT;
    this.#milliseconds = milliseconds;
    this.#perLine = perLine;
    this.#ofLine = perLine;
    this.#onGiveUp = onGiveUp;
  }

  /** How many searches were given up. */
  get gaveUp(): number {
    return this.#gaveUp;
  }

  /** Starts the next line. */
  nextLine(): void {
    this.#ofLine = this.#perLine;
  }

  /** As the pattern's own `search`; undefined as well when time ran out. */
  search(pattern: PythonPattern, text: string, from = 0, ascii = isAscii(text)): PatternMatch | undefined {
    if (text.length <= this.#short || text.length <= limitOf(pattern, ascii ? "ascii" : "other")) {
      return pattern.search(text, from, ascii);
    }
    prepare(pattern, text, ascii, "match");
    return this.#guard(pattern, text, () => pattern.search(text, from, ascii));
  }

  /**
   * The matches of several patterns in a text of more than `MEDIUM` characters, in their order. One limit of `LEAST` covers all patterns
   * up to the first match, which is enough for most texts; the pattern at which it ends, and those after it, get limits of their own.
   */
  *matches(patterns: readonly PythonPattern[], text: string, ascii: boolean): Iterable<IndexedMatch> {
    let next = 0;
    // A pattern that was given up before has a limit of its own.
    const isLimited = text.length > this.#short;
    if (isLimited && patterns.length > 1 && !patterns.some((pattern) => this.#left.has(pattern))) {
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
    const isFree = text.length <= this.#short || text.length <= limitOf(pattern, "spans");
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
 * Makes the RegExp that searches such a text, and has V8 compile it. That can take longer than a search may, whatever the text is: under a
 * time limit it would be stopped for each text anew, and none would ever match. V8 compiles a RegExp when it first runs, and once more
 * when it runs again.
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

/** The length up to which texts need no limit: ASCII, other texts, and searches for spans. */
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
