/**
 * A map that forgets what was not used for long: the newest half of its bound is always there, the rest goes at once, a
 * generation at a time. (Deleting the oldest of one Map, again and again, makes V8 step over all that were deleted before.)
 */
export class RecentMap<Key, Value> {
  readonly #half: number;
  readonly #halfWeight: number;
  readonly #weigh: (value: Value) => number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();
  /** Of the young, at most: what was deleted since is counted in. */
  #weight = 0;

  /**
   * @param max most entries held
   * @param weights how much all of them may weigh; one that is heavier than half of that is held alone
   */
  constructor(max: number, weights: { readonly max: number; readonly of: (value: Value) => number } = FREE) {
    this.#half = Math.max(1, Math.floor(max / 2));
    this.#halfWeight = weights.max / 2;
    this.#weigh = weights.of;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value of a key, which counts as used. */
  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    this.grow(this.#weigh(value));
  }

  /** To be called when a value in it weighs so much more than before. */
  grow(weight: number): void {
    this.#weight += weight;
    if (this.#young.size <= this.#half && this.#weight <= this.#halfWeight) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }

  delete(key: Key): void {
    if (!this.#young.delete(key)) this.#old.delete(key);
  }
}

const FREE = { max: Number.POSITIVE_INFINITY, of: () => 0 };
