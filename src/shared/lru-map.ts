/**
 * A map that forgets its least recently used entries, a generation at a time: the newest half of its bound is always there.
 * (Deleting the oldest entry of a single Map again and again makes V8 step over all that were deleted before.)
 */
export class LruMap<Key, Value> {
  readonly #half: number;
  readonly #halfWeight: number;
  readonly #weigh: (value: Value) => number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();
  /** Weight of the young entries at most: entries deleted since still count. */
  #weight = 0;

  /**
   * @param max most entries
   * @param weights how much all of them may weigh; an entry that weighs more than half of that is kept alone
   */
  constructor(max: number, weights: { readonly max: number; readonly of: (value: Value) => number } = FREE) {
    this.#half = Math.max(1, Math.floor(max / 2));
    this.#halfWeight = weights.max / 2;
    this.#weigh = weights.of;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value of a key; the entry counts as used. */
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

  /** To be called when a value in the map gains weight. */
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
