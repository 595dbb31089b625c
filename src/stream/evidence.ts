import { constants } from "node:buffer";
import type { Key } from "./key.ts";
import { NONE, Table } from "./table.ts";

export interface EvidenceOptions {
  /** Most bytes held, over all jails; the oldest lines go first. */
  readonly maxBytes: number;
}

/** Before each line in the store: where the line before it of the same subject is, its time, its length and its row. */
const HEADER = 24;
const PREVIOUS = 0;
const TIME = 8;
const LENGTH = 16;
const ROW = 20;
/** The store is a multiple of this, and lines begin at one. */
const UNIT = 8;

/** A row's words: the position of its newest line in units, low and high. */
const LOW = 0;
const HIGH = 1;

/**
 * Holds the lines that show why an address is about to be banned: as bytes in one ring, in the order they came, each leading
 * to the one before it of the same subject. So they are no objects, and cost the garbage collector nothing.
 *
 * Positions count on and on; a line's place in the ring is its position modulo the ring's size.
 */
export class Evidence {
  readonly #ring: Buffer;
  readonly #rows: Table;
  /** The position behind the newest line. */
  #head = 0;
  /** The position of the oldest. */
  #tail = 0;

  constructor({ maxBytes }: EvidenceOptions) {
    const size = Math.min(maxBytes, constants.MAX_LENGTH) & ~(UNIT - 1);
    this.#ring = Buffer.alloc(size);
    this.#rows = new Table({ maxRows: Math.max(1, Math.ceil(size / HEADER)), words: 2 });
  }

  /** Keeps the lines of a failure at `time` for `key`. */
  add(key: Key, lines: readonly string[], time: number): void {
    for (const line of lines) this.#write(key, line, time);
  }

  /** The lines held for `key` of failures after `since`, oldest first. */
  of(key: Key, since = Number.NEGATIVE_INFINITY): readonly string[] {
    return this.#linesOf(key, since, Number.POSITIVE_INFINITY);
  }

  /** The newest `max` lines held for `key` of failures after `since`, oldest first; then all are forgotten. */
  take(key: Key, since: number, max: number): readonly string[] {
    const lines = this.#linesOf(key, since, max);
    this.forget(key);
    return lines;
  }

  forget(key: Key): void {
    const row = this.#rows.find(key);
    if (row === NONE) return;
    // Lines that are still in the ring must not find their row again.
    this.#rows.set(row, HIGH, NONE);
    this.#rows.delete(row);
  }

  #write(key: Key, text: string, time: number): void {
    const bytes = Buffer.byteLength(text);
    const size = roundUp(HEADER + bytes);
    if (size > this.#ring.length) return;
    const left = this.#ring.length - (this.#head % this.#ring.length);
    // A line stands in one piece: what is left at the ring's end stays empty.
    if (left < size) this.#skip(left);
    this.#makeRoom(this.#head + size);
    const known = this.#rows.find(key);
    const row = known === NONE ? this.#rows.insert(key) : known;
    const at = this.#head % this.#ring.length;
    this.#ring.writeDoubleLE(known === NONE ? NONE : this.#newest(row), at + PREVIOUS);
    this.#ring.writeDoubleLE(time, at + TIME);
    this.#ring.writeUInt32LE(bytes, at + LENGTH);
    this.#ring.writeInt32LE(row, at + ROW);
    this.#ring.write(text, at + HEADER, bytes, "utf8");
    this.#rows.set(row, LOW, (this.#head / UNIT) | 0);
    this.#rows.set(row, HIGH, Math.floor(this.#head / UNIT / 2 ** 32) | 0);
    this.#head += size;
  }

  /** Leaves the rest of the ring empty; a header tells so where there is room for one. */
  #skip(left: number): void {
    this.#makeRoom(this.#head + left);
    const at = this.#head % this.#ring.length;
    if (left >= HEADER) {
      this.#ring.writeUInt32LE(left - HEADER, at + LENGTH);
      this.#ring.writeInt32LE(NONE, at + ROW);
    }
    this.#head += left;
  }

  /** Gives up the oldest lines until those that are left end within a ring's length before `end`. */
  #makeRoom(end: number): void {
    while (this.#tail < end - this.#ring.length && this.#tail < this.#head) {
      const at = this.#tail % this.#ring.length;
      const left = this.#ring.length - at;
      if (left < HEADER) this.#tail += left;
      else {
        const row = this.#ring.readInt32LE(at + ROW);
        if (row !== NONE && this.#newest(row) === this.#tail) this.#rows.delete(row);
        this.#tail += roundUp(HEADER + this.#ring.readUInt32LE(at + LENGTH));
      }
    }
  }

  #linesOf(key: Key, since: number, max: number): readonly string[] {
    const lines: string[] = [];
    const row = this.#rows.find(key);
    let position = row === NONE ? NONE : this.#newest(row);
    while (position >= this.#tail && lines.length < max) {
      const at = position % this.#ring.length;
      const start = at + HEADER;
      if (this.#ring.readDoubleLE(at + TIME) > since) {
        lines.push(this.#ring.toString("utf8", start, start + this.#ring.readUInt32LE(at + LENGTH)));
      }
      position = this.#ring.readDoubleLE(at + PREVIOUS);
    }
    return lines.reverse();
  }

  #newest(row: number): number {
    return ((this.#rows.get(row, HIGH) >>> 0) * 2 ** 32 + (this.#rows.get(row, LOW) >>> 0)) * UNIT;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}
