import { createContext, Script } from "node:vm";
import { isAscii, isLinear } from "./compile.ts";
import type { PatternMatch, PatternSpans, PythonPattern } from "./pattern.ts";

export interface BudgetOptions {
  /** Most that one search may take, in milliseconds. */
  readonly milliseconds?: number;
  /** Texts up to this length are searched without a guard, which costs some 100 µs. */
  readonly length?: number;
  /** Told of each search that was given up. The text is a stranger's. */
  readonly onGiveUp?: (pattern: PythonPattern, text: string) => void;
}

/** The least that a pattern is still given after it was given up again and again, in milliseconds. */
const LEAST = 5;

/**
 * Searches with a limit of time: a pattern that backtracks without end on an attacker's line is given up, and the line counts
 * as one that does not match. Only searches that need it are guarded: long texts, and patterns that V8's linear engine
 * does not take.
 *
 * A pattern that was given up gets half the time on the next such text, down to 5 ms, and all of it again after a search
 * that ended in time.
 */
export class SearchBudget {
  readonly #milliseconds: number;
  readonly #length: number;
  readonly #onGiveUp: (pattern: PythonPattern, text: string) => void;
  /** What is left to patterns that were given up, in milliseconds. */
  readonly #left = new WeakMap<PythonPattern, number>();
  /** Whether a pattern is linear, in ASCII and in other texts. */
  readonly #linear = new WeakMap<PythonPattern, readonly [other: boolean, ascii: boolean]>();
  #gaveUp = 0;

  constructor({ milliseconds = 100, length = 512, onGiveUp = () => {} }: BudgetOptions = {}) {
    this.#milliseconds = milliseconds;
    this.#length = length;
    this.#onGiveUp = onGiveUp;
  }

  /** How many searches were given up. */
  get gaveUp(): number {
    return this.#gaveUp;
  }

  /** As the pattern's own `search`; undefined as well when time ran out. */
  search(pattern: PythonPattern, text: string, from = 0, ascii = isAscii(text)): PatternMatch | undefined {
    const search = () => pattern.search(text, from, ascii);
    return text.length <= this.#length || this.#isLinear(pattern, ascii)
      ? search()
      : this.#guard(pattern, text, search);
  }

  /** As the pattern's own `searchSpans`; undefined as well when time ran out. */
  searchSpans(
    pattern: PythonPattern,
    text: string,
    from = 0,
    ascii = isAscii(text),
  ): PatternSpans | undefined {
    const search = () => pattern.searchSpans(text, from, ascii);
    return text.length <= this.#length ? search() : this.#guard(pattern, text, search);
  }

  #isLinear(pattern: PythonPattern, ascii: boolean): boolean {
    const known = this.#linear.get(pattern) ?? [isLinear(pattern, false), isLinear(pattern, true)];
    this.#linear.set(pattern, known);
    return known[ascii ? 1 : 0];
  }

  #guard<Result>(pattern: PythonPattern, text: string, search: () => Result): Result | undefined {
    const limit = this.#left.get(pattern) ?? this.#milliseconds;
    try {
      const result = runWithin(limit, search);
      this.#left.delete(pattern);
      return result;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      this.#left.set(pattern, Math.max(LEAST, Math.floor(limit / 2)));
      this.#gaveUp++;
      this.#onGiveUp(pattern, text);
      return undefined;
    }
  }
}

/** The one thing that stops a running RegExp: `vm` ends the script, and all it called, when its time is over. */
const context = createContext({ task: undefined as unknown });

const script = new Script("task()");

/**
 * Runs a function that must leave nothing half-done if it is stopped.
 *
 * @throws ERR_SCRIPT_EXECUTION_TIMEOUT after so many milliseconds
 */
export function runWithin<Result>(milliseconds: number, task: () => Result): Result {
  context.task = task;
  try {
    return script.runInContext(context, { timeout: milliseconds }) as Result;
  } finally {
    context.task = undefined;
  }
}
