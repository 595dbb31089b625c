import { type Ban, isBan, type Subject, type Unban, type UnbanReason } from "../../protocol/command.ts";
import { type Rank, RankedHeap, rankOf, yieldingTo } from "../../protocol/rank.ts";
import type { Jail } from "../../rules/rule.ts";
import { flat } from "../../shared/text.ts";
import { LAST_TIME } from "../../shared/time.ts";
import { Evidence, NOWHERE } from "../window/evidence.ts";
import { JailKeys, type Key } from "../window/key.ts";
import { NONE, Table } from "../window/table.ts";
import { bantimeOf } from "./escalation.ts";

export type { Subject };

/** A window that was completed. */
export interface BanRequest {
  readonly jail: Jail;
  readonly subject: Subject;
  /** Epoch milliseconds of the failure that completed it. */
  readonly time: number;
  readonly failures: number;
  readonly matches: readonly string[];
  /** How long the ban lasts, in milliseconds; null: for ever. Absent: as the jail has it. */
  readonly bantime?: number | null;
  /** Asked for by hand. */
  readonly manual?: true;
}

/** What is known of a subject in a jail. */
export interface Known {
  /** The ban in force, with its evidence. */
  readonly ban: Ban | undefined;
  /** Windows completed while it was in force, and when the last one was. */
  readonly repeats: number;
  readonly repeated: number | undefined;
  /** Bans there were, the one in force among them, as far as they are remembered. */
  readonly bancount: number;
  /** Until when the last one is remembered that has ended. */
  readonly remembered: number | undefined;
  /** How long the next ban would last, in milliseconds; null: for ever. */
  readonly next: number | null;
}

export interface BanListOptions {
  /** Most bans in force. For one more another is ended: of those worth least (`rank.ts`) the one that ends soonest. */
  readonly maxBans: number;
  /** Most bans remembered after their end, for escalation; those that ended first go first. */
  readonly maxRemembered: number;
  /** Most bytes of evidence held of bans in force, for when they are told again; that of the oldest goes first. */
  readonly maxEvidence: number;
}

/** A ban in force. */
interface Held {
  /** Undefined: of an earlier run, and the jail is gone. */
  jail: Jail | undefined;
  /** Without its evidence. */
  readonly ban: Ban;
  /** Which ban of all it is: its lines are owned by this number. */
  readonly turn: number;
  /** Where the newest of them is. */
  readonly place: number;
  /** Windows completed since, and when the last one was. */
  repeats: number;
  repeated: number | undefined;
  /** True for one that is left in the heap, ended or with another end or rank now. */
  isStale: boolean;
}

/** Ends in the heap that are none any more, besides as many as there are bans. */
const MAX_STALE = 1000;

/** Bans above the bound, for a moment: those of a replay that have ended when they are written. */
const SPARE = 1000;

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
const MAX_SECONDS = 2 ** 31 - 1;

/** Who is banned until when. Hands out bans as windows are completed and unbans as time passes. */
export class BanList {
  readonly #maxBans: number;
  readonly #maxRemembered: number;
  readonly #keys = new JailKeys();
  readonly #rows: Table;
  /** Bans in force by row. */
  readonly #held: (Held | undefined)[] = [];
  readonly #evidence: Evidence;
  readonly #due = new RankedHeap<Held>();
  /** Unbans of those that made room. */
  #evicted: Unban[] = [];
  /** Bans that have ended; none of somebody who is banned again. */
  readonly #past: Table;
  /** Nothing is forgotten that was remembered then, in epoch milliseconds: lines that are read may be as old. */
  knownSince = Number.POSITIVE_INFINITY;
  #turns = 0;
  #forgotten = 0;
  #refused = 0;

