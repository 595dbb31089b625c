import type { Ban, Unban, UnbanReason } from "../command.ts";
import { Heap } from "../heap.ts";
import type { Jail } from "../rules/rule.ts";
import { bantimeOf } from "./escalation.ts";

/** Latest time that a command can tell, 9999-12-31T23:59:59.999Z: what ends later ends never. */
const LAST_TIME = 253_402_300_799_999;

/** Whom a ban is about: an address or network in canonical text, or another failure id. */
export type Subject = { readonly ip: string } | { readonly id: string };

/** A window that was completed. */
export interface BanRequest {
  readonly jail: Jail;
  readonly subject: Subject;
  /** Epoch milliseconds of the failure that completed it. */
  readonly time: number;
  readonly failures: number;
  readonly matches: readonly string[];
}

export interface BanListOptions {
  /** Most bans remembered after their end, for escalation; those that ended first go first. */
  readonly maxRemembered: number;
}

/** A ban in force. */
interface Held {
  readonly jail: Jail;
  readonly ban: Ban;
}

/** What is left of a ban when it has ended. */
interface Past {
  readonly bancount: number;
  /** Until when it is remembered, in epoch milliseconds. */
  readonly until: number;
}

/** Who is banned until when. Hands out bans as windows are completed and unbans as time passes. */
export class BanList {
  readonly #options: BanListOptions;
  /** By jail and subject, in the order of their bans. */
  readonly #held = new Map<string, Held>();
  readonly #due = new Heap<Held>();
  /** By jail and subject, those that ended first in front; none that is banned again. */
  readonly #past = new Map<string, Past>();
  /** Bans by subject over all jails, in force and remembered; for `overalljails`. */
  readonly #overall = new Map<string, number>();

  constructor(options: BanListOptions) {
    this.#options = options;
  }

  /** Bans in force. */
  get size(): number {
    return this.#held.size;
  }

  /** When the next ban ends, in epoch milliseconds; undefined: none of them ends. */
  get nextEnd(): number | undefined {
    return this.#due.next;
  }

  /**
   * The unban of this subject, when its ban has ended by `time`, whatever the clock says: a line that tells of a later time
   * tells of an address that was free again.
   */
  takeEnded(jail: string, subject: Subject, time: number): Unban | undefined {
    const key = keyOf(jail, subject);
    const held = this.#held.get(key);
    if (held === undefined || held.ban.until === null || held.ban.until > time) return undefined;
    return this.#release(key, held, held.ban.until, "expired");
  }

  /**
   * Takes a completed window. The command says `repeat` when the subject is banned already: then nothing changes.
   *
   * @param clock epoch milliseconds: a ban that would have ended by then is not put in force and gives undefined. A replay,
   * whose bans are history, leaves it out
   */
  ban(request: BanRequest, clock = Number.NEGATIVE_INFINITY): Ban | undefined {
    const key = keyOf(request.jail.name, request.subject);
    const held = this.#held.get(key);
    if (held) return { ...held.ban, repeat: true };
    const ban = this.#newBan(request, this.#recall(key, request.time)?.bancount ?? 0);
    if (ban.until !== null && ban.until <= clock) return undefined;
    this.#hold(key, { jail: request.jail, ban });
    return ban;
  }

  /** The next unban that is due at `clock` or before, in the order of their ends. */
  takeDue(clock: number): Unban | undefined {
    for (let held = this.#due.takeDue(clock); held; held = this.#due.takeDue(clock)) {
      const key = keyOf(held.ban.jail, subjectOf(held.ban));
      if (this.#held.get(key) === held) return this.#release(key, held, held.ban.until ?? clock, "expired");
    }
    return undefined;
  }

  /** The bans in force, oldest first. */
  *inForce(): Iterable<Ban> {
    for (const { ban } of this.#held.values()) yield ban;
  }

  /** Takes up new rules: bans of jails that are gone, or that now only watch, or no longer do, are ended. */
  reload(jails: ReadonlyMap<string, Jail>, clock: number): readonly Unban[] {
    const unbans: Unban[] = [];
    for (const [key, held] of this.#held) {
      const jail = jails.get(held.ban.jail);
      if (jail && verb(jail) === held.ban.cmd) this.#held.set(key, this.#moved(held, jail));
      else unbans.push(this.#release(key, held, clock, "reload"));
    }
    return unbans;
  }

  /** The same ban under a jail that was read again; the timer that runs for it stays. */
  #moved(held: Held, jail: Jail): Held {
    return Object.assign(held, { jail });
  }

  #newBan({ jail, subject, time, failures, matches }: BanRequest, earlier: number): Ban {
    const name = nameOf(subject);
    const count = jail.escalation.overalljails ? (this.#overall.get(name) ?? 0) : earlier;
    const bantime = bantimeOf(jail, name, count) ?? Number.POSITIVE_INFINITY;
    return {
      cmd: verb(jail),
      jail: jail.name,
      ...subject,
      time,
      until: time + bantime <= LAST_TIME ? time + bantime : null,
      ...(jail.port && { port: jail.port, protocol: jail.protocol }),
      failures,
      bancount: earlier + 1,
      matches,
    };
  }

  #hold(key: string, held: Held): void {
    this.#held.set(key, held);
    this.#past.delete(key);
    if (held.ban.until !== null) this.#due.add(held.ban.until, held);
    const name = nameOf(subjectOf(held.ban));
    this.#overall.set(name, (this.#overall.get(name) ?? 0) + 1);
  }

  #release(key: string, { jail, ban }: Held, time: number, reason: UnbanReason): Unban {
    this.#held.delete(key);
    this.#past.set(key, { bancount: ban.bancount ?? 1, until: time + jail.escalation.memory });
    this.#forgetEnded(time);
    const cmd = ban.cmd === "ban" ? "unban" : "would-unban";
    return { cmd, jail: ban.jail, ...subjectOf(ban), time, reason };
  }

  /** What is known of the subject's last ban at `time`. */
  #recall(key: string, time: number): Past | undefined {
    const past = this.#past.get(key);
    if (past === undefined || time <= past.until) return past;
    this.#forget(key, past);
    return undefined;
  }

  /** Drops what nobody remembers any more, and the oldest where there are too many. */
  #forgetEnded(now: number): void {
    for (const [key, past] of this.#past) {
      if (past.until >= now && this.#past.size <= this.#options.maxRemembered) return;
      this.#forget(key, past);
    }
  }

  #forget(key: string, past: Past): void {
    this.#past.delete(key);
    const name = key.slice(key.indexOf("\0") + 1);
    const left = (this.#overall.get(name) ?? 0) - past.bancount;
    if (left > 0) this.#overall.set(name, left);
    else this.#overall.delete(name);
  }
}

/** `ban`, or `would-ban` for a jail that only watches. */
function verb(jail: Jail): Ban["cmd"] {
  return jail.mode === "shadow" ? "would-ban" : "ban";
}

function subjectOf(ban: Ban): Subject {
  return ban.ip === undefined ? { id: ban.id ?? "" } : { ip: ban.ip };
}

/** One name for a subject, whatever its kind: an id cannot pass for an address. */
export function nameOf(subject: Subject): string {
  return "ip" in subject ? subject.ip : `id ${subject.id}`;
}

function keyOf(jail: string, subject: Subject): string {
  return `${jail}\0${nameOf(subject)}`;
}
