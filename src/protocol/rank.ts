import { Heap } from "../shared/heap.ts";
import type { Ban } from "./command.ts";

/**
 * Which bans go first where there is no room for one more, the lowest first: bans that are only watched (`would-ban`), those
 * of addresses that were banned once and not heard of since, those of addresses that were banned before or go on, those
 * without an end, those that somebody asked for.
 */
export const RANK = { watched: 0, once: 1, again: 2, forEver: 3, manual: 4 } as const;

export type Rank = (typeof RANK)[keyof typeof RANK];

export function rankOf({
  cmd,
  until,
  bancount = 1,
  repeat,
  manual,
}: Pick<Ban, "cmd" | "until" | "bancount" | "repeat" | "manual">): Rank {
  if (cmd === "would-ban") return RANK.watched;
  if (manual) return RANK.manual;
  if (until === null) return RANK.forEver;
  return bancount > 1 || repeat ? RANK.again : RANK.once;
}

/**
 * The highest rank of a ban that goes for a new one of this rank. Addresses that go on make room for one that was not banned
 * before, since it is active, too; but no flood of new bans takes away those without an end.
 */
export function yieldingTo(rank: Rank): Rank {
  if (rank === RANK.once) return RANK.again;
  return rank === RANK.manual ? RANK.forEver : rank;
}

/**
 * Items by the time when they are due and by their rank: hands out those whose time has come, of all ranks alike, and the
 * one that is to go first. Both take as long as the logarithm of their number. Its bound is the caller's.
 */
export class RankedHeap<T> {
  readonly #heaps = Object.values(RANK).map(() => new Heap<T>());
  #turns = 0;

  get size(): number {
    return this.#heaps.reduce((sum, { size }) => sum + size, 0);
  }

  /** When the first item is due; undefined: none ever is. */
  get next(): number | undefined {
    const next = this.#first()?.next;
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** `at`: Infinity for what is never due. */
  add(at: number, item: T, rank: Rank): void {
    this.#heaps[rank]?.add(at, item, this.#turns++);
  }

  /** Takes out the first item that is due at `now` or before; of one time in the order in which they came. */
  takeDue(now: number): T | undefined {
    return this.#first()?.takeDue(now);
  }

  /**
   * Takes out the item that is to go first: of the lowest rank, up to `highest`, the one that is due first. Those that are not
   * `valid` any more are dropped on the way.
   */
  takeLowest(highest: Rank, isValid: (item: T, at: number, rank: Rank) => boolean): T | undefined {
    for (const rank of Object.values(RANK)) {
      const heap = this.#heaps[rank];
      if (heap === undefined || rank > highest) return undefined;
      for (let at = heap.next; at !== undefined; at = heap.next) {
        const item = heap.takeDue(at);
        if (item !== undefined && isValid(item, at, rank)) return item;
      }
    }
    return undefined;
  }

  /** Drops the items that `keep` does not want. */
  compact(keep: (item: T, at: number, rank: Rank) => boolean): void {
    for (const rank of Object.values(RANK)) this.#heaps[rank]?.compact((item, at) => keep(item, at, rank));
  }

  /** The heap whose first item is the first of all. */
  #first(): Heap<T> | undefined {
    let first: Heap<T> | undefined;
    for (const heap of this.#heaps) if (heap.isBefore(first)) first = heap;
    return first;
  }
}
