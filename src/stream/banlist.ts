import type { Ban, Unban, UnbanReason } from "../command.ts";
import { Heap } from "../heap.ts";
import type { Jail } from "../rules/rule.ts";
import { flat } from "../text.ts";
import { bantimeOf } from "./escalation.ts";
import { Evidence } from "./evidence.ts";
import { JailKeys, type Key } from "./key.ts";
import { NONE, Table } from "./table.ts";

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
  /** Most bans in force. One that was told must end at its time, so none is pushed out: a new one is not put in force. */
  readonly maxBans: number;
  /** Most bans remembered after their end, for escalation; those that ended first go first. */
  readonly maxRemembered: number;
  /** Most bytes of evidence held of bans in force, for when they are told again; that of the oldest goes first. */
  readonly maxEvidence: number;
}

/** A ban in force. */
interface Held {
  /** Undefined: of an earlier run, and there is no such jail any more. */
  jail: Jail | undefined;
  /** Without its evidence. */
  readonly ban: Ban;
  /** Which ban of all it is. */
  readonly turn: number;
}

/** Ends of bans that were released before are dropped from the queue when they are this many times the bans in force, or more. */
const STALE = 2;

/** How long a ban is remembered whose jail is gone, in milliseconds. */
const MEMORY = 604_800_000;

/**
 * What is left of a ban that has ended, in words: its bancount; from when its subject was free again, in two halves; for how
 * many seconds from then it is remembered; when it began, the lower half.
 */
const BANCOUNT = 0;
const HIGH = 1;
const LOW = 2;
const SECONDS = 3;
const BEGAN = 4;
const WORD = 2 ** 32;

/** Who is banned until when. Hands out bans as windows are completed and unbans as time passes. */
export class BanList {
  readonly #maxBans: number;
  readonly #maxRemembered: number;
  readonly #keys = new JailKeys();
  readonly #rows: Table;
  /** Bans in force by row. */
  readonly #held: (Held | undefined)[] = [];
  readonly #evidence: Evidence;
  readonly #due = new Heap<Held>();
  /** Bans that have ended; none of somebody who is banned again. */
  readonly #past: Table;
  /** What ended since then, in epoch milliseconds, is known, be it forgotten or not: that part of the log may be read again. */
  knownSince = Number.POSITIVE_INFINITY;
  #turns = 0;
  #forgotten = 0;

  constructor({ maxBans, maxRemembered, maxEvidence }: BanListOptions) {
    this.#maxBans = maxBans;
    this.#rows = new Table({ maxRows: maxBans, words: 0 });
    this.#maxRemembered = maxRemembered;
    this.#evidence = new Evidence({ maxBytes: maxEvidence });
    this.#past = new Table({ maxRows: maxRemembered, words: 5 });
  }

  /** Bans in force. */
  get size(): number {
    return this.#rows.size;
  }

  /** Whether there is no room for one more. */
  get isFull(): boolean {
    return this.#rows.size >= this.#maxBans;
  }

  /** When the next ban ends, in epoch milliseconds; undefined: none of them ends. */
  get nextEnd(): number | undefined {
    return this.#due.next;
  }

  /** Bans that ended and were forgotten before their time, since there were too many. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Ends that are waited for, of bans released before among them. */
  get scheduled(): number {
    return this.#due.size;
  }

  /** Whether this subject is banned. */
  holds(jail: string, subject: Subject): boolean {
    return this.#heldBy(this.#keys.of(jail, nameOf(subject))) !== undefined;
  }

  /**
   * The unban of this subject, when its ban has ended by `time`, whatever the clock says: a line that tells of a later time
   * tells of an address that was free again.
   */
  takeEnded(jail: string, subject: Subject, time: number): Unban | undefined {
    const held = this.#heldBy(this.#keys.of(jail, nameOf(subject)));
    if (held === undefined || held.ban.until === null || held.ban.until > time) return undefined;
    return this.#release(held, held.ban.until, "expired");
  }

