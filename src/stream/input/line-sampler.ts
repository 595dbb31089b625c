/** Lines longer than this, in bytes, are no samples. */
export const LONGEST = 4096;
/** At the beginning of the input this many samples are close to each other, later ones far apart. */
const CLOSE_SAMPLES = 64;
/** From the end of a sample to where the next one is looked for, in bytes. */
const CLOSE = 4096;
const FAR = 262_144;

const NEWLINE = 10;

/**
 * Picks a line now and then, by where it stands in the input and nothing else: the same ones however the input is cut, and
 * whatever a gate does with them. So what the log is like can be known without looking at its lines.
 */
export class LineSampler {
  readonly #take: (line: Buffer) => void;
  /** Bytes before the current chunk. */
  #base = 0;
  /** The first line that begins after this place is the next sample. The input's first line is the first. */
  #next = -1;
  #taken = 0;
  #isInside = true;
  /** The beginning of the current sample, and the length of it all. */
  #pieces: Buffer[] = [];
  #length = 0;

  /** @param take gets each sample, without its newline; the bytes may belong to the reader's chunk */
  constructor(take: (line: Buffer) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    const end = this.#base + chunk.length;
    let at = 0;
    while (at >= 0 && (this.#isInside || this.#next < end)) {
      at = this.#isInside ? this.#readOn(chunk, at) : this.#seek(chunk);
    }
    this.#base = end;
  }

  /** Looks for the beginning of a line. Returns where it is in the chunk; -1: not in it. */
  #seek(chunk: Buffer): number {
    const newline = chunk.indexOf(NEWLINE, Math.max(this.#next - this.#base, 0));
    this.#isInside = newline >= 0;
    if (newline >= 0) return newline + 1;
    this.#next = this.#base + chunk.length;
    return -1;
  }

  /** Reads the sample on to its end. Returns where that is in the chunk; -1: not in it. */
  #readOn(chunk: Buffer, at: number): number {
    const newline = chunk.indexOf(NEWLINE, at);
    const piece = chunk.subarray(at, newline < 0 ? chunk.length : newline);
    this.#length += piece.length;
    if (newline < 0) {
      if (this.#length <= LONGEST) this.#pieces.push(Buffer.from(piece));
      return -1;
    }
    if (this.#length <= LONGEST)
      this.#take(this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece]));
    this.#pieces = [];
    this.#length = 0;
    this.#isInside = false;
    this.#next = this.#base + newline + (++this.#taken < CLOSE_SAMPLES ? CLOSE : FAR);
    return newline;
  }
}
