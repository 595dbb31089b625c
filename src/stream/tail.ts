/** How much before a place is looked at, in bytes. */
const KEPT = 65536;

/** Remembers the end of what was read, for the last dated lines. */
export class Tail {
  /** The newest chunks: no more than are needed for KEPT bytes before any place of the newest. */
  #chunks: Buffer[] = [];
  /** Bytes in them. */
  #length = 0;
  /** Bytes read in all. */
  #total = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#total += chunk.length;
    while (this.#length - (this.#chunks[0]?.length ?? 0) >= KEPT + chunk.length) {
      this.#length -= this.#chunks.shift()?.length ?? 0;
    }
  }

  /**
   * The lines that lie whole in the last KEPT bytes before `end`, the very last one first.
   *
   * @param end in bytes from the beginning of the input, within the newest chunk or the line that it completes
   */
  *lines(end = this.#total): Iterable<Buffer> {
    const bytes = this.#before(end);
    const isCut = bytes.length < end;
    let at = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
    while (at > 0) {
      const start = bytes.lastIndexOf(10, at - 1) + 1;
      if (start > 0 || !isCut) yield bytes.subarray(start, at);
      at = start - 1;
    }
  }

  #before(end: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const to = end - (this.#total - this.#length);
    return (all ?? Buffer.alloc(0)).subarray(Math.max(0, to - KEPT), to);
  }
}
