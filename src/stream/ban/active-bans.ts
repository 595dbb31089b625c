import type { Ban } from "../../protocol/command.ts";
import { type Rank, RankedHeap, rankOf } from "../../protocol/rank.ts";
import type { Jail } from "../../rules/rule.ts";
import { Evidence, NOWHERE } from "../window/evidence.ts";
import type { Key } from "../window/key.ts";
import { NONE, Table } from "../window/table.ts";

export interface ActiveBansOptions {
  /** Most bans in force. */
  readonly maxBans: number;
  /** Most bytes of evidence held, for bans that are written again; the oldest goes first. */
  readonly maxEvidence: number;
}

/** A ban in force. */
export interface ActiveBan {
  /** Undefined: the ban is from an earlier run, and its jail is gone. */
  jail: Jail | undefined;
  /** Without its evidence. */
  readonly ban: Ban;
  /** Counts bans from 0; its lines in the evidence are owned by this number. */
  readonly serial: number;
  /** The place of its newest line in the evidence. */
  readonly place: number;
  /** Windows completed since, and when the last one was (epoch milliseconds). */
  repeats: number;
  repeated: number | undefined;
  /** True for an entry left in the heap after its ban ended or got another end or rank. */
  isStale: boolean;
}

/** Stale entries allowed in the heap, besides one for each ban. */
const MAX_STALE = 1000;

/** Room above the bound for bans of a replay that have ended when they are written: they are there for a moment. */
const SPARE = 1000;

/** The bans in force, by subject, by age, and by the order in which they end or give way. */
export class ActiveBans {
  readonly #maxBans: number;
  readonly #rows: Table;
  /** By row. */
  readonly #bans: (ActiveBan | undefined)[] = [];
  readonly #evidence: Evidence;
  readonly #ends = new RankedHeap<ActiveBan>();
  #serial = 0;

  constructor({ maxBans, maxEvidence }: ActiveBansOptions) {
    this.#maxBans = maxBans;
    this.#rows = new Table({ maxRows: maxBans + SPARE, words: 0 });
    this.#evidence = new Evidence({ maxBytes: maxEvidence });
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Whether there is no room for one more. */
  get isFull(): boolean {
    return this.#rows.size >= this.#maxBans;
  }

  /** When the next ban ends, in epoch milliseconds; undefined: no ban ends. */
  get nextEnd(): number | undefined {
    return this.#ends.next;
  }

  /** Entries in the heap of ends, stale ones included. */
  get scheduled(): number {
    return this.#ends.size;
  }

  find(key: Key): ActiveBan | undefined {
    if (this.#rows.size === 0) return undefined;
    const row = this.#rows.find(key);
    return row === NONE ? undefined : this.#bans[row];
  }

  /** Adds a ban of a subject that has none. */
  add(key: Key, jail: Jail | undefined, ban: Ban, matches: readonly string[]): void {
    const serial = this.#serial++;
    const place = this.#evidence.add(NOWHERE, serial, matches, ban.time);
    const active = { jail, ban, serial, place, repeats: 0, repeated: undefined, isStale: false };
    this.#bans[this.#rows.insert(key)] = active;
    this.schedule(active);
  }

  /** Puts a ban with another end or rank in the place of what it was. */
  replace(key: Key, active: ActiveBan, changed: ActiveBan): void {
    active.isStale = true;
    this.#bans[this.#rows.find(key)] = changed;
    this.schedule(changed);
  }

  delete(key: Key, active: ActiveBan): void {
    active.isStale = true;
    const row = this.#rows.find(key);
    this.#bans[row] = undefined;
    this.#rows.delete(row);
  }

  /** Enters a ban into the heap. Stale entries stay there until their end, or until there are too many. */
  schedule(active: ActiveBan): void {
    this.#ends.add(endOfBan(active.ban), active, rankOfActive(active));
    if (this.#ends.size > 2 * this.size + MAX_STALE) this.#ends.compact(({ isStale }) => !isStale);
  }

  /** Takes the next ban that ends at `clock` or before out of the heap, in the order of their ends. */
  takeDue(clock: number): ActiveBan | undefined {
    for (let active = this.#ends.takeDue(clock); active; active = this.#ends.takeDue(clock))
      if (!active.isStale) return active;
    return undefined;
  }

  /** Takes the ban of the lowest rank, up to `highest`, that ends soonest out of the heap. */
  takeWeakest(highest: Rank): ActiveBan | undefined {
    return this.#ends.takeLowest(highest, ({ isStale }) => !isStale);
  }

  /** The evidence of a ban, as far as it is held. */
  matchesOf({ serial, place }: ActiveBan): readonly string[] {
    return this.#evidence.read(place, serial);
  }

  /** Oldest first. */
  inOrder(): readonly ActiveBan[] {
    return this.#bans.filter((active) => active !== undefined).sort((a, b) => a.serial - b.serial);
  }

  /** Bans by jail; a jail without bans is absent. */
  countByJail(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const active of this.#bans)
      if (active) counts.set(active.ban.jail, (counts.get(active.ban.jail) ?? 0) + 1);
    return counts;
  }
}

/** Epoch milliseconds; Infinity: never. */
export function endOfBan({ until }: Ban): number {
  return until ?? Number.POSITIVE_INFINITY;
}

export function rankOfActive({ ban, repeats }: ActiveBan): Rank {
  return rankOf(repeats > 0 ? { ...ban, repeat: true } : ban);
}