  constructor({ maxBans, maxRemembered, maxEvidence }: BanListOptions) {
    this.#maxBans = maxBans;
    this.#rows = new Table({ maxRows: maxBans + SPARE, words: 0 });
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

  /** Bans that were not put in force for want of room. */
  get refused(): number {
    return this.#refused;
  }

  /** Ends that are waited for, of bans released before among them. */
  get scheduled(): number {
    return this.#due.size;
  }

  /**
   * The unban of this subject, when its ban has ended by `time`, whatever the clock says: a line that tells of a later time
   * tells of an address that was free again.
   */
  takeEnded(jail: string, subject: Subject, time: number): Unban | undefined {
    if (this.#due.next === undefined || this.#due.next > time) return undefined;
    const held = this.#heldBy(this.#keys.of(jail, nameOf(subject)));
    if (held === undefined || held.ban.until === null || held.ban.until > time) return undefined;
    return this.#release(held, held.ban.until, "expired");
  }

  /** Takes a completed window of somebody who is banned already: gives the ban, without its evidence, which stays as it is. */
  repeat(jail: string, subject: Subject, time: number): Ban | undefined {
    const held = this.#heldBy(this.#keys.of(jail, nameOf(subject)));
    if (held === undefined) return undefined;
    held.repeats++;
    held.repeated = time;
    // It is worth more from now on.
    if (held.repeats === 1) this.#replace(held, { ...held });
    return held.ban;
  }

  /** A ban in force as it is told again. */
  again(ban: Ban, mark: Pick<Ban, "repeat" | "restored"> = { repeat: true }): Ban {
    const held = this.#heldBy(this.#keyOf(ban));
    return { ...ban, matches: held ? this.#matches(held) : [], ...mark };
  }

  /**
   * Takes a completed window of somebody who is not banned.
   *
   * @param clock epoch milliseconds: a ban that would have ended by then is not put in force
   * @param isHistory it is all the same, and takes no room: the caller ends it at once
   * @returns undefined when it is not put in force: it has ended, or is refused, since there is no room and none is worth less.
   * Where another made room `takeEvicted` has its unban, which comes first
   */
  ban(request: BanRequest, clock = Number.NEGATIVE_INFINITY, isHistory = false): Ban | undefined {
    const key = this.#keys.of(request.jail.name, nameOf(request.subject));
    const ban = this.#newBan(request, this.#recall(key, request.time));
    const isOver = ban.until !== null && ban.until <= clock;
    if (isOver && !isHistory) return undefined;
    if (!isOver && this.isFull && !this.#evict(yieldingTo(rankOf(ban)), ban.time)) {
      this.#refused++;
      return undefined;
    }
    this.#hold(key, request.jail, ban, request.matches);
    return { ...ban, matches: request.matches };
  }

  /** The unbans of bans that made room for others since it was last asked. */
  takeEvicted(): readonly Unban[] {
    return this.#evicted.length > 0 ? this.#evicted.splice(0) : this.#evicted;
  }

  /** The next unban that is due at `clock` or before, in the order of their ends. */
  takeDue(clock: number): Unban | undefined {
    for (let held = this.#due.takeDue(clock); held; held = this.#due.takeDue(clock)) {
      if (!held.isStale) return this.#release(held, held.ban.until ?? clock, "expired");
    }
    return undefined;
  }

  /** The bans in force as they are told again, oldest first. */
  *inForce(mark?: Pick<Ban, "repeat" | "restored">): Iterable<Ban> {
    for (const held of this.#inOrder()) yield this.again(held.ban, mark);
  }

  /** The bans in force, oldest first, without their evidence; what ends while they are gone through is left out. */
  *list(): Iterable<Ban> {
    for (const held of this.#inOrder()) if (!held.isStale) yield held.ban;
  }

  /** How many bans are in force, by jail; none where there are none. */
  countByJail(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const held of this.#held) if (held) counts.set(held.ban.jail, (counts.get(held.ban.jail) ?? 0) + 1);
    return counts;
  }

  /** The ban in force of a subject, without its evidence. */
  find(jail: string, subject: Subject): Ban | undefined {
    return this.#heldBy(this.#keys.of(jail, nameOf(subject)))?.ban;
  }

  known(jail: Jail, subject: Subject, time: number): Known {
    const key = this.#keys.of(jail.name, nameOf(subject));
    const held = this.#heldBy(key);
    const bancount = held?.ban.bancount ?? this.#recall(key, time);
    const past = this.#past.find(key);
    return {
      ban: held && { ...held.ban, matches: this.#matches(held) },
      repeats: held?.repeats ?? 0,
      repeated: held?.repeated,
      bancount,
      remembered: past === NONE || bancount === 0 ? undefined : this.#until(past),
      next: this.#bantime(jail, nameOf(subject), bancount, time),
    };
  }

  /** Lets a ban in force last `bantime` milliseconds from `time` on (null: for ever), whatever its end was. */
  prolong(jail: string, subject: Subject, time: number, bantime: number | null): Ban | undefined {
    const held = this.#heldBy(this.#keys.of(jail, nameOf(subject)));
    if (held === undefined) return undefined;
    const changed = { ...held, ban: { ...held.ban, until: endOf(time, bantime) } };
    this.#replace(held, changed);
    return { ...changed.ban, matches: this.#matches(changed) };
  }

  /** Ends a ban at `time`, whatever its `until`. */
  end(jail: string, subject: Subject, time: number, reason: UnbanReason): Unban | undefined {
    const held = this.#heldBy(this.#keys.of(jail, nameOf(subject)));
    return held && this.#release(held, time, reason);
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
   * Notes an unban of somebody who is not banned: failures before have had their answer.
   *
   * @param jail undefined: it is gone
   * @returns false when they had it before
   */
  forgive(unban: Unban, jail: Jail | undefined): boolean {
    const key = this.#keyOf(unban);
    if (freeFrom(unban) <= this.#freeSince(key)) return false;
    const row = this.#past.find(key);
    if (row === NONE) this.#remember(key, { bancount: 0, time: 0 }, unban, jail);
    else {
      if (unban.time > this.#until(row)) this.#setBan(row, { bancount: 0, time: 0 });
      this.#setEnd(row, unban, jail);
    }
    return true;
  }

  /**
   * Takes up a ban of an earlier run, for which there is room.
   *
   * @param jail as it is now; undefined: it is gone
   * @returns false when the same ban was there already
   */
  restore(ban: Ban, jail: Jail | undefined): boolean {
    const key = this.#keyOf(ban);
    const held = this.#heldBy(key);
    if (held) this.#drop(held, key);
    const { matches = [], repeat, restored, port, protocol, ...rest } = ban;
    const ports = jail ? portsOf(jail) : { ...(port && { port }), ...(protocol && { protocol }) };
    this.#hold(key, jail, { ...rest, ...ports }, matches);
    return held?.ban.time !== ban.time;
  }

  /**
   * Of the bans in force and `ban`, which is none of them, forgets the one of the lowest rank that ends soonest, as if it had
   * never been, and returns it.
   */
  forgetWeakest(ban: Ban): Ban {
    const rank = rankOf(ban);
    const weakest = this.#due.takeLowest(rank, ({ isStale }) => !isStale);
    if (weakest === undefined) return ban;
    if (rankOfHeld(weakest) === rank && dueAt(weakest.ban) > dueAt(ban)) {
      this.#schedule(weakest);
      return ban;
    }
    this.#drop(weakest, this.#keyOf(weakest.ban));
    return weakest.ban;
  }

  /** Takes up an unban of an earlier run. */
  restoreEnd(unban: Unban, jail: Jail | undefined): void {
    const held = this.#heldBy(this.#keyOf(unban));
    if (held) this.#release(held, unban.time, unban.reason ?? "expired");
    else this.forgive(unban, jail);
  }

  /** Whether this is what is known of its subject: its ban in force, or the last one that ended and its end. */
  stateOf(decision: Ban | Unban): "in force" | "ended" | "forgotten" {
    const key = this.#keyOf(decision);
    const held = this.#heldBy(key);
    if (held) {
      const { time, until } = held.ban;
      const isHeld = isBan(decision) && decision.time === time && decision.until === until;
      return isHeld ? "in force" : "forgotten";
    }
    const row = this.#past.find(key);
    if (row === NONE) return "forgotten";
    const isLast = isBan(decision)
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
    if (this.#rows.size === 0) return undefined;
    const row = this.#rows.find(key);
    return row === NONE ? undefined : this.#held[row];
  }

  #keyOf(decision: Ban | Unban): Key {
    return this.#keys.of(decision.jail, nameOf(subjectOf(decision)));
  }

  #matches({ turn, place }: Held): readonly string[] {
    return this.#evidence.read(place, turn);
  }

  #newBan(request: BanRequest, earlier: number): Ban {
    const { jail, subject, failures, manual } = request;
    // As it is told: a restart knows no more than that.
    const time = Math.floor(request.time);
    const { bantime = this.#bantime(jail, nameOf(subject), earlier, time) } = request;
    return {
      cmd: verb(jail),
      jail: jail.name,
      ...("ip" in subject ? { ip: flat(subject.ip) } : { id: flat(subject.id) }),
      time,
      until: endOf(time, bantime),
      ...portsOf(jail),
      failures,
      bancount: earlier + 1,
      ...(manual && { manual }),
    };
  }

  /** How long the next ban lasts, in milliseconds; null: for ever. */
  #bantime(jail: Jail, name: string, earlier: number, time: number): number | null {
    return bantimeOf(jail, name, jail.escalation.overalljails ? this.#bansOverall(name, time) : earlier);
  }

  #hold(key: Key, jail: Jail | undefined, ban: Ban, matches: readonly string[]): void {
    const turn = this.#turns++;
    const place = this.#evidence.add(NOWHERE, turn, matches, ban.time);
    const held = { jail, ban, turn, place, repeats: 0, repeated: undefined, isStale: false };
    this.#held[this.#rows.insert(key)] = held;
    const past = this.#past.find(key);
    if (past !== NONE) this.#past.delete(past);
    this.#schedule(held);
  }

  /** Puts what has changed of a ban in its place. */
  #replace(held: Held, changed: Held): void {
    held.isStale = true;
    this.#held[this.#rows.find(this.#keyOf(held.ban))] = changed;
    this.#schedule(changed);
  }

  /** Ends the ban of the lowest rank, up to `highest`, that ends soonest. Returns false where there is none. */
  #evict(highest: Rank, time: number): boolean {
    const held = this.#due.takeLowest(highest, ({ isStale }) => !isStale);
    if (held === undefined) return false;
    this.#evicted.push(this.#release(held, time, "evicted"));
    return true;
  }

  /** Bans that were ended or changed stay in the heap until their end, or until they are too many. */
  #schedule(held: Held): void {
    this.#due.add(dueAt(held.ban), held, rankOfHeld(held));
    if (this.#due.size > 2 * this.size + MAX_STALE) this.#due.compact(({ isStale }) => !isStale);
  }

  #drop(held: Held, key: Key): void {
    held.isStale = true;
    const row = this.#rows.find(key);
    this.#held[row] = undefined;
    this.#rows.delete(row);
  }

  #release(held: Held, end: number, reason: UnbanReason): Unban {
    const { jail, ban } = held;
    const key = this.#keyOf(ban);
    this.#drop(held, key);
    const cmd = ban.cmd === "ban" ? "unban" : "would-unban";
    const time = Math.max(Math.floor(end), ban.time);
    const unban: Unban = { cmd, jail: ban.jail, ...subjectOf(ban), time, reason };
    this.#remember(key, ban, unban, jail);
    return unban;
  }

  /** Remembers a ban that has ended, and drops one that nobody remembers any more, or one too many. */
  #remember(key: Key, ban: Pick<Ban, "bancount" | "time">, unban: Unban, jail: Jail | undefined): void {
    const oldest = this.#past.victim((row) => -this.#until(row));
    const isFull = this.#past.size >= this.#maxRemembered;
    const isOver = oldest !== NONE && this.#isForgotten(oldest, unban.time);
    if (isFull && !isOver) this.#forgotten++;
    if (oldest !== NONE && (isFull || isOver)) this.#past.delete(oldest);
    const row = this.#past.insert(key);
    this.#setBan(row, ban);
    this.#setEnd(row, unban, jail);
  }

  #setBan(row: number, { bancount = 1, time }: Pick<Ban, "bancount" | "time">): void {
    this.#past.set(row, BANCOUNT, bancount);
    this.#past.set(row, BEGAN, time);
  }

  #setEnd(row: number, unban: Unban, jail: Jail | undefined): void {
    const free = freeFrom(unban);
    const seconds = Math.ceil((jail?.escalation.memory ?? MEMORY) / 1000);
    this.#past.set(row, HIGH, Math.floor(free / WORD));
    this.#past.set(row, LOW, free);
    this.#past.set(row, SECONDS, Math.min(seconds, MAX_SECONDS));
  }

  /** Which ban of its subject and jail the last one was that is remembered at `time`; 0: there is none. */
  #recall(key: Key, time: number): number {
    const row = this.#past.find(key);
    if (row === NONE) return 0;
    if (time <= this.#until(row)) return this.#past.get(row, BANCOUNT);
    if (this.#isForgotten(row, time)) this.#past.delete(row);
    return 0;
  }

  /** From when a subject was free again; -Infinity: that is not known, or it is not. */
  #freeSince(key: Key): number {
    const row = this.#past.find(key);
    return row === NONE ? Number.NEGATIVE_INFINITY : this.#free(row);
  }

  #free(row: number): number {
    return this.#past.get(row, HIGH) * WORD + (this.#past.get(row, LOW) >>> 0);
  }

  /** Until when an ended ban is remembered. */
  #until(row: number): number {
    return this.#free(row) + this.#past.get(row, SECONDS) * 1000;
  }

  #isForgotten(row: number, now: number): boolean {
    return this.#until(row) < Math.min(now, this.knownSince);
  }

  /** Bans of a subject in all jails, in force and remembered. */
  #bansOverall(name: string, time: number): number {
    return this.#keys.all(name).reduce((sum, key) => {
      const held = this.#heldBy(key);
      return sum + (held ? (held.ban.bancount ?? 1) : this.#recall(key, time));
    }, 0);
  }
}

/** `bantime` milliseconds behind `time`; null: never. */
/** What would end after LAST_TIME ends never. */
function endOf(time: number, bantime: number | null): number | null {
  return bantime !== null && time + bantime <= LAST_TIME ? time + bantime : null;
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

/** When a ban is due to end. */
function dueAt({ until }: Ban): number {
  return until ?? Number.POSITIVE_INFINITY;
}

function rankOfHeld({ ban, repeats }: Held): Rank {
  return rankOf(repeats > 0 ? { ...ban, repeat: true } : ban);
}
