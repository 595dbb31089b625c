/** How much of the input's end is looked at for the last date, in bytes. */
const KEPT = 65536;

/** Remembers the end of the input, for its last dated lines. */
export class Tail {
  /** The newest chunks: no more than are needed for KEPT bytes. */
  #chunks: Buffer[] = [];
  #length = 0;
  /** True when something was given up: then what is left may begin within a line. */
  #isCut = false;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length - (this.#chunks[0]?.length ?? 0) >= KEPT) {
      this.#length -= this.#chunks.shift()?.length ?? 0;
      this.#isCut = true;
    }
  }

  /** The lines that lie whole in the last KEPT bytes, the very last one first. */
  lines(): readonly Buffer[] {
    const all = Buffer.concat(this.#chunks);
    const bytes = all.subarray(-KEPT);
    const isCut = this.#isCut || all.length > bytes.length;
    const lines: Buffer[] = [];
    let end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
    while (end > 0) {
      const start = bytes.lastIndexOf(10, end - 1) + 1;
      if (start > 0 || !isCut) lines.push(bytes.subarray(start, end));
      end = start - 1;
    }
    return lines;
  }
}
