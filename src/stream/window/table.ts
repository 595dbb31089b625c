import { randomFillSync } from "node:crypto";
import type { Key } from "./key.ts";

/** Stands for no row. */
export const NONE = -1;

/** Words of a row that hold its key. */
const KEY_WORDS = 5;
/** Which of them is the kind. In a free row it is FREE, and the first word is the next free row. */
const KIND = 4;
const FREE = -1;
/** Rows are allocated in segments of this many, and never move. */
const SEGMENT_BITS = 13;
const SEGMENT_ROWS = 1 << SEGMENT_BITS;
/** About how many rows a shard of the index holds when the table is full. */
const SHARD_ROWS = 4096;
const MAX_SHARDS = 65_536;
const FIRST_SLOTS = 8;
/** A slot holds the number of a row plus one, and above it five bits of its hash, which rule out most other keys. */
const ROW_BITS = 27;
const ROW_MASK = 2 ** ROW_BITS - 1;
/** Rows that are compared to find the one to give up. */
const SAMPLE = 8;

export interface TableOptions {
  /** Most rows, below 2^27. The caller makes room. */
  readonly maxRows: number;
  /** 32-bit words of each row, besides the five of its key. */
  readonly words: number;
}

/**
 * Rows of 32-bit words by key, in typed arrays: a million of them cost the garbage collector nothing. A row keeps its number
 * until it is deleted; then another row gets it.
 *
 * The index is open addressing with linear probing, cut into shards by the hash: one that is two thirds full is doubled by
 * itself, some 4096 rows at most, so that no insertion takes long. It takes 6 to 12 bytes a row. The hash has secret seeds, so
 * that an attacker cannot choose addresses that collide; nothing that can be seen depends on them.
 */
export class Table {
  /** Words of a whole row. */
  readonly #width: number;
  readonly #segmentRows: number;
  readonly #segments: Int32Array[] = [];
  /** Slots of each shard; 0: empty. */
  readonly #shards: Uint32Array[];
  /** Rows of each shard. */
  readonly #filled: Uint32Array;
  readonly #seeds = randomFillSync(new Int32Array(KEY_WORDS));
  #size = 0;
  /** Rows used so far, free or not. */
  #used = 0;
  #free = NONE;
  /** The row that `victim` looks at next. */
  #hand = 0;

  constructor({ maxRows, words }: TableOptions) {
    this.#width = KEY_WORDS + words;
    this.#segmentRows = Math.min(SEGMENT_ROWS, maxRows);
    const shards = Math.min(2 ** Math.ceil(Math.log2(Math.max(maxRows / SHARD_ROWS, 1))), MAX_SHARDS);
    this.#shards = Array<Uint32Array>(shards).fill(new Uint32Array(0));
    this.#filled = new Uint32Array(shards);
  }

  /** Rows in the table. */
  get size(): number {
    return this.#size;
  }

