import type { Writable } from "node:stream";

/** Lines on stdout, at the pace of a reader that may close the pipe at any time. */
export class Output {
  readonly #stream: Writable;
  #isGone = false;
  #failure: Error | undefined;

  /** `ended` is called once when nothing more can be written: with the error, unless the reader closed the pipe. */
  constructor(stream: Writable, ended: (failure: Error | undefined) => void) {
    this.#stream = stream;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#isGone) return;
      this.#isGone = true;
      if (error.code !== "EPIPE") this.#failure = error;
      ended(this.#failure);
    });
  }

  /** True when nothing can be written any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Why nothing can be written; undefined if the reader closed the pipe. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  line(text: string): void {
    if (!this.#isGone) this.#stream.write(`${text}\n`);
  }

  /** Resolves when everything was written, or has failed. */
  async settled(): Promise<void> {
    if (!this.#isGone) await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the reader has caught up. */
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