  /**
   * Takes a completed window. The command says `repeat` when the subject is banned already: then nothing changes.
   *
   * @param clock epoch milliseconds: a ban that would have ended by then is not put in force. A replay, whose bans are history,
   * leaves it out
   * @returns undefined when it is not put in force: it has ended, or `isFull`
   */
  ban(request: BanRequest, clock = Number.NEGATIVE_INFINITY): Ban | undefined {
    const key = this.#keys.of(request.jail.name, nameOf(request.subject));
    const held = this.#heldBy(key);
    if (held) return { ...this.#withEvidence(held), repeat: true };
    if (this.isFull) return undefined;
    const ban = this.#newBan(request, this.#recall(key, request.time));
    if (ban.until !== null && ban.until <= clock) return undefined;
    this.#hold(key, { jail: request.jail, ban, turn: this.#turns++ }, request.matches);
    return { ...ban, matches: request.matches };
  }

  /** The next unban that is due at `clock` or before, in the order of their ends. */
  takeDue(clock: number): Unban | undefined {
    for (let held = this.#due.takeDue(clock); held; held = this.#due.takeDue(clock)) {
      if (this.#heldBy(this.#keyOf(held.ban)) === held)
        return this.#release(held, held.ban.until ?? clock, "expired");
    }
    return undefined;
  }

  /** The bans in force, oldest first, as they are told again. */
  *inForce(mark: Pick<Ban, "repeat" | "restored"> = { repeat: true }): Iterable<Ban> {
    for (const held of this.#inOrder()) yield { ...this.#withEvidence(held), ...mark };
  }

  /**
   * Whether a failure at `time` had its answer: it came no later than the ban in force, or before the last one ended.
   *
   * @param latest epoch milliseconds: what was decided later is from before the clock was set back, and answers nothing
   */
  isAnswered(jail: string, subject: Subject, time: number, latest: number): boolean {
    const key = this.#keys.of(jail, nameOf(subject));
    const answered = this.#heldBy(key)?.ban.time ?? this.#freeSince(key) - 1;
    return Math.floor(time) <= answered && answered <= latest;
  }

  /**
   * Takes up a ban of an earlier run.
   *
   * @param jail as it is now; undefined: it is gone
   * @returns false when the same ban was there already
   */
  restore(ban: Ban, jail: Jail | undefined): boolean {
    const key = this.#keyOf(ban);
    const held = this.#heldBy(key);
    if (held) this.#drop(key);
    const { matches = [], repeat, restored, port, protocol, ...rest } = ban;
    const ports = jail ? portsOf(jail) : { ...(port && { port }), ...(protocol && { protocol }) };
    this.#hold(key, { jail, ban: { ...rest, ...ports }, turn: this.#turns++ }, matches);
    return held?.ban.time !== ban.time;
  }

  /** Takes up the end of a ban in an earlier run. */
  restoreEnd(unban: Unban): void {
    const held = this.#heldBy(this.#keyOf(unban));
    if (held) this.#release(held, unban.time, unban.reason ?? "expired");
  }

  /** Whether this is what is known of its subject: its ban in force, or the last one and its end. */
  stateOf(decision: Ban | Unban): "in force" | "ended" | "forgotten" {
    const key = this.#keyOf(decision);
    const held = this.#heldBy(key);
    const isBan = "until" in decision;
    if (held) {
      const { time, until } = held.ban;
      return isBan && decision.time === time && decision.until === until ? "in force" : "forgotten";
    }
    const row = this.#past.find(key);
    if (row === NONE) return "forgotten";
    const isLast = isBan
      ? this.#past.get(row, BEGAN) === (decision.time | 0)
      : this.#free(row) === freeFrom(decision);
    return isLast ? "ended" : "forgotten";
  }

  /** Takes up new rules: bans of jails that are gone, or that now only watch, or no longer do, are ended. */
  reload(jails: ReadonlyMap<string, Jail>, clock: number): readonly Unban[] {
    const unbans: Unban[] = [];
    for (const held of this.#inOrder()) {
      const jail = jails.get(held.ban.jail);
      if (jail && verb(jail) === held.ban.cmd) held.jail = jail;
      else unbans.push(this.#release(held, clock, "reload"));
    }
    return unbans;
  }

  #inOrder(): readonly Held[] {
    return this.#held.filter((held) => held !== undefined).sort((a, b) => a.turn - b.turn);
  }

  #heldBy(key: Key): Held | undefined {
    const row = this.#rows.find(key);
    return row === NONE ? undefined : this.#held[row];
  }

  #keyOf(decision: Ban | Unban): Key {
    return this.#keys.of(decision.jail, nameOf(subjectOf(decision)));
  }

  #withEvidence({ ban }: Held): Ban {
    return { ...ban, matches: this.#evidence.of(this.#keyOf(ban)) };
  }

  #newBan({ jail, subject, failures, ...request }: BanRequest, earlier: number): Ban {
    const name = nameOf(subject);
    // As it is told: a restart knows no more than that.
    const time = Math.floor(request.time);
    const count = jail.escalation.overalljails ? this.#bansOverall(name, time) : earlier;
    const bantime = bantimeOf(jail, name, count) ?? Number.POSITIVE_INFINITY;
    return {
      cmd: verb(jail),
      jail: jail.name,
      ...("ip" in subject ? { ip: flat(subject.ip) } : { id: flat(subject.id) }),
      time,
      until: time + bantime <= LAST_TIME ? time + bantime : null,
      ...portsOf(jail),
      failures,
      bancount: earlier + 1,
    };
  }