  /** The row of `key`, or NONE. */
  find(key: Key): number {
    const hash = this.#hash(key.a, key.b, key.c, key.d, key.kind);
    const slots = this.#shards[hash & (this.#shards.length - 1)] as Uint32Array;
    if (slots.length === 0) return NONE;
    const mask = slots.length - 1;
    const mark = markOf(hash);
    for (let at = (hash >>> 16) & mask; ; at = (at + 1) & mask) {
      const slot = slots[at] as number;
      if (slot === 0) return NONE;
      if (slot >>> ROW_BITS === mark && this.#holds(rowIn(slot), key)) return rowIn(slot);
    }
  }

  /** A new row for `key`, which has none; its words are 0. */
  insert(key: Key): number {
    const row = this.#allocate();
    const segment = this.#segment(row);
    const start = this.#start(row);
    segment.fill(0, start, start + this.#width);
    segment[start] = key.a;
    segment[start + 1] = key.b;
    segment[start + 2] = key.c;
    segment[start + 3] = key.d;
    segment[start + KIND] = key.kind;
    this.#enter(row);
    this.#size++;
    return row;
  }

  delete(row: number): void {
    this.#leave(row);
    this.#size--;
    this.#segment(row)[this.#start(row) + KIND] = FREE;
    this.#segment(row)[this.#start(row)] = this.#free;
    this.#free = row;
  }

  /** A word of a row, as a signed number. */
  get(row: number, word: number): number {
    return this.#segment(row)[this.#start(row) + KEY_WORDS + word] as number;
  }

  /** Sets a word of a row to the lowest 32 bits of `value`. */
  set(row: number, word: number, value: number): void {
    this.#segment(row)[this.#start(row) + KEY_WORDS + word] = value;
  }

  /**
   * The row to give up for a new one: of the next few in turn, the one that `rank` puts highest. The order is near enough
   * to one over all rows, costs nothing to keep, and cannot be made to look at them all.
   */
  victim(rank: (row: number) => number): number {
    let best = NONE;
    let highest = Number.NEGATIVE_INFINITY;
    const count = Math.min(SAMPLE, this.#size);
    for (let seen = 0; seen < count; ) {
      const row = this.#hand;
      this.#hand = row + 1 < this.#used ? row + 1 : 0;
      if (this.#segment(row)[this.#start(row) + KIND] === FREE) continue;
      seen++;
      const value = rank(row);
      if (value <= highest) continue;
      best = row;
      highest = value;
    }
    return best;
  }

  #allocate(): number {
    const row = this.#free;
    if (row !== NONE) {
      this.#free = this.#segment(row)[this.#start(row)] as number;
      return row;
    }
    if (this.#used % SEGMENT_ROWS === 0) this.#segments.push(new Int32Array(this.#segmentRows * this.#width));
    return this.#used++;
  }

  /** Puts a row into the index. */
  #enter(row: number): void {
    const hash = this.#hashOf(row);
    const shard = hash & (this.#shards.length - 1);
    const filled = (this.#filled[shard] as number) + 1;
    this.#filled[shard] = filled;
    let slots = this.#shards[shard] as Uint32Array;
    if (filled * 3 > slots.length * 2) {
      slots = this.#doubled(slots);
      this.#shards[shard] = slots;
    }
    place(slots, hash, row);
  }

  #doubled(slots: Uint32Array): Uint32Array {
    const more = new Uint32Array(slots.length * 2 || FIRST_SLOTS);
    for (const slot of slots) if (slot !== 0) place(more, this.#hashOf(rowIn(slot)), rowIn(slot));
    return more;
  }

  /** Takes a row out of the index; rows that it had displaced move up. */
  #leave(row: number): void {
    const hash = this.#hashOf(row);
    const shard = hash & (this.#shards.length - 1);
    const slots = this.#shards[shard] as Uint32Array;
    const mask = slots.length - 1;
    let hole = (hash >>> 16) & mask;
    while (rowIn(slots[hole] as number) !== row) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const wanted = (this.#hashOf(rowIn(slots[at] as number)) >>> 16) & mask;
      if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = slots[at] as number;
      hole = at;
    }
    slots[hole] = 0;
    (this.#filled[shard] as number)--;
  }

  #holds(row: number, key: Key): boolean {
    const segment = this.#segment(row);
    const start = this.#start(row);
    return (
      segment[start] === key.a &&
      segment[start + 1] === key.b &&
      segment[start + 2] === key.c &&
      segment[start + 3] === key.d &&
      segment[start + KIND] === key.kind
    );
  }

  #hashOf(row: number): number {
    const segment = this.#segment(row);
    const start = this.#start(row);
    const word = (at: number) => segment[start + at] as number;
    return this.#hash(word(0), word(1), word(2), word(3), word(KIND));
  }

  /** Each step multiplies by a constant and folds the high bits down, under a seed of its own. */
  #hash(a: number, b: number, c: number, d: number, kind: number): number {
    const seeds = this.#seeds;
    let hash = mix(a ^ (seeds[0] as number));
    hash = mix(hash ^ b ^ (seeds[1] as number));
    hash = mix(hash ^ c ^ (seeds[2] as number));
    hash = mix(hash ^ d ^ (seeds[3] as number));
    return mix(hash ^ kind ^ (seeds[KIND] as number));
  }

  #segment(row: number): Int32Array {
    return this.#segments[row >>> SEGMENT_BITS] as Int32Array;
  }

  /** Where a row begins in its segment. */
  #start(row: number): number {
    return (row & (SEGMENT_ROWS - 1)) * this.#width;
  }
}

/** Enters a row in the first free slot from where its hash wants it. */
function place(slots: Uint32Array, hash: number, row: number): void {
  const mask = slots.length - 1;
  let at = (hash >>> 16) & mask;
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = (markOf(hash) << ROW_BITS) | (row + 1);
}

function rowIn(slot: number): number {
  return (slot & ROW_MASK) - 1;
}

function markOf(hash: number): number {
  return (hash >>> 11) & 31;
}

function mix(word: number): number {
  const folded = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  return Math.imul(folded ^ (folded >>> 15), 0x735a2d97) ^ (folded >>> 15);
}
