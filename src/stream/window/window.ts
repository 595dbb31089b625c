import type { Evidence } from "./evidence.ts";
import { keyOf } from "./key.ts";
import { NONE, Table } from "./table.ts";

/** When an address has failed too often: `maxretry` failures less than `findtime` apart. */
export interface WindowOptions {
  readonly maxretry: number;
  /** How long a failure counts, in milliseconds. */
  readonly findtime: number;
  /** Most lines shown of a completed window. */
  readonly maxmatches: number;
  /** Most addresses remembered; a new one pushes out one that was idle for long and failed seldom. */
  readonly maxKeys: number;
  /** Most failures of all addresses together that don't fit in their rows; undefined: eight million. */
  readonly maxSpilled?: number;
}

/**
 * Failures of one address that are too far apart for a ban are kept in case late ones come between them: this many, and those
 * of one more window; the oldest go first.
 */
const MAX_SPARSE = 64;
/** Addresses for which that is done; of those idle longest beyond it, only the newest maxretry - 1 failures are kept. */
const MAX_SPILLED = 10_000;
/** Most failures in arrays, of all addresses together: 64 MB. Beyond it the address idle longest goes. */
const MAX_SPILLED_FAILURES = 8_000_000;
/** Most failures that a row holds; more of one address are an array. */
const MAX_ROW = 16;

/**
 * A row's words: the turn of its last failure; the time of that, whose upper half shares a word with the number of failures;
 * and how many milliseconds before it each earlier failure was, ascending.
 */
const TURN = 0;
const HEAD = 1;
const LOW = 2;
const BEFORE = 3;
const COUNT_BITS = 8;
/** Instead of the number of failures: they are an array. */
const SPILLED = 255;
const WORD = 2 ** 32;

/** Windows created so far: each has numbers of its own. */
let windows = 0;

/**
 * Decides when an address has failed too often. Time is the log's, never the clock's.
 *
 * Failure times lie in a row of `maxretry` words a key, 56 bytes for each of a million keys with a `maxretry` of 5. What
 * doesn't fit there is an array: more failures than that, or more than 49 days between them.
 */
export class FindWindow {
  #options: WindowOptions;
  readonly #evidence: Evidence;
  /** Lines are owned by numbers from here on, one for each row. */
  readonly #owner = ++windows * 2 ** 27;
  readonly #rows: Table;
  /** Failures that a row holds. */
  readonly #length: number;
  /** The word of a row that says where the newest line of the address is. */
  readonly #note: number;
  /** Failure times, in ascending order, that don't fit in their row; the address idle longest first. */
  readonly #spilled = new Map<number, readonly number[]>();
  /** How many failure times these are. */
  #spilledFailures = 0;
  /** The next to be cut to what fits, while there are too many. It is dropped then: an iterator keeps all that its map ever held. */
  #oldestSpilled: Iterator<number> | undefined;
  /** Failures counted so far: the time by which idleness is measured. */
  #turn = 0;
  #evicted = 0;

  /** @param evidence where lines are kept; it may be that of other windows too */
  constructor(options: WindowOptions, evidence: Evidence) {
    this.#options = options;
    this.#evidence = evidence;
    this.#length = Math.min(Math.max(options.maxretry - 1, 1), MAX_ROW);
    this.#rows = new Table({ maxRows: options.maxKeys, words: BEFORE + this.#length });
    this.#note = BEFORE + this.#length - 1;
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#rows.size;
  }

  /** Addresses given up since the start, because there were more than `maxKeys`. */
  get evicted(): number {
    return this.#evicted;
  }

