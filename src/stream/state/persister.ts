import type { Ban } from "../../protocol/command.ts";
import type { Tally } from "../ban/failure-counter.ts";
import { isCountable } from "../ban/restore.ts";
import type { RunningJail } from "../jail/jail.ts";
import type { Needs } from "./compact.ts";
import type { Decision } from "./decision.ts";
import type { Part } from "./retention.ts";

/** What is kept, as a `BanLog` does. */
export interface KeptLog {
  readonly isNew: boolean;
  /** Up to when the log was read, in epoch milliseconds. */
  readonly seen: number | undefined;
  restore(): Iterable<Decision>;
  start(needs: Needs, now: number): void;
  flush(): void;
  see(time: number, now: number): void;
  end(): Promise<void>;
}

/** The engine, as far as its state is kept. */
export interface KeptEngine {
  readonly tally: Pick<Tally, "restore" | "banlist">;
  readonly jails: ReadonlyMap<string, RunningJail>;
  /** Up to when the log was read, in epoch milliseconds; undefined: that is not known. */
  readonly readUpTo: number | undefined;
  /** How much of the log before that would have to be read again after a restart, in milliseconds. */
  readonly reach: number;
}

/** How often it is noted up to when the log was read, in milliseconds: who is killed again and again must get on. */
const OFTEN = 500;

/** Keeps an engine's state: takes up what was known before, and sees to it that the next run can do the same. */
export class Keeper implements Needs {
  readonly #log: KeptLog;
  readonly #engine: KeptEngine;
  /** The time, in epoch milliseconds, and when it was last noted up to when the log was read. */
  #now: number;
  #noted = Number.NEGATIVE_INFINITY;

  constructor(log: KeptLog, engine: KeptEngine, now: number) {
    this.#log = log;
    this.#engine = engine;
    this.#now = now;
  }

  /**
   * Takes up the state: then the engine has written what became of it.
   *
   * @throws StateError when the file is something else
   */
  restore(): void {
    this.#knowEnough();
    this.#engine.tally.restore(this.#log.restore(), this.#log);
    this.#log.start(this, this.#now);
  }

  /** Puts what was decided into the state: before anybody is told. */
  flush(): void {
    this.#log.flush();
  }

  /** Input was read; `now` in epoch milliseconds. */
  note(now: number): void {
    this.#now = now;
    if (Math.abs(now - this.#noted) < OFTEN) return;
    this.#noted = now;
    this.#see();
  }

  /** The input has ended, or is not read any more. */
  async end(now: number): Promise<void> {
    this.#now = now;
    this.#see();
    await this.#log.end();
  }

  partOf(decision: Decision): Part {
    const state = this.#engine.tally.banlist.stateOf(decision);
    if (state === "in force") return "all";
    return state === "ended" || this.#isCounted(decision) ? "bare" : "nothing";
  }

  inForce(): Iterable<Ban> {
    return this.#engine.tally.banlist.inForce({});
  }

  /** Whether a jail that counts bans may count this one still. */
  #isCounted(decision: Decision): boolean {
    if (!isCountable(decision)) return false;
    for (const { jail } of this.#engine.jails.values())
      if (jail.on === "ban" && decision.time > this.#now - jail.findtime) return true;
    return false;
  }

  #see(): void {
    const time = this.#engine.readUpTo;
    if (time === undefined) return;
    this.#log.see(time, this.#now);
    this.#knowEnough();
  }

  /** What was remembered where the log may be read again must be known, however short jails remember it. */
  #knowEnough(): void {
    const { seen } = this.#log;
    this.#engine.tally.banlist.knownSince =
      seen === undefined ? Number.NEGATIVE_INFINITY : seen - this.#engine.reach;
  }
}
