import type { CompiledFilter } from "../filter/compile-filter.ts";
import { Matcher } from "../filter/matcher.ts";
import type { Verdict } from "../filter/verdict.ts";
import type { PythonPattern } from "../python/pattern.ts";
import { ContainerLines } from "../stream/input/containers.ts";
import { type Format, FormatDetector } from "../stream/input/format.ts";
import { readEntry } from "../stream/input/read-entry.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import { judge } from "../stream/jail/jail-view.ts";

/** The result for one line of a log. */
export interface LineResult {
  /** The line as it was written; of a journal entry `host ident[pid]: message`. */
  readonly line: string;
  /** The lines before it, as they were written, that its match spans. */
  readonly joined: readonly string[];
  readonly verdict: Verdict;
  /** Index of the date template that found a date; undefined: there is no date, or none was sought. */
  readonly template: number | undefined;
}

/** The longest line of a container whose pieces are joined, in UTF-16 units. */
const LONGEST = 1_048_576;

/** Runs lines through the filter of one jail, in order. */
export class LineMatcher {
  readonly #compiled: CompiledJail;
  readonly #matcher: Matcher;
  readonly #detector: FormatDetector;
  readonly #joiner = new ContainerLines(LONGEST, () => {});
  readonly #now: number;

  /**
   * @param now epoch milliseconds: the moment of reading, for dates without a year and lines without a date
   * @param onGiveUp called for each search that took too long and was given up
   */
  constructor(
    compiled: CompiledJail,
    format: Format | undefined,
    now: number,
    onGiveUp: (pattern: PythonPattern) => void = () => {},
  ) {
    this.#compiled = compiled;
    this.#matcher = new Matcher(compiled.filter, { onGiveUp });
    this.#detector = new FormatDetector(format);
    this.#now = now;
  }

  push(line: string): LineResult {
    const { jail, filter } = this.#compiled;
    const now = this.#now;
    const text = `${line}\n`;
    const entry = readEntry(
      text,
      this.#detector.formatOf(text, now),
      now,
      undefined,
      undefined,
      this.#joiner,
    );
    const verdict = entry && judge(jail, this.#matcher, entry, { now, clock: now });
    const hasDate =
      verdict !== undefined && !entry.isDateless && !entry.contained && jail.identifier === undefined;
    return {
      line: entry?.line ?? line,
      joined: verdict === undefined ? [] : this.#matcher.joined,
      verdict: verdict ?? { match: false, why: "no-failregex", time: entry?.time },
      template: hasDate ? templateOf(filter, line, now) : undefined,
    };
  }
}

/** The detector remembers its last line, so it does not search again. */
function templateOf({ dates }: CompiledFilter, line: string, now: number): number | undefined {
  const found = dates.find(line, now);
  return found === undefined || found.inherits ? undefined : found.template;
}
