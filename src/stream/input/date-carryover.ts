import type { Tail } from "./recent-input.ts";

/** What was found before the last line that asked. */
interface Known {
  /** Where that line begins, in bytes from the beginning of the input. */
  readonly offset: number;
  readonly time: number | undefined;
}

/**
 * The time of a line without a date: that of the last line before it that has one, at most 64 KiB back. Asked for only when
 * such a line matched, so that nobody need look at all the others; a run of them is looked through once.
 */
export class DateInheritance {
  #known: Known | undefined;

  /**
   * @param offset where the line begins, in bytes from the beginning of the input
   * @param dateOf the date in a line, in epoch milliseconds
   */
  timeBefore(offset: number, tail: Tail, dateOf: (line: Buffer) => number | undefined): number | undefined {
    this.#known = { offset, time: this.#search(offset, tail, dateOf) };
    return this.#known.time;
  }

  #search(offset: number, tail: Tail, dateOf: (line: Buffer) => number | undefined): number | undefined {
    const known = this.#known;
    let start = offset;
    for (const line of tail.lines(offset)) {
      start -= line.length + 1;
      if (known && start <= known.offset) return dateOf(line) ?? known.time;
      const time = dateOf(line);
      if (time !== undefined) return time;
    }
    return undefined;
  }
}
