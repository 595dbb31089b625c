import { type Ban, isBan, type Subject, type Unban, type UnbanReason } from "../../protocol/command.ts";
import { type Rank, rankOf, yieldingTo } from "../../protocol/rank.ts";
import type { Jail } from "../../rules/rule.ts";
import { nameOf, subjectOf } from "../jail/subject.ts";
import { JailKeys, type Key } from "../window/key.ts";
import { type ActiveBan, ActiveBans, endOfBan, rankOfActive } from "./active-bans.ts";
import { BanHistory } from "./ban-history.ts";
import { bantimeOf } from "./escalation.ts";
import { type BanRequest, banCommandOf, endAfter, newBan, portsOf } from "./new-ban.ts";

/** The bans of a subject in a jail. Times are epoch milliseconds. */
export interface BanRecord {
  /** The ban in force, with its evidence. */
  readonly ban: Ban | undefined;
  /** Windows completed while it was in force, and when the last one was. */
  readonly repeats: number;
  readonly repeated: number | undefined;
  /** Bans so far, as far as they are remembered, the one in force included. */
  readonly bancount: number;
  /** Until when the last ban that has ended is remembered. */
  readonly remembered: number | undefined;
  /** How long the next ban would last, in milliseconds; null: for ever. */
  readonly next: number | null;
}

export interface BanListOptions {
  /** Most bans in force. A new one above that ends another: of those of the lowest rank (`rank.ts`) the one that ends soonest. */
  readonly maxBans: number;
  /** Most bans remembered after their end, for escalation; those that ended first go first. */
  readonly maxRemembered: number;
  /** Most bytes of evidence held of bans in force, for bans that are written again; the oldest goes first. */
  readonly maxEvidence: number;
}

/** Marks of a ban that is written again. */
export type RepeatMark = Pick<Ban, "repeat" | "restored">;

/** Who is banned until when. Turns completed windows into bans, and passing time into unbans. */
export class BanList {
  readonly #keys = new JailKeys();
  readonly #active: ActiveBans;
  readonly #history: BanHistory;
  /** Unbans of bans that made room for others. */
  #evicted: Unban[] = [];
  #refused = 0;

  constructor(options: BanListOptions) {
    this.#active = new ActiveBans(options);
    this.#history = new BanHistory(options.maxRemembered);
  }

  /** Bans in force. */
  get size(): number {
    return this.#active.size;
  }

  /** Whether there is no room for one more. */
  get isFull(): boolean {
    return this.#active.isFull;
  }

  /** When the next ban ends, in epoch milliseconds; undefined: no ban ends. */
  get nextEnd(): number | undefined {
    return this.#active.nextEnd;
  }

  /** Bans that ended and were forgotten before their time because there were too many. */
  get forgotten(): number {
    return this.#history.forgotten;
  }

  /** Bans that were not put in force for want of room. */
  get refused(): number {
    return this.#refused;
  }

  /** Scheduled ends, those of bans that have ended meanwhile included. */
  get scheduled(): number {
    return this.#active.scheduled;
  }

  /** Forgets nothing that was remembered at `time`, in epoch milliseconds: lines as old may be read again. */
  keepSince(time: number): void {
    this.#history.keepSince = time;
  }

  /**
   * The unban of this subject, when its ban has ended by `time`, whatever the clock says: a line of a later time shows an
   * address that was free again.
   */
  takeEnded(jail: string, subject: Subject, time: number): Unban | undefined {
    const { nextEnd } = this.#active;
    if (nextEnd === undefined || nextEnd > time) return undefined;
    const active = this.#find(jail, subject);
    if (active === undefined || active.ban.until === null || active.ban.until > time) return undefined;
    return this.#release(active, active.ban.until, "expired");
  }

  /** Takes a completed window of a subject that is banned already: returns the ban, unchanged, without its evidence. */
  repeat(jail: string, subject: Subject, time: number): Ban | undefined {
    const key = this.#keys.of(jail, nameOf(subject));
    const active = this.#active.find(key);
    if (active === undefined) return undefined;
    active.repeats++;
    active.repeated = time;
    // Its rank is higher from now on.
    if (active.repeats === 1) this.#active.replace(key, active, { ...active });
    return active.ban;
  }

  /** How many bans of a subject that has none in force are remembered at `time`. */
  earlierBans(jail: string, subject: Subject, time: number): number {
    return this.#history.bancountAt(this.#keys.of(jail, nameOf(subject)), time);
  }

