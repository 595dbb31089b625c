import { randomInt } from "node:crypto";

/** The only line of a session so far, with what it takes to match it again. */
export interface OneLineSession {
  /** The line as it was written: ASCII. */
  readonly whole: string;
  /** Where the text that the patterns saw begins in it. */
  readonly start: number;
  /** The failregex that matched. */
  readonly regex: number;
  /** Epoch milliseconds. */
  readonly time: number;
}

/** Room for an id and its line, in bytes; longer ones are not stored here. */
const SLOT = 256;

/**
 * Sessions of one line, stored as bytes. In a flood most connections log one line; as objects they would take most of the garbage
 * collector's time. The newest `max` are held.
 *
 * Slots form a ring. The index over them uses open addressing with linear probing, and is at most half full: a Map of ids takes 150 ns
 * more for each line.
 */
export class OneLineSessions {
  readonly #max: number;
  readonly #bytes: Buffer;
  readonly #idLengths: Uint16Array;
  readonly #lengths: Uint16Array;
  readonly #starts: Uint16Array;
  readonly #regexes: Uint16Array;
  readonly #times: Float64Array;
  readonly #hashes: Int32Array;
  /** Slots plus one; 0: empty. */
  readonly #index: Int32Array;
  readonly #seed = randomInt(2 ** 31);
  #next = 0;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
    this.#bytes = Buffer.alloc(max * SLOT);
    this.#idLengths = new Uint16Array(max);
    this.#lengths = new Uint16Array(max);
    this.#starts = new Uint16Array(max);
    this.#regexes = new Uint16Array(max);
    this.#times = new Float64Array(max);
    this.#hashes = new Int32Array(max);
    this.#index = new Int32Array(2 ** Math.ceil(Math.log2(max * 2)));
  }

  get size(): number {
    return this.#size;
  }

  /** Stores the line of a new session. Returns false for one that does not fit. */
  put(id: string, { whole, start, regex, time }: OneLineSession): boolean {
    if (id.length === 0 || id.length + whole.length > SLOT) return false;
    const slot = this.#next;
    this.#next = slot + 1 === this.#max ? 0 : slot + 1;
    if (this.#idLengths[slot] !== 0) this.#remove(this.#find(slot));
    const at = slot * SLOT;
    this.#bytes.write(id, at, "latin1");
    this.#bytes.write(whole, at + id.length, "latin1");
    this.#idLengths[slot] = id.length;
    this.#lengths[slot] = whole.length;
    this.#starts[slot] = start;
    this.#regexes[slot] = regex;
    this.#times[slot] = time;
    const hash = this.#hash(id);
    this.#hashes[slot] = hash;
    this.#enter(hash, slot);
    this.#size++;
    return true;
  }

  /** Removes a session and returns its line. */
  take(id: string): OneLineSession | undefined {
    if (this.#size === 0) return undefined;
    const hash = this.#hash(id);
    const mask = this.#index.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = (this.#index[at] as number) - 1;
      if (slot < 0) return undefined;
      if (this.#hashes[slot] !== hash || !this.#isOf(id, slot)) continue;
      this.#remove(at);
      return this.#lineIn(slot);
    }
  }

  #lineIn(slot: number): OneLineSession {
    const from = slot * SLOT + (this.#idLengths[slot] as number);
    const whole = this.#bytes.toString("latin1", from, from + (this.#lengths[slot] as number));
    this.#idLengths[slot] = 0;
    const [start, regex, time] = [this.#starts[slot], this.#regexes[slot], this.#times[slot]];
    return { whole, start: start as number, regex: regex as number, time: time as number };
  }

  #isOf(id: string, slot: number): boolean {
    if (this.#idLengths[slot] !== id.length) return false;
    const at = slot * SLOT;
    for (let i = 0; i < id.length; i++) if (this.#bytes[at + i] !== id.charCodeAt(i)) return false;
    return true;
  }

  #enter(hash: number, slot: number): void {
    const mask = this.#index.length - 1;
    let at = hash & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  /** The index's place of a slot. */
  #find(slot: number): number {
    const mask = this.#index.length - 1;
    let at = (this.#hashes[slot] as number) & mask;
    while (this.#index[at] !== slot + 1) at = (at + 1) & mask;
    return at;
  }

  /** Removes a place from the index, and moves up the entries after it that it had displaced. */
  #remove(place: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let hole = place;
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const wanted = (this.#hashes[(index[at] as number) - 1] as number) & mask;
      if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
      index[hole] = index[at] as number;
      hole = at;
    }
    index[hole] = 0;
    this.#size--;
  }

  /** Seeded, so that nobody can choose ids that collide. */
  #hash(id: string): number {
    let hash = this.#seed;
    for (let i = 0; i < id.length; i++) {
      hash = Math.imul(hash ^ id.charCodeAt(i), 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    return hash;
  }
}
