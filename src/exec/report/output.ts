import type { Writable } from "node:stream";

/** Lines on stdout, at the pace of their reader, who may leave at any time. */
export class Output {
  readonly #stream: Writable;
  #isGone = false;
  #failure: Error | undefined;

  /** `ended` is told once that nothing more can be written: with an error, unless it is that the reader has gone. */
  constructor(stream: Writable, ended: (failure: Error | undefined) => void) {
    this.#stream = stream;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#isGone) return;
      this.#isGone = true;
      if (error.code !== "EPIPE") this.#failure = error;
      ended(this.#failure);
    });
  }

  /** Nothing can be written any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Why it can't be written, when it is not that the reader has gone. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  line(text: string): void {
    if (!this.#isGone) this.#stream.write(`${text}\n`);
  }

  /** Ends when all that was written has been taken, or has failed. */
  async settled(): Promise<void> {
    if (!this.#isGone) await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends when the reader has taken enough. */
  async room(): Promise<void> {
    if (!this.#stream.writableNeedDrain || this.#isGone) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#stream.off("drain", done);
        this.#stream.off("error", done);
        this.#stream.off("close", done);
        resolve();
      };
      this.#stream.once("drain", done).once("error", done).once("close", done);
    });
  }
}
