import type { RecentInput } from "./recent-input.ts";

/** The answer for the last line without a date. */
interface LastAnswer {
  /** Where that line begins, in bytes from the beginning of the input. */
  readonly offset: number;
  readonly time: number | undefined;
}

/**
 * The time of a line without a date: that of the last line before it that has one, at most 64 KiB back. It is looked for only
 * when such a line matched; a run of such lines is searched once.
 */
export class DateCarryover {
  #last: LastAnswer | undefined;

  /**
   * @param offset where the line begins, in bytes from the beginning of the input
   * @param dateOf the date in a line, in epoch milliseconds
   */
  timeBefore(
    offset: number,
    recent: RecentInput,
    dateOf: (line: Buffer) => number | undefined,
  ): number | undefined {
    this.#last = { offset, time: this.#search(offset, recent, dateOf) };
    return this.#last.time;
  }

  #search(
    offset: number,
    recent: RecentInput,
    dateOf: (line: Buffer) => number | undefined,
  ): number | undefined {
    const last = this.#last;
    let start = offset;
    for (const line of recent.lines(offset)) {
      start -= line.length + 1;
      if (last && start <= last.offset) return dateOf(line) ?? last.time;
      const time = dateOf(line);
      if (time !== undefined) return time;
    }
    return undefined;
  }
}
