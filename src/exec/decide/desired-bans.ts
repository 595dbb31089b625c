import type { EnforcedUnban, Target, UnbanReason } from "../../protocol/command.ts";
import { RANK, type Rank } from "../../protocol/rank.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Until } from "../kernel/backend.ts";
import { Expiry } from "./expiry.ts";
import { TargetMap } from "./target-map.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Milliseconds until f2b-exec tries again to end a ban that the back end could not end. */
const RETRY = 30_000;

/**
 * The bans that the kernel should have, and when they end. An address in two jails is two bans. Their number is bounded by
 * `--max-bans`, which the caller enforces.
 */
export class DesiredBans {
  readonly #ends = new TargetMap<Until>();
  readonly #clock: Clock;
  readonly #expiry: Expiry<Target>;
  /** Ranks of bans that are worth more than their end shows. */
  readonly #ranks = new TargetMap<Rank>();
  #ending = 0;

  /** `onDue` gets the bans whose end has come; they stay until `set` takes them out. */
  constructor(clock: Clock, onDue: (bans: readonly Target[]) => void) {
    this.#clock = clock;
    this.#expiry = new Expiry(clock, (targets) => onDue(targets.filter((target) => this.#isDue(target))));
  }

  get size(): number {
    return this.#ends.size;
  }

  /** How many bans have an end. */
  get ending(): number {
    return this.#ending;
  }

  /** Ends in the heap, those that were replaced since included. */
  get scheduled(): number {
    return this.#expiry.size;
  }

  /** When the ban ends, null: never; undefined: there is no ban. */
  get(target: Target): Until | undefined {
    return this.#ends.get(target);
  }

  /** The banned addresses and networks of a jail, and when their bans end. */
  addressesOf(jail: string): ReadonlyMap<string, Until> {
    return this.#ends.addressesOf(jail);
  }

  /** All that a jail has banned, ids included. */
  targetsOf(jail: string): Iterable<Target> {
    return this.#ends.targetsOf(jail);
  }

  countOf(jail: string): number {
    return this.#ends.countOf(jail);
  }

  /**
   * Sets the end of a ban; undefined: there is no ban any more.
   *
   * @param rank what the ban is worth now; it is never worth less than before
   */
  set(target: Target, until: Until | undefined, rank: Rank = RANK.once): void {
    if (this.get(target) === until && (until === undefined || rank <= this.#rankOf(target))) return;
    this.#setEnd(target, until);
    if (until === undefined) return;
    if (rank > this.#rankOf(target)) this.#ranks.set(target, rank);
    this.#schedule(until ?? NEVER, target);
  }

  /** Puts back a ban that the back end could not take away. If its end has come, `onDue` gets it again after a pause. */
  restore(target: Target, until: Until): void {
    this.#setEnd(target, until);
    this.#schedule(until === null ? NEVER : Math.max(until, this.#clock.now() + RETRY), target);
  }

  /** The ban that goes first where there is no room for another; undefined: all have a rank above `highest`. */
  takeLowest(highest: Rank): Target | undefined {
    return this.#expiry.takeLowest(
      highest,
      (target, at, rank) => rank === this.#rankOf(target) && at >= (this.get(target) ?? NEVER),
    );
  }

  /** Checks now which bans have ended, since the wall clock jumped. */
  wake(): void {
    this.#expiry.wake();
  }

  stop(): void {
    this.#expiry.stop();
  }

  #setEnd(target: Target, until: Until | undefined): void {
    const before = this.get(target);
    this.#ending += Number(typeof until === "number") - Number(typeof before === "number");
    if (until !== undefined) {
      this.#ends.set(target, until);
      return;
    }
    this.#ends.delete(target);
    this.#ranks.delete(target);
  }

  /** Entries of bans that were ended or changed stay in the heap until there are too many of them. */
  #schedule(at: number, target: Target): void {
    this.#expiry.add(at, target, this.#rankOf(target));
    if (this.#expiry.size <= 2 * this.size + 1000) return;
    this.#expiry.compact((item, time, rank) => {
      const until = this.get(item);
      return until !== undefined && (until ?? NEVER) <= time && rank === this.#rankOf(item);
    });
  }

  #rankOf(target: Target): Rank {
    return this.#ranks.get(target) ?? (this.get(target) === null ? RANK.forEver : RANK.once);
  }

  #isDue(target: Target): boolean {
    const until = this.get(target);
    return typeof until === "number" && until <= this.#clock.now();
  }
}

/** The command that ends a ban. `time` in epoch milliseconds. */
export function unbanOf(target: Target, time: number, reason: UnbanReason): EnforcedUnban {
  return { cmd: "unban", ...target, time, reason };
}
