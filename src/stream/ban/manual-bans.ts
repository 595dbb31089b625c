import type { Ban, Subject } from "../../protocol/command.ts";
import type { RunningJail } from "../jail/running-jail.ts";
import { nameOf } from "../jail/subject.ts";
import type { BanRecord } from "./ban-list.ts";
import type { Decisions } from "./decisions.ts";

/** What a jail holds of a subject. */
export interface SubjectRecord extends BanRecord {
  /** The times of the failures that count now, in epoch milliseconds, ascending. */
  readonly failures: readonly number[];
  /** Their lines, as far as they are held. */
  readonly matches: readonly string[];
}

/** Bans and unbans by hand, and what is known for that. Jails are those at work: an unknown one throws RangeError. */
export class ManualBans {
  readonly #decisions: Decisions;

  constructor(decisions: Decisions) {
    this.#decisions = decisions;
  }

  /** Bans in force. */
  get size(): number {
    return this.#decisions.banlist.size;
  }

  /** Whether another ban has to end for a new one. */
  get isFull(): boolean {
    return this.#decisions.banlist.isFull;
  }

  /** The bans in force, oldest first, without their evidence. */
  list(): Iterable<Ban> {
    return this.#decisions.banlist.list();
  }

  /** The ban in force of a subject, without its evidence. */
  find(jail: string, subject: Subject): Ban | undefined {
    return this.#decisions.banlist.find(jail, subject);
  }

  recordOf(name: string, subject: Subject): SubjectRecord {
    const { jail, window } = this.#running(name);
    const { banlist, time } = this.#decisions;
    const since = time - jail.findtime;
    return {
      ...banlist.recordOf(jail, subject, time),
      failures: window.timesOf(nameOf(subject)).filter((each) => each > since),
      matches: window.matchesOf(nameOf(subject), since),
    };
  }

  /**
   * Bans, whatever was counted; the count is zero after that. A ban in force is given the new end, or stays as it is.
   *
   * @param bantime milliseconds; null: for ever; undefined: as the jail has it
   * @returns the ban in force; undefined when it would last no time, or `isFull`
   */
  ban(name: string, subject: Subject, bantime: number | null | undefined): Ban | undefined {
    if (this.find(name, subject)) return this.#prolong(name, subject, bantime);
    const running = this.#running(name);
    const { failures, matches } = this.recordOf(name, subject);
    const request = {
      jail: running.jail,
      subject,
      time: this.#decisions.time,
      failures: failures.length,
      matches,
      manual: true,
    } as const;
    return this.#decisions.banByHand(running, bantime === undefined ? request : { ...request, bantime });
  }

  /** Ends a ban and sets the count to zero. Returns false when there was no ban. */
  unban(name: string, subject: Subject): boolean {
    const newest = this.#decisions.jails.get(name)?.window.timesOf(nameOf(subject)).at(-1);
    // A failure that counts may be a little ahead of the clock.
    const time = Math.max(this.#decisions.time, newest ?? 0);
    const unban = this.#decisions.banlist.end(name, subject, time, "manual");
    if (unban) this.#decisions.unban(unban);
    else this.#decisions.forgive({ cmd: "unban", jail: name, ...subject, time, reason: "manual" });
    return unban !== undefined;
  }

  #prolong(name: string, subject: Subject, bantime: number | null | undefined): Ban | undefined {
    const { banlist, time } = this.#decisions;
    if (bantime === undefined) return banlist.find(name, subject);
    const changed = banlist.prolong(name, subject, time, bantime);
    if (changed) this.#decisions.write(changed);
    return changed;
  }

  #running(name: string): RunningJail {
    const running = this.#decisions.jails.get(name);
    if (running === undefined) throw new RangeError(`no jail ${name}`);
    return running;
  }
}