  /**
   * Counts one failure, in whatever order they come.
   *
   * @param name of the address, as `nameOf` gives it
   * @param time epoch milliseconds
   * @param lines its log lines
   * @returns the lines of the window of `maxretry` that it completes, after which the address starts from zero; undefined: it completes none
   */
  add(name: string, time: number, lines: readonly string[]): readonly string[] | undefined {
    const { maxretry } = this.#options;
    const key = keyOf(name);
    const known = this.#rows.find(key);
    if (known !== NONE && this.#append(known, time)) {
      if (this.#options.maxmatches > 0) this.#show(known, time, lines);
      return undefined;
    }
    const times = known === NONE ? [] : this.#timesOf(known);
    const at = insert(times, time);
    if (this.#isFull(times, at)) {
      const matches = this.#matchesIn(known, time - this.#options.findtime, lines);
      if (known !== NONE) this.#delete(known);
      return matches;
    }
    if (times.length > maxretry + MAX_SPARSE) times.shift();
    if (known === NONE && this.#rows.size >= this.#options.maxKeys) this.#evict();
    const row = known === NONE ? this.#rows.insert(key) : known;
    this.#keep(row, times);
    if (this.#options.maxmatches > 0) this.#show(row, time, lines);
    return undefined;
  }

  /** The times of an address's failures that are still held, ascending, in epoch milliseconds. */
  timesOf(name: string): readonly number[] {
    const row = this.#rows.find(keyOf(name));
    return row === NONE ? [] : this.#timesOf(row);
  }

  /** The lines of an address's failures after `since` (epoch milliseconds), as far as they are held: oldest first. */
  matchesOf(name: string, since: number): readonly string[] {
    return this.#matchesIn(this.#rows.find(keyOf(name)), since, []);
  }

  /** Takes other options; the failures counted so far stay. */
  reload(options: WindowOptions): void {
    this.#options = options;
  }

  /** Sets the address's count to zero. */
  forget(name: string): void {
    const row = this.#rows.find(keyOf(name));
    if (row !== NONE) this.#delete(row);
  }

  /**
   * The quick path for most failures: one that is newer than the others, completes no window and fits into the row. Returns
   * false, and changes nothing, for any other.
   */
  #append(row: number, time: number): boolean {
    const rows = this.#rows;
    const head = rows.get(row, HEAD);
    const count = head & SPILLED;
    if (count >= this.#length || count + 1 >= this.#options.maxretry) return false;
    const later = time - ((head >> COUNT_BITS) * WORD + (rows.get(row, LOW) >>> 0));
    const oldest = count > 1 ? rows.get(row, BEFORE + count - 2) >>> 0 : 0;
    if (later < 0 || later + oldest >= WORD) return false;
    for (let i = count - 1; i > 0; i--)
      rows.set(row, BEFORE + i, (rows.get(row, BEFORE + i - 1) >>> 0) + later);
    rows.set(row, BEFORE, later);
    rows.set(row, HEAD, (Math.floor(time / WORD) << COUNT_BITS) | (count + 1));
    rows.set(row, LOW, time);
    rows.set(row, TURN, this.#turn++);
    return true;
  }

  #show(row: number, time: number, lines: readonly string[]): void {
    const before = this.#evidence.placeOf(this.#rows.get(row, this.#note));
    const place = this.#evidence.add(before, this.#owner + row, lines, time);
    this.#rows.set(row, this.#note, this.#evidence.wordOf(place));
  }

  /** The lines held for a row, and some more after them. */
  #matchesIn(row: number, since: number, lines: readonly string[]): readonly string[] {
    const max = this.#evidence.size > 0 ? this.#options.maxmatches : 0;
    if (max === 0) return [];
    if (row === NONE || lines.length >= max) return lines.slice(-max);
    const place = this.#evidence.placeOf(this.#rows.get(row, this.#note));
    return [...this.#evidence.read(place, this.#owner + row, since, max - lines.length), ...lines];
  }

  /** Whether the failure at index `at` lies in a run of `maxretry` that is shorter than `findtime`. */
  #isFull(times: readonly number[], at: number): boolean {
    const { maxretry, findtime } = this.#options;
    for (let first = Math.max(0, at - maxretry + 1); first <= at; first++) {
      const last = times[first + maxretry - 1];
      if (last === undefined) return false;
      if (last - (times[first] ?? last) < findtime) return true;
    }
    return false;
  }

  #timesOf(row: number): number[] {
    const head = this.#rows.get(row, HEAD);
    const count = head & SPILLED;
    if (count === SPILLED) return [...(this.#spilled.get(row) ?? [])];
    const newest = (head >> COUNT_BITS) * WORD + (this.#rows.get(row, LOW) >>> 0);
    const times: number[] = [];
    for (let i = count - 2; i >= 0; i--) times.push(newest - (this.#rows.get(row, BEFORE + i) >>> 0));
    times.push(newest);
    return times;
  }

  #keep(row: number, times: readonly number[]): void {
    this.#rows.set(row, TURN, this.#turn++);
    this.#unspill(row);
    if (this.#fits(times)) {
      this.#pack(row, times);
      return;
    }
    this.#spilled.set(row, times);
    this.#spilledFailures += times.length;
    this.#rows.set(row, HEAD, SPILLED);
    const most = this.#options.maxSpilled ?? MAX_SPILLED_FAILURES;
    while (this.#spilledFailures > most && this.#spilled.size > 1) this.#evictSpilled();
    if (this.#spilled.size > MAX_SPILLED && this.#options.maxretry - 1 <= this.#length) this.#cutSpilled();
    else this.#oldestSpilled = undefined;
  }

  #fits(times: readonly number[]): boolean {
    const newest = times.at(-1) ?? 0;
    return times.length <= this.#length && newest - (times[0] ?? newest) < WORD;
  }

  /** Writes a row of times that are no more than 49 days apart. */
  #pack(row: number, times: readonly number[]): void {
    const newest = times.at(-1) ?? 0;
    this.#rows.set(row, HEAD, (Math.floor(newest / WORD) << COUNT_BITS) | times.length);
    this.#rows.set(row, LOW, newest);
    for (let i = 2; i <= times.length; i++) {
      this.#rows.set(row, BEFORE + i - 2, newest - (times[times.length - i] ?? 0));
    }
  }

  /** Cuts the failures of the address that was idle longest, or next after the last cut, to what fits. */
  #cutSpilled(): void {
    let next = this.#oldestSpilled?.next();
    if (next === undefined || next.done) {
      this.#oldestSpilled = this.#spilled.keys();
      next = this.#oldestSpilled.next();
    }
    const row = next.value ?? NONE;
    const times = (this.#spilled.get(row) ?? []).slice(-this.#length);
    const newest = times.at(-1) ?? 0;
    this.#unspill(row);
    this.#pack(
      row,
      times.filter((time) => newest - time < WORD),
    );
  }

  /** Gives up an address. Each failure makes it stay as long again: addresses that fail once push out none that is near a ban. */
  #evict(): void {
    const row = this.#rows.victim((each) => {
      const failures = Math.min(this.#rows.get(each, HEAD) & SPILLED, this.#length);
      return ((this.#turn - this.#rows.get(each, TURN)) >>> 0) / failures;
    });
    if (row === NONE) return;
    this.#delete(row);
    this.#evicted++;
  }

  /** Gives up the address that was idle longest of those whose failures are an array. */
  #evictSpilled(): void {
    const [oldest = NONE] = this.#spilled.keys();
    this.#delete(oldest);
    this.#evicted++;
  }

  #unspill(row: number): void {
    const times = this.#spilled.size > 0 ? this.#spilled.get(row) : undefined;
    if (times === undefined) return;
    this.#spilledFailures -= times.length;
    this.#spilled.delete(row);
  }

  #delete(row: number): void {
    this.#unspill(row);
    this.#rows.delete(row);
  }
}

/** Puts `time` in its place and returns its index. Nearly all come last. */
function insert(times: number[], time: number): number {
  let at = times.length;
  for (; at > 0 && (times[at - 1] as number) > time; at--) times[at] = times[at - 1] as number;
  times[at] = time;
  return at;
}
