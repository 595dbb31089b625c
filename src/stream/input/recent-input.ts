/** How far before a place lines are searched, in bytes. */
const KEPT = 65536;
/** How much before the newest chunk is kept: a place may be KEPT bytes before it. */
const REMEMBERED = 2 * KEPT;

/** Remembers the end of what was read, for the last dated lines. */
export class RecentInput {
  /** The newest chunk: valid until the reader uses its buffer again. */
  #chunk: Buffer = Buffer.alloc(0);
  /**
   * The bytes before it, followed by its last bytes: copied, since a reader uses its buffers again, and always into the same
   * memory, since a new piece for every chunk of a live log would keep the garbage collector busy.
   */
  readonly #bytes = Buffer.alloc(2 * REMEMBERED);
  /** Where the one ends, and the other. */
  #before = 0;
  #after = 0;
  /** Bytes read in all. */
  #total = 0;

  push(chunk: Buffer): void {
    const last = chunk.length > REMEMBERED ? chunk.subarray(-REMEMBERED) : chunk;
    if (this.#after + last.length > this.#bytes.length) {
      const from = Math.max(0, this.#after - REMEMBERED);
      this.#bytes.copyWithin(0, from, this.#after);
      this.#after -= from;
    }
    this.#before = this.#after;
    this.#after += last.copy(this.#bytes, this.#before);
    this.#chunk = chunk;
    this.#total += chunk.length;
  }

  /**
   * The lines that lie whole in the last KEPT bytes before `end`, the very last one first. They are valid until the next push.
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
    if (end === this.#total) return this.#kept(this.#after);
    const to = end - (this.#total - this.#chunk.length);
    if (to >= KEPT) return this.#chunk.subarray(to - KEPT, to);
    if (to <= 0 || this.#chunk.length <= REMEMBERED) return this.#kept(this.#before + to);
    return Buffer.concat([this.#kept(this.#before), this.#chunk.subarray(0, to)]).subarray(-KEPT);
  }

  #kept(end: number): Buffer {
    return this.#bytes.subarray(Math.max(0, end - KEPT), Math.max(0, end));
  }
}
