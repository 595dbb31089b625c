interface HeapEntry<T> {
  readonly at: number;
  /** Order of arrival: what comes at the same time leaves in the order it came. */
  readonly turn: number;
  readonly item: T;
}

/** Items by the time they are due: a binary heap, earliest first. Its bound is the caller's. */
export class Heap<T> {
  #entries: HeapEntry<T>[] = [];
  #turns = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** When the first item is due; undefined: there is none. */
  get next(): number | undefined {
    return this.#entries[0]?.at;
  }

  /** Whether its first item leaves before that of another heap, or there is no other one. */
  isBefore(other: Heap<T> | undefined): boolean {
    const [first] = this.#entries;
    if (first === undefined) return false;
    const [second] = other === undefined ? [] : other.#entries;
    return second === undefined || isBefore(first, second);
  }

  /** `turn`: among items of one time the lower leaves first; when nothing is said, in the order in which they came. */
  add(at: number, item: T, turn = this.#turns++): void {
    const entries = this.#entries;
    const entry = { at, turn, item };
    let hole = entries.length;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = entries[parent] as HeapEntry<T>;
      if (!isBefore(entry, above)) break;
      entries[hole] = above;
      hole = parent;
    }
    entries[hole] = entry;
  }

  /** Takes out the first item that is due at `now` or before. */
  takeDue(now: number): T | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.at > now) return undefined;
    this.#removeFirst();
    return first.item;
  }

  /** Drops the items that `keep` does not want. */
  compact(keep: (item: T, at: number) => boolean): void {
    const kept = this.#entries.filter(({ at, item }) => keep(item, at));
    this.#entries = kept.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #removeFirst(): void {
    const entries = this.#entries;
    const last = entries.pop() as HeapEntry<T>;
    if (entries.length === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      let below = entries[child];
      const right = entries[child + 1];
      if (below !== undefined && right !== undefined && isBefore(right, below)) {
        below = right;
        child++;
      }
      if (below === undefined || !isBefore(below, last)) break;
      entries[hole] = below;
      hole = child;
    }
    entries[hole] = last;
  }
}

function isBefore<T>(a: HeapEntry<T>, b: HeapEntry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.turn < b.turn);
}