  #hold(key: Key, held: Held, matches: readonly string[]): void {
    const { time, until } = held.ban;
    this.#held[this.#rows.insert(key)] = held;
    this.#evidence.add(key, matches, time);
    const past = this.#past.find(key);
    if (past !== NONE) this.#past.delete(past);
    if (until !== null) this.#schedule(until, held);
  }

  /** Bans that were released before their end are still in the queue: when they are most of it, it is cleared of them. */
  #schedule(until: number, held: Held): void {
    this.#due.add(until, held);
    if (this.#due.size <= STALE * this.#rows.size + 1000) return;
    this.#due.compact((each) => this.#heldBy(this.#keyOf(each.ban)) === each);
  }

  #drop(key: Key): void {
    const row = this.#rows.find(key);
    this.#held[row] = undefined;
    this.#rows.delete(row);
    this.#evidence.forget(key);
  }

  #release({ jail, ban }: Held, end: number, reason: UnbanReason): Unban {
    const key = this.#keyOf(ban);
    this.#drop(key);
    const cmd = ban.cmd === "ban" ? "unban" : "would-unban";
    const time = Math.max(Math.floor(end), ban.time);
    const unban = { cmd, jail: ban.jail, ...subjectOf(ban), time, reason } as const;
    this.#remember(key, ban, unban, jail?.escalation.memory ?? MEMORY);
    return unban;
  }

  /** Remembers a ban that has ended, and drops one that nobody remembers any more, or one too many. */
  #remember(key: Key, ban: Ban, unban: Unban, memory: number): void {
    const oldest = this.#past.victim((row) => -this.#until(row));
    const isFull = this.#past.size >= this.#maxRemembered;
    const isOver = oldest !== NONE && this.#isForgotten(oldest, unban.time);
    if (isFull && !isOver) this.#forgotten++;
    if (oldest !== NONE && (isFull || isOver)) this.#past.delete(oldest);
    const free = freeFrom(unban);
    const row = this.#past.insert(key);
    this.#past.set(row, BANCOUNT, ban.bancount ?? 1);
    this.#past.set(row, HIGH, Math.floor(free / WORD));
    this.#past.set(row, LOW, free);
    this.#past.set(row, SECONDS, Math.min(Math.ceil(memory / 1000), WORD / 2 - 1));
    this.#past.set(row, BEGAN, ban.time);
  }

  /** Which ban of its subject and jail the last one was that is remembered at `time`; 0: there is none. */
  #recall(key: Key, time: number): number {
    const row = this.#past.find(key);
    if (row === NONE) return 0;
    if (time <= this.#until(row)) return this.#past.get(row, BANCOUNT);
    if (this.#isForgotten(row, time)) this.#past.delete(row);
    return 0;
  }

  #freeSince(key: Key): number {
    const row = this.#past.find(key);
    return row === NONE ? Number.NEGATIVE_INFINITY : this.#free(row);
  }

  /** From when the subject of an ended ban was free again. */
  #free(row: number): number {
    return this.#past.get(row, HIGH) * WORD + (this.#past.get(row, LOW) >>> 0);
  }

  /** Until when an ended ban is remembered. */
  #until(row: number): number {
    return this.#free(row) + this.#past.get(row, SECONDS) * 1000;
  }

  #isForgotten(row: number, now: number): boolean {
    return this.#until(row) < now && this.#free(row) < this.knownSince;
  }

  /** Bans of a subject in all jails, in force and remembered. */
  #bansOverall(name: string, time: number): number {
    return this.#keys.all(name).reduce((sum, key) => {
      const held = this.#heldBy(key);
      return sum + (held ? (held.ban.bancount ?? 1) : this.#recall(key, time));
    }, 0);
  }
}

/** `ban`, or `would-ban` for a jail that only watches. */
function verb(jail: Jail): Ban["cmd"] {
  return jail.mode === "shadow" ? "would-ban" : "ban";
}

function portsOf({ port, protocol }: Jail): Pick<Ban, "port" | "protocol"> {
  return port ? { port, protocol } : {};
}

/** From when failures count again: at the very end of a ban that ran out, after any other unban. */
function freeFrom({ time, reason }: Unban): number {
  return reason === "expired" ? time : time + 1;
}

/** Whom a ban or unban is about. */
export function subjectOf({ ip, id }: Ban | Unban): Subject {
  return ip === undefined ? { id: id ?? "" } : { ip };
}

/** One name for a subject, whatever its kind: an id cannot pass for an address. */
export function nameOf(subject: Subject): string {
  return "ip" in subject ? subject.ip : `id ${subject.id}`;
}
