import { RANK, type Rank, RankedHeap } from "../../protocol/rank.ts";
import type { Clock } from "../../shared/clock.ts";

/**
 * Longest sleep in milliseconds: far below 2^31, where setTimeout fires at once, and short enough to notice that the wall
 * clock jumped or the machine slept, which setTimeout does not see.
 */
const LONGEST_SLEEP = 60_000;

/** Hands out items when they are due, with a heap and one timer; also the item that goes first where there is no room. */
export class Expiry<T> {
  readonly #clock: Clock;
  readonly #due: (items: readonly T[]) => void;
  readonly #heap = new RankedHeap<T>();
  #cancel: (() => void) | undefined;
  /** When the running timer fires. */
  #wake = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, due: (items: readonly T[]) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** `at`: epoch milliseconds, Infinity for never; an item whose time has passed is due when the timer fires next. */
  add(at: number, item: T, rank: Rank = RANK.once): void {
    this.#heap.add(at, item, rank);
    this.#arm();
  }

  /** Takes out the item that goes first, see `RankedHeap`. */
  takeLowest(highest: Rank, isValid: (item: T, at: number, rank: Rank) => boolean): T | undefined {
    return this.#heap.takeLowest(highest, isValid);
  }

  /** Drops the items for which `keep` returns false. */
  compact(keep: (item: T, at: number, rank: Rank) => boolean): void {
    this.#heap.compact(keep);
    this.#arm();
  }

  /** Checks now what is due, since the wall clock jumped. */
  wake(): void {
    this.#cancel?.();
    this.#fire();
  }

  /** Forgets everything and stops the timer. */
  stop(): void {
    this.compact(() => false);
  }

  #arm(): void {
    const { next } = this.#heap;
    if (next !== undefined && this.#cancel !== undefined && this.#wake <= next) return;
    this.#cancel?.();
    this.#cancel = undefined;
    if (next === undefined) return;
    const now = this.#clock.now();
    const sleep = Math.min(Math.max(next - now, 0), LONGEST_SLEEP);
    this.#wake = now + sleep;
    this.#cancel = this.#clock.after(sleep, () => this.#fire());
  }

  #fire(): void {
    this.#cancel = undefined;
    const now = this.#clock.now();
    const items: T[] = [];
    for (let item = this.#heap.takeDue(now); item !== undefined; item = this.#heap.takeDue(now)) {
      items.push(item);
    }
    this.#arm();
    if (items.length > 0) this.#due(items);
  }
}
