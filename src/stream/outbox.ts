/** Lines are taken in pieces of about this many characters: a sync of a million bans would be longer than a string can be. */
const PIECE = 1024 * 1024;

/** Commands on their way to stdout. Bounded by what one chunk of input brings, or one sync of all bans in force. */
export class Outbox {
  #lines: string[] = [];
  /** How many of them were taken. */
  #taken = 0;
  #onFlush: () => void = () => undefined;

  /** Takes a line with its newline. */
  readonly write = (line: string): void => {
    this.#lines.push(line);
  };

  /** Has the lines written now: they were not brought by a chunk of input or a timer, after which the loop writes anyway. */
  readonly flush = (): void => {
    this.#onFlush();
  };

  /** @param write what `flush` calls: takes all pieces and writes them */
  connect(write: () => void): void {
    this.#onFlush = write;
  }

  /** The next piece of what was written; empty: there is no more. */
  take(): string {
    const from = this.#taken;
    for (let length = 0; length < PIECE && this.#taken < this.#lines.length; this.#taken++) {
      length += this.#lines[this.#taken]?.length ?? 0;
    }
    const piece = this.#lines.slice(from, this.#taken).join("");
    if (this.#taken === this.#lines.length) {
      this.#lines = [];
      this.#taken = 0;
    }
    return piece;
  }
}
