import { printable, type Report } from "../../cli/report.ts";
import { type Ban, encode, type Subject, type Unban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { MAX_AHEAD } from "../../shared/limits.ts";
import { LruMap } from "../../shared/lru-map.ts";
import type { RunningJail } from "../jail/running-jail.ts";
import { nameOf, subjectOf } from "../jail/subject.ts";
import { BanList, type RepeatMark } from "./ban-list.ts";
import { type BanCounts, BanWarnings } from "./ban-warnings.ts";
import type { BanRequest } from "./new-ban.ts";
import { Restorer } from "./restore.ts";

export interface DecisionsOptions {
  /** False: a replay, whose bans are history. */
  readonly isLive: boolean;
  /** False: a ban is not written again while its subject goes on. */
  readonly repeats?: boolean;
  /** Most bans remembered after their end. */
  readonly maxKeys: number;
  /** Most bans in force; undefined: a million, or `maxKeys` where that is more. */
  readonly maxBans?: number;
  /** Most evidence held, in bytes: half of it for windows, half for bans in force. */
  readonly maxEvidence: number;
  /** Takes commands, as lines. */
  readonly write: (line: string) => void;
  /** Keeps bans and unbans over a restart; undefined: nothing does. */
  readonly state?: DecisionState | undefined;
  readonly report: Report;
}

/** Where decisions are kept. */
export interface DecisionState {
  /** Takes a ban or unban, as a line. */
  add(line: string): void;
  /** False: bans may be in force that are not known. */
  readonly isWhole: boolean;
}

/** Most bans in force, unless more addresses than that are to be remembered. */
const MAX_BANS = 1_000_000;

/** Most repeated bans whose lines are kept, and the longest line kept, in characters. */
const MAX_REPEATS = 256;
const MAX_REPEATED = 4096;

/** From completed windows and passing time to ban and unban commands, for the state and for the executor. */
export class Decisions {
  readonly banlist: BanList;
  readonly #options: DecisionsOptions;
  readonly #onBan: (ban: Ban) => void;
  readonly #warnings: BanWarnings;
  /** The lines of bans that were repeated lately. */
  readonly #repeats = new LruMap<Ban, string>(MAX_REPEATS);
  #jails: ReadonlyMap<string, RunningJail> = new Map();
  #clock = Number.NEGATIVE_INFINITY;

  /** @param onBan called with each new ban, for jails that count bans */
  constructor(options: DecisionsOptions, onBan: (ban: Ban) => void) {
    this.#options = options;
    this.#onBan = onBan;
    const maxBans = options.maxBans ?? Math.max(MAX_BANS, options.maxKeys);
    const maxRemembered = options.maxKeys;
    this.banlist = new BanList({ maxBans, maxRemembered, maxEvidence: options.maxEvidence / 2 });
    const { report, state } = options;
    this.#warnings = new BanWarnings({ report, maxBans, maxRemembered, hasState: state !== undefined });
  }

  get counts(): Readonly<BanCounts> {
    return this.#warnings.counts;
  }

  get jails(): ReadonlyMap<string, RunningJail> {
    return this.#jails;
  }

  /** The clock's time in epoch milliseconds; -Infinity: a replay's clock that is not sure of one yet. */
  get clock(): number {
    return this.#clock;
  }

  /** The time of decisions that no line brings: the clock's, or 1970 before a replay's clock is sure of one. */
  get time(): number {
    return Math.max(this.#clock, 0);
  }

  /** When the next ban ends, in epoch milliseconds; undefined: no ban ends. */
  get nextEnd(): number | undefined {
    return this.banlist.nextEnd;
  }

  /** Takes up jails; ends bans of those that are gone. */
  reload(jails: ReadonlyMap<string, RunningJail>): void {
    this.#jails = jails;
    const rules = new Map([...jails].map(([name, { jail }]) => [name, jail]));
    for (const unban of this.banlist.reload(rules, this.time)) this.unban(unban);
  }

  /** Lets time pass up to `clock`, in epoch milliseconds: writes the unbans that are due. */
  tick(clock: number): void {
    this.#clock = clock;
    for (let unban = this.banlist.takeDue(clock); unban; unban = this.banlist.takeDue(clock))
      this.unban(unban);
  }

  /**
   * Writes all bans in force between `begin` and `end`, for an executor to correct itself; without these two when there may be
   * other bans, which it would drop.
   */
  sync(mark?: RepeatMark): void {
    const { state, write } = this.#options;
    const { time } = this;
    const isWhole = state?.isWhole !== false;
    const enforced = [...this.#jails.values()].filter(({ jail }) => jail.mode === "enforce");
    const jails = enforced.map(({ jail }) => jail.name);
    if (isWhole) write(encode({ cmd: "sync", time, phase: "begin", jails }));
    for (const ban of this.banlist.inForce(mark)) if (ban.cmd === "ban") write(encode(ban));
    if (isWhole) write(encode({ cmd: "sync", time, phase: "end" }));
  }

  /**
   * Goes on from the decisions of earlier runs, in their order: ends what ended meanwhile or has no jail any more, and writes
   * what is in force, unless the state is new.
   */
  restore(decisions: Iterable<Ban | Unban>, { isNew }: { readonly isNew: boolean }): void {
    const restorer = new Restorer({
      banlist: this.banlist,
      jails: this.#jails,
      endBy: (...ban) => this.endBy(...ban),
      isAnswered: (...failure) => this.isAnswered(...failure),
      complete: (...window) => this.complete(...window),
      now: this.#clock,
    });
    for (const decision of decisions) restorer.take(decision);
    this.tick(this.#clock);
    this.reload(this.#jails);
    if (restorer.leftOut > 0) this.#warnings.leftOut(restorer.leftOut);
    if (!isNew) this.sync({ restored: true });
    restorer.end();
  }

  /** Ends the subject's ban if it ended by `time`, at which a failure shows that. */
  endBy({ name }: Jail, subject: Subject, time: number): void {
    const ended = this.banlist.takeEnded(name, subject, time);
    if (ended) this.unban(ended);
  }

  /** Whether a failure is from before the last decision on its subject: it had its effect, and is perhaps read again. */
  isAnswered({ name }: Jail, subject: Subject, time: number): boolean {
    return this.banlist.isAnswered(name, subject, time, this.#clock + MAX_AHEAD);
  }

  /** Takes a completed window. */
  complete(running: RunningJail, request: BanRequest): void {
    const { jail, subject, time } = request;
    const active = this.banlist.repeat(jail.name, subject, time);
    if (active) {
      this.#repeat(running, active);
      return;
    }
    const { isLive, state } = this.#options;
    const { refused } = this.banlist;
    const ban = this.banlist.ban(request, this.#clock, !isLive || state !== undefined);
    this.#endEvicted();
    if (ban && state && ban.until !== null && ban.until <= this.#clock)
      this.#recordEnded(ban, ban.until, state);
    else if (ban) this.#ban(running, ban);
    else if (this.banlist.refused > refused) this.#warnings.full(jail.name);
    else this.#warnings.ended();
  }

  /** Bans at a request by hand. Returns undefined when the ban would last no time, or there is no room. */
  banByHand(running: RunningJail, request: BanRequest): Ban | undefined {
    const ban = this.banlist.ban(request, this.time);
    this.#endEvicted();
    if (ban === undefined) return undefined;
    running.window.forget(nameOf(request.subject));
    this.#ban(running, ban);
    return ban;
  }

  /** Writes an unban; failures counted meanwhile are forgotten. */
  unban(unban: Unban): void {
    const running = this.#jails.get(unban.jail);
    if (running) {
      running.window.forget(nameOf(subjectOf(unban)));
      running.counts.unbans++;
    }
    this.write(unban);
    this.#warnings.forgotten(this.banlist.forgotten);
  }

  /**
   * Sets the count of a subject that is not banned to zero. Failures from before that are read later, or again, do not count
   * either.
   */
  forgive(unban: Unban): void {
    const running = this.#jails.get(unban.jail);
    running?.window.forget(nameOf(subjectOf(unban)));
    const { state } = this.#options;
    if (state && this.banlist.forgive(unban, running?.jail)) state.add(encode(unban));
  }

  /** Writes a change: to the state first. */
  write(decision: Ban | Unban): void {
    const line = encode(decision);
    this.#options.state?.add(line);
    this.#options.write(line);
  }

  #ban(running: RunningJail, ban: Ban): void {
    running.counts.bans++;
    this.write(ban);
    this.#onBan(ban);
    if (!this.#options.isLive) this.tick(this.#clock);
  }

  /**
   * Records a ban that has ended when it is found, since the log was not read when it was due: it counts for escalation, and
   * where bans are counted, as if it had been written.
   */
  #recordEnded(ban: Ban, end: number, state: DecisionState): void {
    this.#warnings.ended();
    state.add(encode(ban));
    const unban = this.banlist.takeEnded(ban.jail, subjectOf(ban), end);
    if (unban) state.add(encode(unban));
    this.#onBan(ban);
  }

  #repeat(running: RunningJail, ban: Ban): void {
    running.counts.repeats++;
    if (this.#options.repeats !== false) this.#options.write(this.#repeatedLine(ban));
    this.#warnings.repeated(ban.jail, () => printable(ban.ip ?? ban.id ?? "", 80));
  }

  /** A ban in force as a line: an attack that goes on has it written again and again. */
  #repeatedLine(ban: Ban): string {
    const recent = this.#repeats.get(ban);
    if (recent !== undefined) return recent;
    const line = encode(this.banlist.again(ban));
    if (line.length <= MAX_REPEATED) this.#repeats.set(ban, line);
    return line;
  }

  /** Ends the bans that made room for others, before the others are written. */
  #endEvicted(): void {
    for (const unban of this.banlist.takeEvicted()) {
      this.unban(unban);
      this.#warnings.evicted(unban.jail);
    }
  }
}
