interface HeapEntry<T> {
  readonly at: number;
  /** Order of arrival, which decides between items of the same time. */
  readonly turn: number;
  readonly item: T;
}

/** Items by the time when they are due: a binary heap, earliest first. The caller bounds its size. */
export class Heap<T> {
  #entries: HeapEntry<T>[] = [];
  #turns = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** When the first item is due; undefined: the heap is empty. */
  get next(): number | undefined {
    return this.#entries[0]?.at;
  }

  /** Whether the first item of this heap is due before that of `other`, or `other` is empty or absent. */
  isBefore(other: Heap<T> | undefined): boolean {
    const [first] = this.#entries;
    if (first === undefined) return false;
    const [second] = other === undefined ? [] : other.#entries;
    return second === undefined || isBefore(first, second);
  }

  /** `turn` decides between items of the same time, lower first; by default they leave in the order in which they came. */
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

  /** Drops the items for which `keep` returns false. */
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
