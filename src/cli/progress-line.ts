/** A line on stderr that is overwritten as work goes on, and erased at its end; on a terminal alone. */
export class ProgressLine {
  readonly #stderr: NodeJS.WriteStream;
  #shown = "";

  constructor(stderr: NodeJS.WriteStream = process.stderr) {
    this.#stderr = stderr;
  }

  show(text: string): void {
    if (!this.#stderr.isTTY || text === this.#shown) return;
    this.#shown = text;
    this.#stderr.write(`\r${text}`);
  }

  end(): void {
    if (this.#shown !== "") this.#stderr.write("\r\x1b[K");
    this.#shown = "";
  }
}
