import { printable, type Report } from "../../cli/report.ts";
import type { Failure } from "../../filter/verdict.ts";
import { type Ban, type Command, encode, type Unban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { formatNetwork, ipv4Number, type Network } from "../../shared/address.ts";
import { MAX_AHEAD } from "../../shared/limits.ts";
import { RecentMap } from "../../shared/lru-map.ts";
import type { RunningJail } from "../jail/jail.ts";
import { askCommand, Lookup, MAX_ADDRESSES, resolveHost } from "../jail/lookup.ts";
import { countedAs, identify } from "../jail/subject.ts";
import { Evidence } from "../window/evidence.ts";
import { BanList, type BanRequest, type Known, nameOf, type Subject, subjectOf } from "./banlist.ts";
import { countersOf, isCountable, lineOf, Restorer } from "./restore.ts";

export interface TallyOptions {
  /** False: a replay, whose bans are history, and in which nobody is asked. */
  readonly isLive: boolean;
  /** Most bans remembered after their end. */
  readonly maxKeys: number;
  /** Most bans in force; undefined: a million, or `maxKeys` where that is more. */
  readonly maxBans?: number;
  /** Most evidence held, in bytes: half of it for windows, half for bans in force. */
  readonly maxEvidence: number;
  /** Asks for the addresses of a host name; undefined: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly Network[] | undefined>;
  /** Takes commands, as lines. */
  readonly write: (line: string) => void;
  /** What keeps bans and unbans over a restart; undefined: nothing does. */
  readonly state?: TallyState | undefined;
  readonly report: Report;
}

/** What a tally needs of a state. */
export interface TallyState {
  /** Takes a ban or unban, as a line. */
  add(line: string): void;
  /** False: bans may be in force that are not known. */
  readonly isWhole: boolean;
}

/** What was counted besides the jails' own counts. */
export interface TallyCounts {
  /** Bans not written because they had ended when they were found. */
  ended: number;
  /** Bans not written because too many were in force, all of them worth more. */
  full: number;
  /** Bans that were ended early, since too many were in force. */
  evicted: number;
  /** Failures whose address cannot be, or is a host name that is not looked up. */
  nobody: number;
  /** Failures that came no later than the last ban or unban of their address. */
  answered: number;
}

/** Most bans in force, unless more addresses than that are to be remembered. */
const MAX_BANS = 1_000_000;

/** What is known of a subject in a jail, what is counted now included. */
export interface KnownHere extends Known {
  /** When the failures were that count now, in epoch milliseconds, ascending. */
  readonly failures: readonly number[];
  /** Their lines, as far as they are held. */
  readonly matches: readonly string[];
}

/** So many lines of bans that are told again are kept, each of so many characters at most. */
const MAX_REPEATS = 256;
const MAX_REPEATED = 4096;

const NO_LINES: readonly string[] = [];

/** A failure that counts, with its time settled. */
interface Attempt {
  readonly lines: readonly string[];
  /** How many they tell of. */
  readonly times: number;
  /** Epoch milliseconds. */
  readonly time: number;
}

/** From failures to commands: whom a failure counts for, whether it was one too many, whose ban has ended. */
export class Tally {
  readonly counts: TallyCounts = { ended: 0, full: 0, evicted: 0, nobody: 0, answered: 0 };
  readonly #options: TallyOptions;
  readonly #report: Report;
  readonly #maxBans: number;
  /** The lines of the windows of all jails. */
  readonly evidence: Evidence;
  readonly banlist: BanList;
  /** Bans that were told again lately, as lines. */
  readonly #repeats = new RecentMap<Ban, string>(MAX_REPEATS);
  readonly #hosts: Lookup<readonly Network[]>;
  /** Names of `ignoreip`: apart, since those in the log are the attacker's, who could push these out. */
  readonly #ignored: Lookup<readonly Network[]>;
  readonly #commands = new Lookup(askCommand);
  #jails: ReadonlyMap<string, RunningJail> = new Map();
  #clock = Number.NEGATIVE_INFINITY;
  /** Ended bans of which it is told that they were forgotten. */
  #forgotten = 0;
  /** Called when an answer that was waited for has come, and commands may have been written. */
  onLate: () => void = () => undefined;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.#report = options.report;
    this.#hosts = new Lookup(options.resolve ?? resolveHost);
    this.#ignored = new Lookup(options.resolve ?? resolveHost);
    this.evidence = new Evidence({ maxBytes: options.maxEvidence / 2 });
    this.#maxBans = options.maxBans ?? Math.max(MAX_BANS, options.maxKeys);
    this.banlist = new BanList({
      maxBans: this.#maxBans,
      maxRemembered: options.maxKeys,
      maxEvidence: options.maxEvidence / 2,
    });
  }

  /** Bans in force. */
  get bans(): number {
    return this.banlist.size;
  }

  /** Whether so many bans are in force that another has to end for a new one. */
  get isFull(): boolean {
    return this.banlist.isFull;
  }

  /** When the next ban ends, in epoch milliseconds; undefined: none of them does. */
  get nextEnd(): number | undefined {
    return this.banlist.nextEnd;
  }

  /** The addresses of a host name of `ignoreip` as far as they are known; asks for them in the background. */
  addressesOf(host: string): readonly Network[] {
    return this.#options.isLive ? this.#bounded(host, this.#ignored.known(host, this.#clock) ?? []) : [];
  }

  /** Failures that wait for an answer. */
  get waiting(): number {
    return this.#hosts.waiting + this.#commands.waiting;
  }

  #bounded(host: string, networks: readonly Network[]): readonly Network[] {
    if (networks.length <= MAX_ADDRESSES) return networks;
    const more = `has more than ${MAX_ADDRESSES} addresses: the others are left out`;
    this.#report.rareWarning("addresses", `${printable(host, 80)} ${more}`);
    return networks.slice(0, MAX_ADDRESSES);
  }

  /** The clock's time; a replay's clock has none before it is sure of one. */
  get #time(): number {
    return Math.max(this.#clock, 0);
  }

  /** Takes up jails; bans of those that are gone are ended. */
  reload(jails: ReadonlyMap<string, RunningJail>): void {
    this.#jails = jails;
    const rules = new Map([...jails].map(([name, { jail }]) => [name, jail]));
    for (const unban of this.banlist.reload(rules, this.#time)) this.#unban(unban);
  }

  /** Lets time pass up to `clock`, in epoch milliseconds: writes the unbans that are due. */
  tick(clock: number): void {
    this.#clock = clock;
    for (let unban = this.banlist.takeDue(clock); unban; unban = this.banlist.takeDue(clock))
      this.#unban(unban);
  }

  /**
   * Writes all bans in force between `begin` and `end`, so that an executor can put itself right; without these when there may
   * be others, which it would drop.
   */
  sync(mark?: Pick<Ban, "repeat" | "restored">): void {
    const time = this.#time;
    const isWhole = this.#options.state?.isWhole !== false;
    const jails = [...this.#jails.values()].filter(({ jail }) => jail.mode === "enforce");
    const names = jails.map(({ jail }) => jail.name);
    if (isWhole) this.#write({ cmd: "sync", time, phase: "begin", jails: names });
    for (const ban of this.banlist.inForce(mark)) if (ban.cmd === "ban") this.#write(ban);
    if (isWhole) this.#write({ cmd: "sync", time, phase: "end" });
  }

  /**
   * Goes on from what earlier runs decided, in its order: ends what ended meanwhile or has no jail any more, and tells what is
   * in force, if anything can be.
   */
  restore(decisions: Iterable<Ban | Unban>, { isNew }: { readonly isNew: boolean }): void {
    const restorer = new Restorer({
      banlist: this.banlist,
      jails: this.#jails,
      endBy: (...ban) => this.#endBy(...ban),
      isAnswered: (...failure) => this.#isAnswered(...failure),
      complete: (...window) => this.#complete(...window),
      now: this.#clock,
    });
    for (const decision of decisions) restorer.take(decision);
    this.tick(this.#clock);
    this.reload(this.#jails);
    if (restorer.leftOut > 0) this.#tellLeftOut(restorer.leftOut);
    if (!isNew) this.sync({ restored: true });
    restorer.end();
  }

  #tellLeftOut(count: number): void {
    const weakest = count === 1 ? "the weakest one" : `the ${count} weakest`;
    this.#report.warning(`the state holds more than ${this.#maxBans} bans: left out ${weakest}`);
    this.#report.hint(`--max-keys ${this.#maxBans + count} keeps all of them`);
  }

  /** How many bans are in force, by jail. */
  bansByJail(): ReadonlyMap<string, number> {
    return this.banlist.countByJail();
  }

  /** The bans in force, oldest first, without their evidence. */
  list(): Iterable<Ban> {
    return this.banlist.list();
  }

  /** The ban in force of a subject, without its evidence. */
  find(jail: string, subject: Subject): Ban | undefined {
    return this.banlist.find(jail, subject);
  }

  /** What is known of a subject in a jail. */
  known({ jail, window }: RunningJail, subject: Subject): KnownHere {
    const since = this.#time - jail.findtime;
    return {
      ...this.banlist.known(jail, subject, this.#time),
      failures: window.timesOf(nameOf(subject)).filter((time) => time > since),
      matches: window.matchesOf(nameOf(subject), since),
    };
  }

  /**
   * Bans by hand, whatever was counted; the count is zero after that. A ban in force is given the new end, or stays as it is.
   *
   * @param bantime milliseconds; null: for ever; undefined: as the jail has it
   * @returns the ban in force; undefined when it would last no time, or `isFull`
   */
  ban(running: RunningJail, subject: Subject, bantime: number | null | undefined): Ban | undefined {
    const { jail, window } = running;
    const time = this.#time;
    if (this.find(jail.name, subject)) return this.#prolong(running, subject, bantime);
    const { failures, matches } = this.known(running, subject);
    const request = { jail, subject, time, failures: failures.length, matches, manual: true } as const;
    const ban = this.banlist.ban(bantime === undefined ? request : { ...request, bantime }, time);
    this.#endEvicted();
    if (ban === undefined) return undefined;
    window.forget(nameOf(subject));
    this.#ban(running, ban);
    return ban;
  }

  #prolong({ jail }: RunningJail, subject: Subject, bantime: number | null | undefined): Ban | undefined {
    if (bantime === undefined) return this.find(jail.name, subject);
    const changed = this.banlist.prolong(jail.name, subject, this.#time, bantime);
    if (changed) this.#decide(changed);
    return changed;
  }

  /** Ends a ban by hand and sets the count to zero. False: there was no ban. */
  unban(jail: string, subject: Subject): boolean {
    const newest = this.#jails.get(jail)?.window.timesOf(nameOf(subject)).at(-1);
    // A failure that counts may be a little ahead of the clock.
    const time = Math.max(this.#time, Math.floor(newest ?? 0));
    const unban = this.banlist.end(jail, subject, time, "manual");
    if (unban) this.#unban(unban);
    else this.#forgive({ cmd: "unban", jail, ...subject, time, reason: "manual" });
    return unban !== undefined;
  }

  /** Sets a count to zero. So do failures from before that are read later, or again. */
  #forgive(unban: Unban): void {
    const { jail } = unban;
    this.#forget(jail, nameOf(subjectOf(unban)));
    const { state } = this.#options;
    if (state === undefined) return;
    if (this.banlist.forgive(unban, this.#jails.get(jail)?.jail)) state.add(encode(unban));
  }

  /** Takes a failure of a jail. `time`, in epoch milliseconds, is when it counts. */
  add(running: RunningJail, failure: Failure, time: number): void {
    const attempt = { lines: failure.lines, times: failure.times ?? 1, time };
    const address = failure.cidr === undefined ? ipv4Number(failure.id) : -1;
    if (address >= 0 && isCountedAlone(running.jail)) {
      this.#addIPv4(running, failure.id, address, attempt);
      return;
    }
    const identity = identify(failure);
    switch (identity.kind) {
      case "address":
        this.#addNetwork(running, identity.network, attempt);
        break;
      case "id":
        this.#count(running, { id: identity.id }, attempt);
        break;
      case "host":
        this.#addHost(running, identity.host, attempt);
        break;
      case "impossible":
        this.#nobody(running.jail, failure.id, "can be nobody's");
    }
  }

  /** What most failures are, done quickly: an IPv4 address, as text and as a number, that is counted as it is. */
  #addIPv4(running: RunningJail, ip: string, address: number, attempt: Attempt): void {
    if (running.ignore.holdsIPv4(address)) running.counts.ignored++;
    else this.#count(running, { ip }, attempt);
  }

  #addHost(running: RunningJail, host: string, attempt: Attempt): void {
    const { jail } = running;
    if (jail.usedns === "raw") this.#count(running, { id: host }, attempt);
    else if (jail.usedns === "no") this.#nobody(jail, host, 'is a host name, and usedns is "no"');
    else if (!this.#options.isLive) this.#nobody(jail, host, "is a host name, and a replay looks none up");
    else {
      const isAsked = this.#when(this.#hosts, host, running, (networks) => {
        if (networks === undefined) this.#nobody(jail, host, "is a host name without an address");
        for (const network of this.#bounded(host, networks ?? []))
          this.#addNetwork(running, network, attempt);
      });
      if (!isAsked) this.#nobody(jail, host, "is a host name, and too many others are being looked up");
    }
  }

  /** A failure of an address, or of a network, that may be ignored. */
  #addNetwork(running: RunningJail, network: Network, attempt: Attempt): void {
    const { jail, ignore, counts } = running;
    if (ignore.touches(network)) {
      counts.ignored++;
      return;
    }
    const ip = countedAs(network, jail, (wide) => ignore.touches(wide));
    if (jail.ignore.command === undefined || !this.#options.isLive) {
      this.#count(running, { ip }, attempt);
      return;
    }
    const argv = fillTags(jail.ignore.command, { ip: formatNetwork(network), name: jail.name });
    const isAsked = this.#when(this.#commands, JSON.stringify(argv), running, (isIgnored) => {
      if (isIgnored === undefined) this.#tellCommand(jail, "gives no answer: failures count");
      if (isIgnored) counts.ignored++;
      else this.#count(running, { ip }, attempt);
    });
    if (!isAsked) this.#tellCommand(jail, "is too slow: failures are lost");
  }

  #tellCommand({ name }: Jail, state: string): void {
    this.#report.rareWarning(`ignorecommand ${state}`, `[${name}] ignorecommand ${state}`);
  }

  /** Goes on with the answer to a question: now, or when it comes, if the jail is still there by then. */
  #when<T>(
    lookup: Lookup<T>,
    question: string,
    running: RunningJail,
    then: (answer: T | undefined) => void,
  ): boolean {
    let isLate = false;
    const isAsked = lookup.when(question, this.#clock, (answer) => {
      if (this.#jails.get(running.jail.name) === running) then(answer);
      if (isLate) this.onLate();
    });
    isLate = true;
    return isAsked;
  }

  /** Counts a failure of somebody who is not ignored, and bans when it was one too many. */
  #count(running: RunningJail, subject: Subject, { lines, times, time }: Attempt): void {
    const { jail, window, counts } = running;
    this.#endBy(jail, subject, time);
    if (this.#options.state && this.#isAnswered(jail, subject, time)) {
      this.counts.answered++;
      return;
    }
    const name = nameOf(subject);
    if (this.#report.verbosity === "verbose")
      this.#report.detail(`[${jail.name}] Found ${printable(name, 80)}: ${printable(lines.at(-1) ?? "")}`);
    const { evicted } = window;
    let matches: readonly string[] | undefined;
    // What is more than enough for a ban is answered by it, as failures of that moment are that are read again.
    for (let i = 0; i < times && matches === undefined; i++) {
      counts.failures++;
      matches = window.add(name, time, i === 0 ? lines : NO_LINES);
    }
    if (window.evicted > evicted) this.#tellEvicted(jail);
    if (matches !== undefined)
      this.#complete(running, { jail, subject, time, failures: jail.maxretry, matches });
  }

  /** A failure at `time` shows that a ban that ends before is over. */
  #endBy({ name }: Jail, subject: Subject, time: number): void {
    const ended = this.banlist.takeEnded(name, subject, time);
    if (ended) this.#unban(ended);
  }

  /** A failure from before the last decision on its address has had its effect, and was perhaps read before. */
  #isAnswered({ name }: Jail, subject: Subject, time: number): boolean {
    return this.banlist.isAnswered(name, subject, time, this.#clock + MAX_AHEAD);
  }

  /** Takes a completed window. */
  #complete(running: RunningJail, request: BanRequest): void {
    const { jail, subject, time } = request;
    const known = this.banlist.repeat(jail.name, subject, time);
    if (known) {
      this.#repeat(running, known);
      return;
    }
    const { isLive, state } = this.#options;
    const { refused } = this.banlist;
    const ban = this.banlist.ban(request, this.#clock, !isLive || state !== undefined);
    this.#endEvicted();
    if (ban && state && ban.until !== null && ban.until <= this.#clock) this.#pass(ban, ban.until, state);
    else if (ban) this.#ban(running, ban);
    else if (this.banlist.refused > refused) this.#tellFull(jail);
    else this.#tellEnded();
  }

  #ban(running: RunningJail, ban: Ban): void {
    running.counts.bans++;
    this.#decide(ban);
    this.#feed(ban);
    if (!this.#options.isLive) this.tick(this.#clock);
  }

  /**
   * Takes note of a ban that has ended when it is found, since nobody read the log when it was due: it counts for the next
   * one, and where bans are counted, as if it had been told.
   */
  #pass(ban: Ban, end: number, state: TallyState): void {
    this.#tellEnded();
    state.add(encode(ban));
    const unban = this.banlist.takeEnded(ban.jail, subjectOf(ban), end);
    if (unban) state.add(encode(unban));
    this.#feed(ban);
  }

  #repeat(running: RunningJail, ban: Ban): void {
    running.counts.repeats++;
    this.#options.write(this.#repeated(ban));
    const who = () => printable(ban.ip ?? ban.id ?? "", 80);
    this.#report.rareWarning(
      `repeat ${ban.jail}`,
      () => `[${ban.jail}] ${who()} is banned and still logs failures`,
    );
  }

  /** A ban in force as a line. Who attacks on and on has it written again and again. */
  #repeated(ban: Ban): string {
    const known = this.#repeats.get(ban);
    if (known !== undefined) return known;
    const line = encode(this.banlist.again(ban));
    if (line.length <= MAX_REPEATED) this.#repeats.set(ban, line);
    return line;
  }

  /** Shows a new ban to the jails that count bans. */
  #feed(ban: Ban): void {
    if (!isCountable(ban)) return;
    const failure = {
      match: true,
      id: ban.ip,
      kind: "address",
      cidr: undefined,
      time: ban.time,
      regex: 0,
      lines: [lineOf(ban)],
      groups: () => ({}),
    } as const;
    for (const running of countersOf(ban, this.#jails)) this.add(running, failure, ban.time);
  }

  /** Ends a ban; the failures counted meanwhile are forgotten. */
  #unban(unban: Unban): void {
    this.#forget(unban.jail, nameOf(subjectOf(unban)));
    const running = this.#jails.get(unban.jail);
    if (running) running.counts.unbans++;
    this.#decide(unban);
    if (this.banlist.forgotten > this.#forgotten) this.#tellForgotten();
  }

  #forget(jail: string, name: string): void {
    this.#jails.get(jail)?.window.forget(name);
  }

  #tellEnded(): void {
    this.counts.ended++;
    if (this.counts.ended > 1) return;
    this.#report.warning("a ban was not written, since it has ended already: the log is old");
    if (this.#options.state) return;
    this.#report.hint("--replay takes the log's time for now; --stats counts such bans");
  }

  #tellEvicted({ name }: Jail): void {
    this.#report.rareWarning(
      `evicted ${name}`,
      `[${name}] ${this.#options.maxKeys} addresses are remembered: one idle for long is forgotten for a new one`,
    );
  }

  #tellForgotten(): void {
    this.#forgotten = this.banlist.forgotten;
    this.#report.rareWarning(
      "forgotten",
      `${this.#options.maxKeys} bans that have ended are remembered: one is forgotten before its time`,
    );
  }

  /** Ends the bans that made room for others, before these are told. */
  #endEvicted(): void {
    for (const unban of this.banlist.takeEvicted()) {
      this.#unban(unban);
      this.counts.evicted++;
      const why = `${this.#maxBans} bans are in force: ended the weakest one early to make room`;
      this.#report.rareWarning("evicted ban", `[${unban.jail}] ${why}`);
    }
  }

  #tellFull({ name }: Jail): void {
    this.counts.full++;
    this.#report.rareWarning("full", `[${name}] a ban was not written: ${this.#maxBans} are in force`);
  }

  #nobody({ name }: Jail, id: string, why: string): void {
    this.counts.nobody++;
    this.#report.rareWarning(`nobody ${name}`, `[${name}] nobody to ban: ${printable(id, 80)} ${why}`);
  }

  /** Writes what changes: the state is to have it first. */
  #decide(decision: Ban | Unban): void {
    const line = encode(decision);
    this.#options.state?.add(line);
    this.#options.write(line);
  }

  #write(command: Command): void {
    this.#options.write(encode(command));
  }
}

function fillTags(argv: readonly string[], tags: Readonly<Record<string, string>>): readonly string[] {
  return argv.map((word) => word.replace(/<(\w+)>/g, (tag, name: string) => tags[name] ?? tag));
}

/** Whether an IPv4 address counts for itself, and nobody need be asked about it. */
function isCountedAlone({ count, ignore }: Jail): boolean {
  return count.ipv4 === 32 && ignore.command === undefined;
}
