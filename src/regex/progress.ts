import { existsSync, statSync } from "node:fs";
import { ProgressLine } from "../cli/progress-line.ts";

/** Shorter files, in bytes, show no progress. */
const LONG = 8 * 1024 * 1024;

/** Shows on a terminal how much of a long file was read. */
export class Progress {
  readonly #line = new ProgressLine();
  readonly #size: number;
  #read = 0;

  constructor(path: string) {
    const size = path !== "-" && existsSync(path) ? statSync(path).size : 0;
    this.#size = size >= LONG ? size : 0;
  }

  add(bytes: number): void {
    if (this.#size === 0) return;
    this.#read += bytes;
    const percent = Math.min(100, Math.floor((this.#read / this.#size) * 100));
    this.#line.show(`${percent} % of ${Math.round(this.#size / 1048576)} MiB`);
  }

  end(): void {
    this.#line.end();
  }
}
