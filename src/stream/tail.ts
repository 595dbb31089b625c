/** How much of the input's end is looked at for the last date, in bytes. */
const KEPT = 65536;

/** Remembers the end of the input, for its last dated line. */
export class Tail {
  /** The newest chunks: no more than are needed for KEPT bytes. */
  #chunks: Buffer[] = [];
  #length = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length - (this.#chunks[0]?.length ?? 0) >= KEPT)
      this.#length -= this.#chunks.shift()?.length ?? 0;
  }

  /** The last lines of the input, the very last one first. */
  lines(): readonly Buffer[] {
    const bytes = Buffer.concat(this.#chunks);
    const lines: Buffer[] = [];
    let end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
    while (end > 0 && bytes.length - end <= KEPT) {
      const start = bytes.lastIndexOf(10, end - 1) + 1;
      lines.push(bytes.subarray(start, end));
      end = start - 1;
    }
    return lines;
  }
}
