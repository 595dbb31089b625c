export interface EvidenceOptions {
  /** Most bytes held, over all jails, below 2^31; the oldest lines go first. */
  readonly maxBytes: number;
}

/** Stands for no place. */
export const NOWHERE = 0;

/** The store is a multiple of this, and lines begin at one. */
const UNIT = 8;
/**
 * The header of each line in the store: its owner and its time, as numbers of eight bytes; how far back the owner's previous
 * line is, in units, and its length, as numbers of four bytes.
 */
const HEADER = 24;
const OWNER = 0;
const TIME = 1;
const BACK = 4;
const LENGTH = 5;
/** UTF-8 takes no more bytes for a UTF-16 unit. */
const WIDEST = 3;

/**
 * Holds the log lines that show why an address is about to be banned, or is banned: as bytes in one ring, in the order they
 * came, each with a link to the previous one of the same owner. As bytes they cost the garbage collector nothing. An owner
 * keeps the place of its newest line.
 *
 * A place is a number of bytes that only grows; modulo the ring's size it is the offset in the ring.
 */
export class Evidence {
  readonly #ring: Buffer;
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;
  /** The place after the newest line. */
  #head = UNIT;

  constructor({ maxBytes }: EvidenceOptions) {
    const bytes = new ArrayBuffer(maxBytes - (maxBytes % UNIT));
    this.#ring = Buffer.from(bytes);
    this.#doubles = new Float64Array(bytes);
    this.#words = new Uint32Array(bytes);
  }

  /** Most bytes held. */
  get size(): number {
    return this.#ring.length;
  }

  /**
   * Keeps the lines of a failure.
   *
   * @param before the place of the owner's newest line so far, or NOWHERE
   * @param owner a number that no other owner has
   * @param time epoch milliseconds
   * @returns the place of its newest line now
   */
  add(before: number, owner: number, lines: readonly string[], time: number): number {
    let place = before;
    for (const line of lines) place = this.#write(place, owner, line, time);
    return place;
  }

  /** The newest `max` lines of an owner, the newest one at `place`, of failures after `since`: oldest first. */
  read(
    place: number,
    owner: number,
    since = Number.NEGATIVE_INFINITY,
    max = Number.POSITIVE_INFINITY,
  ): readonly string[] {
    const lines: string[] = [];
    for (let at = place; this.#isHeld(at, owner) && lines.length < max; at = this.#before(at)) {
      const double = (at % this.#ring.length) / UNIT;
      if ((this.#doubles[double + TIME] as number) > since) lines.push(this.#text(double * UNIT));
    }
    return lines.reverse();
  }

  /** A place as 32 bits: for 2^35 bytes there is no other of these bits. */
  wordOf(place: number): number {
    return (place / UNIT) | 0;
  }

  /** The newest place of these bits. `read` finds out whether a line of the owner is still there. */
  placeOf(word: number): number {
    const head = this.#head / UNIT;
    return (head - ((head - word) >>> 0)) * UNIT;
  }

  #write(before: number, owner: number, text: string, time: number): number {
    const size = this.#ring.length;
    if (!isRoom(text, size)) return before;
    // A line stands in one piece: what is left at the ring's end stays empty.
    const left = size - (this.#head % size);
    if (!isRoom(text, left)) this.#head += left;
    const place = this.#head;
    const at = place % size;
    const length = this.#ring.write(text, at + HEADER, "utf8");
    this.#doubles[at / UNIT + OWNER] = owner;
    this.#doubles[at / UNIT + TIME] = time;
    this.#words[at / 4 + BACK] = before === NOWHERE ? 0 : (place - before) / UNIT;
    this.#words[at / 4 + LENGTH] = length;
    this.#head += roundUp(HEADER + length);
    return place;
  }

  /** Whether the line of an owner is still there, not overwritten. */
  #isHeld(place: number, owner: number): boolean {
    const size = this.#ring.length;
    if (place === NOWHERE || place >= this.#head || place < this.#head - size) return false;
    return this.#doubles[(place % size) / UNIT + OWNER] === owner;
  }

  #before(place: number): number {
    const back = this.#words[(place % this.#ring.length) / 4 + BACK] as number;
    return back === 0 ? NOWHERE : place - back * UNIT;
  }

  /** The line whose header is at `at` in the ring. */
  #text(at: number): string {
    const start = at + HEADER;
    return this.#ring.toString("utf8", start, start + (this.#words[at / 4 + LENGTH] as number));
  }
}

/** Whether a line, with its header, fits into `bytes`. */
function isRoom(text: string, bytes: number): boolean {
  return HEADER + WIDEST * text.length <= bytes || HEADER + Buffer.byteLength(text) <= bytes;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}
