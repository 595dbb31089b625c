/** Farther ahead than this, in milliseconds, a line needs a second one to be believed. */
const FAR = 86_400_000;

/**
 * The time of a replay: the log is its only clock. It moves with the lines, never goes back, and one line far ahead of the
 * others moves it only when a second confirms.
 */
export class LogClock {
  #now = Number.NEGATIVE_INFINITY;
  /** The time of a line far ahead, not yet confirmed. */
  #ahead: number | undefined;

  /** Epoch milliseconds; -Infinity before two lines agreed. */
  get now(): number {
    return this.#now;
  }

  /** Takes the time of the next line, in epoch milliseconds. */
  advance(time: number): void {
    if (time <= this.#now) return;
    if (time - this.#now <= FAR) {
      this.#now = time;
      return;
    }
    const ahead = this.#ahead;
    this.#ahead = time;
    if (ahead === undefined || ahead <= this.#now || time < ahead - FAR) return;
    this.#now = Math.abs(time - ahead) <= FAR ? Math.max(time, ahead) : ahead;
  }

  /** Takes the times of the log's last two dated lines. They may have been seen before: none confirms itself. */
  end(last: number, before: number | undefined): void {
    this.#ahead = before;
    this.advance(last);
  }
}
