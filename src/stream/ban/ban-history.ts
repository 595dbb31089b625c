import { type Ban, isBan, type Unban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import type { Key } from "../window/key.ts";
import { NONE, Table } from "../window/table.ts";

/** How long a ban is remembered whose jail is gone, in milliseconds. */
const MEMORY = 604_800_000;

/**
 * The words of a row: the bancount of a ban that has ended; from when its subject was free again, in two halves; for how
 * many seconds from then it is remembered; when it began, the lower half.
 */
const BANCOUNT = 0;
const HIGH = 1;
const LOW = 2;
const SECONDS = 3;
const BEGAN = 4;
const WORD = 2 ** 32;
const MAX_SECONDS = 2 ** 31 - 1;

/** What the history keeps of a ban. */
type EndedBan = Pick<Ban, "bancount" | "time">;

/** A row for a subject that was not banned. */
const NO_BAN: EndedBan = { bancount: 0, time: 0 };

/** The last ban that has ended of each subject that has none in force: for escalation, and for lines that are read again. */
export class BanHistory {
  readonly #maxRemembered: number;
  readonly #rows: Table;
  /** Nothing that was remembered at this time, in epoch milliseconds, is forgotten: lines as old may be read again. */
  keepSince = Number.POSITIVE_INFINITY;
  #forgotten = 0;

  constructor(maxRemembered: number) {
    this.#maxRemembered = maxRemembered;
    this.#rows = new Table({ maxRows: maxRemembered, words: 5 });
  }

  /** Bans forgotten before their time because there were too many. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Remembers a ban that has ended. Drops one whose time is over, or one too many. */
  add(key: Key, ban: EndedBan, unban: Unban, jail: Jail | undefined): void {
    const oldest = this.#rows.victim((row) => -this.#until(row));
    const isFull = this.#rows.size >= this.#maxRemembered;
    const isOver = oldest !== NONE && this.#isForgotten(oldest, unban.time);
    if (isFull && !isOver) this.#forgotten++;
    if (oldest !== NONE && (isFull || isOver)) this.#rows.delete(oldest);
    const row = this.#rows.insert(key);
    this.#setBan(row, ban);
    this.#setEnd(row, unban, jail);
  }

  delete(key: Key): void {
    const row = this.#rows.find(key);
    if (row !== NONE) this.#rows.delete(row);
  }

  /** The bancount of the subject's last ban, as far as it is remembered at `time`; 0: there is none. */
  bancountAt(key: Key, time: number): number {
    const row = this.#rows.find(key);
    if (row === NONE) return 0;
    if (time <= this.#until(row)) return this.#rows.get(row, BANCOUNT);
    if (this.#isForgotten(row, time)) this.#rows.delete(row);
    return 0;
  }

  /** From when a subject was free again, in epoch milliseconds; -Infinity: unknown. */
  freeSince(key: Key): number {
    const row = this.#rows.find(key);
    return row === NONE ? Number.NEGATIVE_INFINITY : this.#free(row);
  }

  /** Until when the subject's last ban is remembered, in epoch milliseconds; undefined: there is none. */
  rememberedUntil(key: Key): number | undefined {
    const row = this.#rows.find(key);
    return row === NONE ? undefined : this.#until(row);
  }

  /**
   * Notes an unban of a subject that is not banned: earlier failures count no more.
   *
   * @param jail undefined: it is gone
   * @returns false when they did not count before
   */
  forgive(key: Key, unban: Unban, jail: Jail | undefined): boolean {
    if (freeFrom(unban) <= this.freeSince(key)) return false;
    const row = this.#rows.find(key);
    if (row === NONE) this.add(key, NO_BAN, unban, jail);
    else {
      if (unban.time > this.#until(row)) this.#setBan(row, NO_BAN);
      this.#setEnd(row, unban, jail);
    }
    return true;
  }

  /** Whether a decision is the subject's last ban, or the end of it. */
  isLast(key: Key, decision: Ban | Unban): boolean {
    const row = this.#rows.find(key);
    if (row === NONE) return false;
    return isBan(decision)
      ? this.#rows.get(row, BEGAN) === (decision.time | 0)
      : this.#free(row) === freeFrom(decision);
  }

  #setBan(row: number, { bancount = 1, time }: EndedBan): void {
    this.#rows.set(row, BANCOUNT, bancount);
    this.#rows.set(row, BEGAN, time);
  }

  #setEnd(row: number, unban: Unban, jail: Jail | undefined): void {
    const free = freeFrom(unban);
    const seconds = Math.ceil((jail?.escalation.memory ?? MEMORY) / 1000);
    this.#rows.set(row, HIGH, Math.floor(free / WORD));
    this.#rows.set(row, LOW, free);
    this.#rows.set(row, SECONDS, Math.min(seconds, MAX_SECONDS));
  }

  #free(row: number): number {
    return this.#rows.get(row, HIGH) * WORD + (this.#rows.get(row, LOW) >>> 0);
  }

  #until(row: number): number {
    return this.#free(row) + this.#rows.get(row, SECONDS) * 1000;
  }

  #isForgotten(row: number, now: number): boolean {
    return this.#until(row) < Math.min(now, this.keepSince);
  }
}

/** From when failures count again: at the very end of a ban that expired, a millisecond after any other unban. */
function freeFrom({ time, reason }: Unban): number {
  return reason === "expired" ? time : time + 1;
}
