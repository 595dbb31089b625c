import type { Ban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { isCountable } from "../ban/counted-bans.ts";
import type { Decision } from "./decision.ts";
import type { Retention, RetentionPolicy } from "./retention.ts";

/** Where the state is kept: a `BanLog`. */
export interface PersistedLog {
  readonly isNew: boolean;
  /** Up to when the log was read, in epoch milliseconds. */
  readonly seen: number | undefined;
  restore(): Iterable<Decision>;
  start(policy: RetentionPolicy, time: number): void;
  flush(): void;
  noteSeen(time: number, clock: number): void;
  end(): Promise<void>;
}

/** Bans, as far as the persister needs them. */
interface PersistedBans {
  /** Whether a decision is the ban in force of its subject, or the last ban that has ended, or its end. */
  stateOf(decision: Decision): "in force" | "ended" | "forgotten";
  /** The bans in force, oldest first, with their evidence and these marks. */
  inForce(mark: Pick<Ban, "repeat" | "restored">): Iterable<Ban>;
  /** Forgets nothing that was remembered at `time`, in epoch milliseconds. */
  keepSince(time: number): void;
}

/** What the state is of: the engine, as far as the persister needs it. */
export interface PersistedEngine {
  readonly decisions: {
    /** Goes on from the decisions of earlier runs, in their order. */
    restore(decisions: Iterable<Decision>, state: { readonly isNew: boolean }): void;
    readonly banlist: PersistedBans;
  };
  readonly jails: ReadonlyMap<string, { readonly jail: Jail }>;
  /** Up to when the log was read, in epoch milliseconds; undefined: not known. */
  readonly readUpTo: number | undefined;
  /** How much of the log before that a restart would have to read again, in milliseconds. */
  readonly lookback: number;
}

/** How often `seen` is written, in milliseconds: even a run that is killed again and again must get on. */
const NOTE_EVERY = 500;

/** Restores an engine from its state, and keeps the state such that the next run can do the same. */
export class Persister implements RetentionPolicy {
  readonly #log: PersistedLog;
  readonly #engine: PersistedEngine;
  /** The time, and when `seen` was last noted, in epoch milliseconds. */
  #now: number;
  #noted = Number.NEGATIVE_INFINITY;

  constructor(log: PersistedLog, engine: PersistedEngine, now: number) {
    this.#log = log;
    this.#engine = engine;
    this.#now = now;
  }

  /**
   * Restores the state. When it returns, the engine has written what became of it.
   *
   * @throws StateError when the file is something else
   */
  restore(): void {
    this.#keepRemembered();
    this.#engine.decisions.restore(this.#log.restore(), this.#log);
    this.#log.start(this, this.#now);
  }

  /** Writes what was decided to the state, before it goes to stdout. */
  flush(): void {
    this.#log.flush();
  }

  /** Input was read; `now` in epoch milliseconds. */
  note(now: number): void {
    this.#now = now;
    if (Math.abs(now - this.#noted) < NOTE_EVERY) return;
    this.#noted = now;
    this.#noteSeen();
  }

  /** The input has ended, or is no longer read. */
  async end(now: number): Promise<void> {
    this.#now = now;
    this.#noteSeen();
    await this.#log.end();
  }

  retentionOf(decision: Decision): Retention {
    const state = this.#engine.decisions.banlist.stateOf(decision);
    if (state === "in force") return "all";
    return state === "ended" || this.#isCounted(decision) ? "bare" : "nothing";
  }

  inForce(): Iterable<Ban> {
    return this.#engine.decisions.banlist.inForce({});
  }

  /** Whether a jail that counts bans may still count this one. */
  #isCounted(decision: Decision): boolean {
    if (!isCountable(decision)) return false;
    for (const { jail } of this.#engine.jails.values())
      if (jail.on === "ban" && decision.time > this.#now - jail.findtime) return true;
    return false;
  }

  #noteSeen(): void {
    const time = this.#engine.readUpTo;
    if (time === undefined) return;
    this.#log.noteSeen(time, this.#now);
    this.#keepRemembered();
  }

  /** Where the log may be read again, ended bans must be remembered, however short their jails remember them. */
  #keepRemembered(): void {
    const { seen } = this.#log;
    this.#engine.decisions.banlist.keepSince(
      seen === undefined ? Number.NEGATIVE_INFINITY : seen - this.#engine.lookback,
    );
  }
}
