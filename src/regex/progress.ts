import { existsSync, statSync } from "node:fs";

/** Shorter files, in bytes, show no progress. */
const LONG = 8 * 1024 * 1024;

/** Shows on a terminal how much of a long file was read: a line on stderr that is overwritten, and erased at the end. */
export class Progress {
  readonly #size: number;
  #read = 0;
  #shown = -1;

  constructor(path: string) {
    const size = path !== "-" && existsSync(path) ? statSync(path).size : 0;
    this.#size = process.stderr.isTTY && size >= LONG ? size : 0;
  }

  add(bytes: number): void {
    this.#read += bytes;
    const percent = this.#size === 0 ? -1 : Math.min(100, Math.floor((this.#read / this.#size) * 100));
    if (percent === this.#shown) return;
    this.#shown = percent;
    process.stderr.write(`\r${percent} % of ${Math.round(this.#size / 1048576)} MiB`);
  }

  end(): void {
    if (this.#shown >= 0) process.stderr.write("\r\x1b[K");
  }
}
