import type { EnforcedDecision, EnforcedUnban, UnbanReason } from "../../protocol/command.ts";
import { RANK, type Rank } from "../../protocol/rank.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Until } from "../kernel/backend.ts";
import { Expiry } from "./expiry.ts";

/** Whom a jail has banned: an address or network; `id` with a blank before it for any other failure id. */
export interface Held {
  readonly jail: string;
  readonly target: string;
}

const NEVER = Number.POSITIVE_INFINITY;

/** Milliseconds until a ban that could not be ended is tried again. */
const RETRY = 30_000;

/** Live bans, and when they end. An address in two jails is two bans. Its bound is `--max-bans`, kept by the caller. */
export class DesiredBans {
  readonly #jails = new Map<string, Map<string, Until>>();
  readonly #clock: Clock;
  readonly #expiry: Expiry<Held>;
  /** Ranks of bans that are more than their end says, by `keyOf`. */
  readonly #ranks = new Map<string, Rank>();
  #size = 0;
  #ending = 0;

  /** `due` is told of bans whose end has come; they stay until they are taken out. */
  constructor(clock: Clock, due: (bans: readonly Held[]) => void) {
    this.#clock = clock;
    this.#expiry = new Expiry(clock, (items) => due(items.filter((item) => this.#isDue(item))));
  }

  get size(): number {
    return this.#size;
  }

  /** How many of them have an end. */
  get ending(): number {
    return this.#ending;
  }

  /** When the ban ends; undefined: there is none. */
  get({ jail, target }: Held): Until | undefined {
    return this.#jails.get(jail)?.get(target);
  }

  of(jail: string): ReadonlyMap<string, Until> {
    return this.#jails.get(jail) ?? new Map();
  }

  /** Ends that the heap knows, those that have been replaced included. */
  get scheduled(): number {
    return this.#expiry.size;
  }

  /**
   * Notes a ban, its new end, or with undefined that it is none any more.
   *
   * @param rank what it is worth now; it is never worth less than before
   */
  set(held: Held, until: Until | undefined, rank: Rank = RANK.once): void {
    if (this.get(held) === until && (until === undefined || rank <= this.#rankOf(held))) return;
    this.#note(held, until);
    if (until === undefined) return;
    if (rank > this.#rankOf(held)) this.#ranks.set(keyOf(held), rank);
    this.#schedule(until ?? NEVER, held);
  }

  /** Puts a ban back that could not be taken away. When its end has come, `due` is told again, but not at once. */
  restore(held: Held, until: Until): void {
    this.#note(held, until);
    this.#schedule(until === null ? NEVER : Math.max(until, this.#clock.now() + RETRY), held);
  }

  /** The ban that is to go first where there is no room for another; undefined: all have a rank above `highest`. */
  lowest(highest: Rank): Held | undefined {
    return this.#expiry.takeLowest(
      highest,
      (held, at, rank) => rank === this.#rankOf(held) && at >= (this.get(held) ?? NEVER),
    );
  }

  /** The clock was set: looks now which bans have ended. */
  wake(): void {
    this.#expiry.wake();
  }

  stop(): void {
    this.#expiry.stop();
  }

  #note({ jail, target }: Held, until: Until | undefined): void {
    const before = this.get({ jail, target });
    this.#size += Number(until !== undefined) - Number(before !== undefined);
    this.#ending += Number(typeof until === "number") - Number(typeof before === "number");
    let bans = this.#jails.get(jail);
    if (bans === undefined) {
      bans = new Map();
      this.#jails.set(jail, bans);
    }
    if (until !== undefined) bans.set(target, until);
    else if (bans.delete(target) && this.#ranks.size > 0) this.#ranks.delete(keyOf({ jail, target }));
  }

  /** A ban that is none any more, or has another end or rank by now, stays in the heap until that is too long. */
  #schedule(at: number, held: Held): void {
    this.#expiry.add(at, held, this.#rankOf(held));
    if (this.#expiry.size <= 2 * this.#size + 1000) return;
    this.#expiry.compact((item, time, rank) => {
      const until = this.get(item);
      return until !== undefined && (until ?? NEVER) <= time && rank === this.#rankOf(item);
    });
  }

  #rankOf(held: Held): Rank {
    const known = this.#ranks.size > 0 ? this.#ranks.get(keyOf(held)) : undefined;
    return known ?? (this.get(held) === null ? RANK.forEver : RANK.once);
  }

  #isDue(held: Held): boolean {
    const until = this.get(held);
    return typeof until === "number" && until <= this.#clock.now();
  }
}

/** Whom a command is about, as the ledger has it. */
export function targetOf({ ip, id }: EnforcedDecision): string {
  return ip ?? ` ${id}`;
}

/** True for a ban that only actions can carry out. */
export function isId({ target }: Held): boolean {
  return target.startsWith(" ");
}

/** One text for each ban: jails have no blanks in their names. */
export function keyOf({ jail, target }: Held): string {
  return `${jail} ${target}`;
}

/** The command that ends a ban. `time` in epoch milliseconds. */
export function unbanOf({ jail, target }: Held, time: number, reason: UnbanReason): EnforcedUnban {
  const whom = isId({ jail, target }) ? { id: target.slice(1) } : { ip: target };
  return { cmd: "unban", jail, ...whom, time, reason };
}
