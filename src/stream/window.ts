/** How often is too often: `maxretry` failures less than `findtime` apart. */
export interface WindowOptions {
  readonly maxretry: number;
  /** How long a failure counts, in milliseconds. */
  readonly findtime: number;
  /** Most addresses remembered; the one idle longest goes first. */
  readonly maxKeys: number;
}

/**
 * Failures of one address that are too far apart to bring a ban are kept in case late ones come between them. This many, and
 * those of one more window; the oldest go first.
 */
const MAX_SPARSE = 64;

/** Decides when an address has failed too often. Time is the log's, never the clock's. */
export class FindWindow {
  #options: WindowOptions;
  /** Failure times by address, in ascending order; the address idle longest first. */
  readonly #times = new Map<string, number[]>();
  #evicted = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#times.size;
  }

  /** Addresses given up since the start, because there were more than `maxKeys`. */
  get evicted(): number {
    return this.#evicted;
  }

  /**
   * Counts one failure, in whatever order they come.
   *
   * @param time epoch milliseconds
   * @returns true when it completes a window of `maxretry`; the address then starts from zero
   */
  add(key: string, time: number): boolean {
    const { maxretry } = this.#options;
    const times = this.#times.get(key) ?? [];
    this.#times.delete(key);
    const at = insert(times, time);
    if (this.#isFull(times, at)) return true;
    if (times.length > maxretry + MAX_SPARSE) times.shift();
    this.#times.set(key, times);
    if (this.#times.size > this.#options.maxKeys) this.#evict();
    return false;
  }

  /** Goes on with other options; the failures counted so far stay. */
  reload(options: WindowOptions): void {
    this.#options = options;
  }

  /** Sets the address's count to zero. */
  forget(key: string): void {
    this.#times.delete(key);
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

  #evict(): void {
    const [oldest] = this.#times.keys();
    if (oldest === undefined) return;
    this.#times.delete(oldest);
    this.#evicted++;
  }
}

/** Puts `time` in its place and returns its index. Nearly all come last. */
function insert(times: number[], time: number): number {
  let at = times.length;
  while (at > 0 && (times[at - 1] ?? 0) > time) at--;
  times.splice(at, 0, time);
  return at;
}
