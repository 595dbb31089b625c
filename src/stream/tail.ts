/** How much before a place is looked at, in bytes. */
const KEPT = 65536;

/** Remembers the end of what was read, for the last dated lines. */
export class Tail {
  /** The newest chunk: valid as long as it is the reader's. */
  #chunk: Buffer = Buffer.alloc(0);
  /** The KEPT bytes before it, and those before its end; copied, since a reader uses its buffers again. */
  #before: Buffer = Buffer.alloc(0);
  #after: Buffer = Buffer.alloc(0);
  /** Bytes read in all. */
  #total = 0;

  push(chunk: Buffer): void {
    this.#before = this.#after;
    this.#after = lastBytes(this.#before, chunk);
    this.#chunk = chunk;
    this.#total += chunk.length;
  }

  /**
   * The lines that lie whole in the last KEPT bytes before `end`, the very last one first.
   *
   * @param end in bytes from the beginning of the input, within the newest chunk or the line that it completes
   */
  *lines(end = this.#total): Iterable<Buffer> {
    const bytes = this.#bytesBefore(end);
    const isCut = bytes.length < end;
    let at = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
    while (at > 0) {
      const start = bytes.lastIndexOf(10, at - 1) + 1;
      if (start > 0 || !isCut) yield bytes.subarray(start, at);
      at = start - 1;
    }
  }

  #bytesBefore(end: number): Buffer {
    if (end === this.#total) return this.#after;
    const to = end - (this.#total - this.#chunk.length);
    if (to <= 0) return this.#before.subarray(0, this.#before.length + to);
    return lastBytes(this.#before, this.#chunk.subarray(0, to));
  }
}

/** A copy of the last KEPT bytes of two pieces. */
function lastBytes(first: Buffer, second: Buffer): Buffer {
  if (second.length >= KEPT) return Buffer.from(second.subarray(second.length - KEPT));
  return Buffer.concat([first.subarray(Math.max(0, first.length + second.length - KEPT)), second]);
}
