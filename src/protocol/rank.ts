import { Heap } from "../shared/heap.ts";
import type { Ban } from "./command.ts";

/**
 * Which bans go first where there is no room for one more, the lowest first: bans that are not enforced (`would-ban`), first bans
 * of addresses that have been silent since, bans of addresses that were banned before or still fail, bans without an end, bans
 * requested by hand.
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
 * The highest rank of a ban that makes room for a new one of this rank. A ban of an address that still fails may make room for a
 * first ban, whose address is active, too; but no flood of new bans ends bans without an end.
 */
export function yieldingTo(rank: Rank): Rank {
  if (rank === RANK.once) return RANK.again;
  return rank === RANK.manual ? RANK.forEver : rank;
}

/**
 * Items by the time when they are due and by their rank. Gives those that are due, whatever their rank, and the one that goes
 * first where there is no room, both in logarithmic time. The caller bounds its size.
 */
export class RankedHeap<T> {
  readonly #heaps = Object.values(RANK).map(() => new Heap<T>());
  #turns = 0;

  get size(): number {
    return this.#heaps.reduce((sum, { size }) => sum + size, 0);
  }

  /** When the first item is due; undefined: no item ever is. */
  get next(): number | undefined {
    const next = this.#first()?.next;
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** `at`: Infinity for an item that is never due. */
  add(at: number, item: T, rank: Rank): void {
    this.#heaps[rank]?.add(at, item, this.#turns++);
  }

  /** Takes out the first item that is due at `now` or before; items of the same time leave in the order in which they came. */
  takeDue(now: number): T | undefined {
    return this.#first()?.takeDue(now);
  }

  /**
   * Takes out the item that goes first: of the lowest rank, up to `highest`, the one that is due first. Items that are no longer
   * valid are dropped on the way.
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

  /** Drops the items for which `keep` returns false. */
  compact(keep: (item: T, at: number, rank: Rank) => boolean): void {
    for (const rank of Object.values(RANK)) this.#heaps[rank]?.compact((item, at) => keep(item, at, rank));
  }

  /** The heap whose first item is due first. */
  #first(): Heap<T> | undefined {
    let first: Heap<T> | undefined;
    for (const heap of this.#heaps) if (heap.isBefore(first)) first = heap;
    return first;
  }
}
