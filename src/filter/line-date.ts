import type { SearchBudget } from "../python/search/budget.ts";
import { DATE_CARRYOVER } from "../shared/limits.ts";
import type { Settle } from "../shared/time.ts";
import type { DateDetector, FoundDate } from "./date/date.ts";

/** A line as a jail sees it. */
export interface MatcherLine {
  /** What patterns see, with its newline. */
  readonly text: string;
  /** The line as it was written, without its newline: evidence. */
  readonly whole: string;
  /** True: `text` is all of `whole`, and the date in it is cut out. */
  readonly hasDate: boolean;
  /** Epoch milliseconds, when the input's format gives the time: it goes before a date in the line. */
  readonly time: number | undefined;
  /** The process whose lines are one session, as `host pid`; undefined: only `<F-MLFID>` makes sessions. */
  readonly process?: string | undefined;
  /** Where the line begins, in bytes from the beginning of the input. */
  readonly offset?: number;
  /** Whether `text` is ASCII; undefined: not checked yet. */
  readonly ascii?: boolean | undefined;
}

/** The times that a matcher needs, in epoch milliseconds. */
export interface MatcherClock {
  /** Decides the year of a date that has none. */
  readonly now: number;
  /** Decides ambiguous dates; undefined: as fail2ban does. */
  readonly settle?: Settle | undefined;
  /** What "recent" is measured against: `now` when live, the log's own clock in a replay. */
  readonly clock: number;
}

/** A line without its date. */
interface DatedText {
  /** With its newline. */
  readonly text: string;
  readonly time: number | undefined;
  /** Where the text begins in the line; -1: it is not the end of the line. */
  readonly start: number;
}

/** Cuts the dates out of lines. Remembers the time of the last line that had one. */
export class LineDates {
  readonly #dates: DateDetector;
  readonly #budget: SearchBudget;
  readonly #carriesOver: boolean;
  #last: number | undefined;

  /** @param carriesOver whether a line without a date takes the time of the last line that had one, as in fail2ban */
  constructor(dates: DateDetector, budget: SearchBudget, carriesOver: boolean) {
    this.#dates = dates;
    this.#budget = budget;
    this.#carriesOver = carriesOver;
  }

  /** The time of the last line that had one, if lines without a date may take it. */
  get carriedOver(): number | undefined {
    return this.#carriesOver ? this.#last : undefined;
  }

  /** The text that patterns see, and the line's time: its own, or the one carried over. */
  cut({ text, whole, hasDate, time, ascii }: MatcherLine, { now, clock, settle }: MatcherClock): DatedText {
    if (!hasDate) {
      this.#last = time ?? this.#last;
      return { text, time, start: whole.length + 1 - text.length };
    }
    const found = this.#dates.find(whole, now, ascii, this.#budget);
    if (time !== undefined) {
      this.#last = time;
      return found ? without(text, found, time) : { text, time, start: 0 };
    }
    if (found?.time !== undefined && !found.inherits) {
      this.#last = settled(found, settle);
      return without(text, found, this.#last);
    }
    const last = this.carriedOver;
    if (last !== undefined && last > clock - DATE_CARRYOVER) return { text, time: last, start: 0 };
    if (found?.inherits) return { text, time: this.#carriesOver ? clock : undefined, start: 0 };
    return found ? without(text, found, undefined) : { text, time: undefined, start: 0 };
  }

  /** The date in a line, in epoch milliseconds. Remembers nothing. */
  dateOf(text: string, now: number, settle?: Settle): number | undefined {
    const found = this.#dates.find(text, now, undefined, this.#budget);
    return found?.inherits ? undefined : found && settled(found, settle);
  }
}

function settled({ time, doubt }: FoundDate, settle: Settle | undefined): number | undefined {
  return time === undefined || doubt === undefined || settle === undefined ? time : settle(time, doubt);
}

/** The text without its date; nothing is trimmed. */
function without(text: string, { start, end }: FoundDate, time: number | undefined): DatedText {
  if (start === 0) return { text: text.slice(end), time, start: end };
  return { text: text.slice(0, start) + text.slice(end), time, start: -1 };
}