  /** A ban in force as it is written again, with its evidence. */
  again(ban: Ban, mark: RepeatMark = { repeat: true }): Ban {
    const active = this.#active.find(this.#keyOf(ban));
    return { ...ban, matches: active ? this.#active.matchesOf(active) : [], ...mark };
  }

  /**
   * Takes a completed window of a subject that is not banned.
   *
   * @param clock epoch milliseconds: a ban that would have ended by then is not put in force
   * @param isHistory it is put in force all the same, and takes no room: the caller ends it at once
   * @returns undefined when it is not put in force: it has ended, or there is no room and no ban of a lower rank.
   * Where another ban made room, `takeEvicted` returns its unban, which is written first
   */
  ban(request: BanRequest, clock = Number.NEGATIVE_INFINITY, isHistory = false): Ban | undefined {
    const key = this.#keys.of(request.jail.name, nameOf(request.subject));
    const { jail, subject, time } = request;
    const earlier = this.#history.bancountAt(key, time);
    const { bantime = this.#bantime(jail, nameOf(subject), earlier, time) } = request;
    const ban = newBan(request, bantime, earlier);
    const isOver = ban.until !== null && ban.until <= clock;
    if (isOver && !isHistory) return undefined;
    if (!isOver && this.isFull && !this.#evict(yieldingTo(rankOf(ban)), ban.time)) {
      this.#refused++;
      return undefined;
    }
    this.#add(key, request.jail, ban, request.matches);
    return { ...ban, matches: request.matches };
  }

  /** The unbans of bans that made room for others since the last call. */
  takeEvicted(): readonly Unban[] {
    return this.#evicted.length > 0 ? this.#evicted.splice(0) : this.#evicted;
  }

  /** The next unban that is due at `clock` or before, in the order of their ends. */
  takeDue(clock: number): Unban | undefined {
    const active = this.#active.takeDue(clock);
    return active && this.#release(active, active.ban.until ?? clock, "expired");
  }

  /** The bans in force as they are written again, oldest first. */
  *inForce(mark?: RepeatMark): Iterable<Ban> {
    for (const { ban } of this.#active.inOrder()) yield this.again(ban, mark);
  }

  /** The bans in force, oldest first, without their evidence; leaves out what ends during the iteration. */
  *list(): Iterable<Ban> {
    for (const active of this.#active.inOrder()) if (!active.isStale) yield active.ban;
  }

  /** Bans in force by jail; a jail without bans is absent. */
  countByJail(): ReadonlyMap<string, number> {
    return this.#active.countByJail();
  }

  /** The ban in force of a subject, without its evidence. */
  find(jail: string, subject: Subject): Ban | undefined {
    return this.#find(jail, subject)?.ban;
  }

  /** The bans of a subject in a jail; `time` in epoch milliseconds. */
  recordOf(jail: Jail, subject: Subject, time: number): BanRecord {
    const key = this.#keys.of(jail.name, nameOf(subject));
    const active = this.#active.find(key);
    const bancount = active?.ban.bancount ?? this.#history.bancountAt(key, time);
    return {
      ban: active && { ...active.ban, matches: this.#active.matchesOf(active) },
      repeats: active?.repeats ?? 0,
      repeated: active?.repeated,
      bancount,
      remembered: bancount === 0 ? undefined : this.#history.rememberedUntil(key),
      next: this.#bantime(jail, nameOf(subject), bancount, time),
    };
  }

  /** Makes a ban in force last `bantime` milliseconds from `time` on (null: for ever), whatever its end was. */
  prolong(jail: string, subject: Subject, time: number, bantime: number | null): Ban | undefined {
    const key = this.#keys.of(jail, nameOf(subject));
    const active = this.#active.find(key);
    if (active === undefined) return undefined;
    const changed = { ...active, ban: { ...active.ban, until: endAfter(time, bantime) } };
    this.#active.replace(key, active, changed);
    return { ...changed.ban, matches: this.#active.matchesOf(changed) };
  }

  /** Ends a ban at `time`, whatever its `until`. */
  end(jail: string, subject: Subject, time: number, reason: UnbanReason): Unban | undefined {
    const active = this.#find(jail, subject);
    return active && this.#release(active, time, reason);
  }

  /**
   * Whether a failure at `time` had its effect already: it came no later than the ban in force, or before the last one ended.
   *
   * @param latest epoch milliseconds: a later decision is from before the clock was set back, and does not count
   */
  isAnswered(jail: string, subject: Subject, time: number, latest: number): boolean {
    const key = this.#keys.of(jail, nameOf(subject));
    const answered = this.#active.find(key)?.ban.time ?? this.#history.freeSince(key) - 1;
    return time <= answered && answered <= latest;
  }

  /**
   * Notes an unban of a subject that is not banned: earlier failures count no more.
   *
   * @param jail undefined: it is gone
   * @returns false when they did not count before
   */
  forgive(unban: Unban, jail: Jail | undefined): boolean {
    return this.#history.forgive(this.#keyOf(unban), unban, jail);
  }

  /**
   * Takes up a ban of an earlier run, for which there is room.
   *
   * @param jail as it is now; undefined: it is gone
   * @returns false when the same ban was there already
   */
  restore(ban: Ban, jail: Jail | undefined): boolean {
    const key = this.#keyOf(ban);
    const active = this.#active.find(key);
    if (active) this.#active.delete(key, active);
    const { matches = [], repeat, restored, port, protocol, ...rest } = ban;
    const ports = jail ? portsOf(jail) : { ...(port && { port }), ...(protocol && { protocol }) };
    this.#add(key, jail, { ...rest, ...ports }, matches);
    return active?.ban.time !== ban.time;
  }

  /**
   * Of the bans in force and `ban`, which is not one of them, drops the one of the lowest rank that ends soonest, as if it had
   * never been, and returns it.
   */
  dropWeakest(ban: Ban): Ban {
    const rank = rankOf(ban);
    const weakest = this.#active.takeWeakest(rank);
    if (weakest === undefined) return ban;
    if (rankOfActive(weakest) === rank && endOfBan(weakest.ban) > endOfBan(ban)) {
      this.#active.schedule(weakest);
      return ban;
    }
    this.#active.delete(this.#keyOf(weakest.ban), weakest);
    return weakest.ban;
  }

  /** Takes up an unban of an earlier run. */
  restoreEnd(unban: Unban, jail: Jail | undefined): void {
    const active = this.#active.find(this.#keyOf(unban));
    if (active) this.#release(active, unban.time, unban.reason ?? "expired");
    else this.forgive(unban, jail);
  }

  /** Whether a decision is the last one on its subject: the ban in force, or the last ban that ended and its end. */
  stateOf(decision: Ban | Unban): "in force" | "ended" | "forgotten" {
    const key = this.#keyOf(decision);
    const active = this.#active.find(key);
    if (active === undefined) return this.#history.isLast(key, decision) ? "ended" : "forgotten";
    const { time, until } = active.ban;
    return isBan(decision) && decision.time === time && decision.until === until ? "in force" : "forgotten";
  }

  /** Takes up new rules: ends bans of jails that are gone, or whose mode changed. */
  reload(jails: ReadonlyMap<string, Jail>, clock: number): readonly Unban[] {
    const unbans: Unban[] = [];
    for (const active of this.#active.inOrder()) {
      const jail = jails.get(active.ban.jail);
      if (jail && banCommandOf(jail) === active.ban.cmd) active.jail = jail;
      else unbans.push(this.#release(active, clock, "reload"));
    }
    return unbans;
  }

  #find(jail: string, subject: Subject): ActiveBan | undefined {
    return this.#active.find(this.#keys.of(jail, nameOf(subject)));
  }

  #keyOf(decision: Ban | Unban): Key {
    return this.#keys.of(decision.jail, nameOf(subjectOf(decision)));
  }

  /** How long the next ban lasts, in milliseconds; null: for ever. */
  #bantime(jail: Jail, name: string, earlier: number, time: number): number | null {
    return bantimeOf(jail, name, jail.escalation.overalljails ? this.#bansOverall(name, time) : earlier);
  }

  /** Bans of a subject in all jails, in force and remembered. */
  #bansOverall(name: string, time: number): number {
    return this.#keys.all(name).reduce((sum, key) => {
      const active = this.#active.find(key);
      return sum + (active ? (active.ban.bancount ?? 1) : this.#history.bancountAt(key, time));
    }, 0);
  }

  #add(key: Key, jail: Jail | undefined, ban: Ban, matches: readonly string[]): void {
    this.#active.add(key, jail, ban, matches);
    this.#history.delete(key);
  }

  /** Ends the ban of the lowest rank, up to `highest`, that ends soonest. Returns false where there is none. */
  #evict(highest: Rank, time: number): boolean {
    const active = this.#active.takeWeakest(highest);
    if (active === undefined) return false;
    this.#evicted.push(this.#release(active, time, "evicted"));
    return true;
  }

  #release(active: ActiveBan, end: number, reason: UnbanReason): Unban {
    const { jail, ban } = active;
    const key = this.#keyOf(ban);
    this.#active.delete(key, active);
    const cmd = ban.cmd === "ban" ? "unban" : "would-unban";
    const time = Math.max(end, ban.time);
    const unban: Unban = { cmd, jail: ban.jail, ...subjectOf(ban), time, reason };
    this.#history.add(key, ban, unban, jail);
    return unban;
  }
}
