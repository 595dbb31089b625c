import { formatNetwork, ipv4Number, type Network, parseNetwork } from "../address.ts";
import { printable, type Report } from "../cli/report.ts";
import { type Ban, type Command, encode, type Unban } from "../command.ts";
import type { Failure } from "../filter/verdict.ts";
import type { Jail } from "../rules/rule.ts";
import { BanList, nameOf, type Subject, subjectOf } from "./banlist.ts";
import { MAX_AHEAD } from "./clock.ts";
import { Evidence } from "./evidence.ts";
import type { RunningJail } from "./jail.ts";
import { JailKeys } from "./key.ts";
import { askCommand, Lookup, MAX_ADDRESSES, resolveHost } from "./lookup.ts";
import { countedAs, identify } from "./subject.ts";

export interface TallyOptions {
  /** False: a replay, whose bans are history, and in which nobody is asked. */
  readonly isLive: boolean;
  /** Most bans remembered after their end. */
  readonly maxKeys: number;
  /** Most bans in force; undefined: a million, or `maxKeys` where that is more. */
  readonly maxBans?: number;
  /** Most evidence held, in bytes. */
  readonly maxEvidence: number;
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
  /** Bans not written because too many were in force. */
  full: number;
  /** Failures whose address cannot be, or is a host name that is not looked up. */
  nobody: number;
  /** Failures that came no later than the last ban or unban of their address. */
  answered: number;
}

/** Most bans in force, unless more addresses than that are to be remembered. */
const MAX_BANS = 1_000_000;

/** A failure that counts, with its time settled. */
interface Attempt {
  readonly lines: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
}

/** From failures to commands: whom a failure counts for, whether it was one too many, whose ban has ended. */
export class Tally {
  readonly counts: TallyCounts = { ended: 0, full: 0, nobody: 0, answered: 0 };
  readonly #options: TallyOptions;
  readonly #report: Report;
  readonly #maxBans: number;
  readonly #evidence: Evidence;
  readonly #keys = new JailKeys();
  readonly #banlist: BanList;
  readonly #hosts = new Lookup(resolveHost);
  /** Names of `ignoreip`: apart, since those in the log are the attacker's, who could push these out. */
  readonly #ignored = new Lookup(resolveHost);
  readonly #commands = new Lookup(askCommand);
  #jails: ReadonlyMap<string, RunningJail> = new Map();
  #clock = Number.NEGATIVE_INFINITY;
  /** Ended bans of which it is told that they were forgotten. */
  #forgotten = 0;
  /** How long a ban counts for jails that count bans, in milliseconds. */
  #countedFor = 0;
  /** Windows that were completed while an earlier run was gone through, and whose bans are not there. */
  readonly #owed = new Map<string, () => void>();
  /** Called when an answer that was waited for has come, and commands may have been written. */
  onLate: () => void = () => undefined;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.#report = options.report;
    this.#evidence = new Evidence({ maxBytes: options.maxEvidence });
    this.#maxBans = options.maxBans ?? Math.max(MAX_BANS, options.maxKeys);
    this.#banlist = new BanList({
      maxBans: this.#maxBans,
      maxRemembered: options.maxKeys,
      maxEvidence: options.maxEvidence,
    });
  }

  /** Bans in force. */
  get bans(): number {
    return this.#banlist.size;
  }

  /** When the next ban ends, in epoch milliseconds; undefined: none of them does. */
  get nextEnd(): number | undefined {
    return this.#banlist.nextEnd;
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
    this.#countedFor = Math.max(
      0,
      ...[...jails.values()].map(({ jail }) => (jail.on === "ban" ? jail.findtime : 0)),
    );
    const rules = new Map([...jails].map(([name, { jail }]) => [name, jail]));
    for (const unban of this.#banlist.reload(rules, this.#time)) this.#unban(unban);
  }

  /** Lets time pass up to `clock`, in epoch milliseconds: writes the unbans that are due. */
  tick(clock: number): void {
    this.#clock = clock;
    for (let unban = this.#banlist.takeDue(clock); unban; unban = this.#banlist.takeDue(clock))
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
    if (isWhole)
      this.#write({ cmd: "sync", time, phase: "begin", jails: jails.map(({ jail }) => jail.name) });
    for (const ban of this.#banlist.inForce(mark)) if (ban.cmd === "ban") this.#write(ban);
    if (isWhole) this.#write({ cmd: "sync", time, phase: "end" });
  }

  /** Takes up what an earlier run decided: all of it, in its order, and then `resume` is called. */
  restore(decision: Ban | Unban): void {
    const running = this.#jails.get(decision.jail);
    const name = nameOf(subjectOf(decision));
    running?.window.forget(name);
    this.#owed.delete(`${decision.jail} ${name}`);
    if (!("until" in decision)) this.#banlist.restoreEnd(decision);
    else if (this.#banlist.restore(decision, running?.jail)) this.#recount(decision);
  }

  /** Goes on from what was restored: ends what ended meanwhile or has no jail any more, and tells what is in force. */
  resume({ isNew }: { readonly isNew: boolean }): void {
    this.tick(this.#clock);
    this.reload(this.#jails);
    if (!isNew) this.sync({ restored: true });
    for (const complete of this.#owed.values()) complete();
    this.#owed.clear();
  }

  /** Lets no ban be forgotten that ended since a time, in epoch milliseconds: the log may be read again from there on. */
  knowSince(time: number): void {
    this.#banlist.knownSince = time;
  }

  /** What the next run needs of a decision: all of it, all but its evidence, or nothing. */
  partOf(decision: Ban | Unban): "all" | "bare" | "nothing" {
    const state = this.#banlist.stateOf(decision);
    if (state === "in force") return "all";
    const isCounted = isCountable(decision) && decision.time > this.#time - this.#countedFor;
    return state === "ended" || isCounted ? "bare" : "nothing";
  }

  /** The bans in force, oldest first, with their evidence. */
  inForce(): Iterable<Ban> {
    return this.#banlist.inForce({});
  }

  /** Takes a failure of a jail. `time`, in epoch milliseconds, is when it counts. */
  add(running: RunningJail, failure: Failure, time: number): void {
    const attempt = { lines: failure.lines, time };
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
  #count(running: RunningJail, subject: Subject, attempt: Attempt): void {
    const { jail, counts } = running;
    const { lines, time } = attempt;
    this.#endBy(jail, subject, time);
    if (this.#options.state && this.#isAnswered(jail, subject, time)) {
      this.counts.answered++;
      return;
    }
    counts.failures++;
    if (this.#report.verbosity === "verbose") {
      const name = printable(nameOf(subject), 80);
      this.#report.detail(`[${jail.name}] Found ${name}: ${printable(lines.at(-1) ?? "")}`);
    }
    if (this.#isOneTooMany(running, subject, attempt)) this.#complete(running, subject, time);
  }

  /** A failure at `time` shows that a ban that ends before is over. */
  #endBy({ name }: Jail, subject: Subject, time: number): void {
    const ended = this.#banlist.takeEnded(name, subject, time);
    if (ended) this.#unban(ended);
  }

  /** A failure from before the last decision on its address has had its effect, and was perhaps read before. */
  #isAnswered({ name }: Jail, subject: Subject, time: number): boolean {
    return this.#banlist.isAnswered(name, subject, time, this.#clock + MAX_AHEAD);
  }

  #isOneTooMany({ jail, window }: RunningJail, subject: Subject, { lines, time }: Attempt): boolean {
    const name = nameOf(subject);
    if (jail.maxmatches > 0) this.#evidence.add(this.#keys.of(jail.name, name), lines, time);
    const { evicted } = window;
    const isFull = window.add(name, time);
    if (window.evicted > evicted) this.#tellEvicted(jail);
    return isFull;
  }

  /** Bans for a window that was completed at `time`. */
  #complete(running: RunningJail, subject: Subject, time: number): void {
    const { jail } = running;
    const { isLive, state } = this.#options;
    const key = this.#keys.of(jail.name, nameOf(subject));
    const matches = this.#evidence.take(key, time - jail.findtime, jail.maxmatches);
    const request = { jail, subject, time, failures: jail.maxretry, matches };
    const ban = this.#banlist.ban(request, isLive && !state ? this.#clock : undefined);
    if (ban === undefined && this.#banlist.isFull) this.#tellFull(jail);
    else if (ban === undefined) this.#tellEnded();
    else if (ban.repeat) this.#repeat(running, ban);
    else if (state && ban.until !== null && ban.until <= this.#clock) this.#pass(ban, ban.until, state);
    else this.#ban(running, ban);
  }

  #ban(running: RunningJail, ban: Ban): void {
    running.counts.bans++;
    this.#decide(ban);
    this.#feed(ban);
    if (!this.#options.isLive) this.tick(this.#clock);
  }

  /**
   * Takes note of a ban that has ended when it is found, since its lines were logged while nobody read them: it counts for
   * the next one, and for jails that count bans, as if it had been told.
   */
  #pass(ban: Ban, end: number, state: TallyState): void {
    this.#tellEnded();
    state.add(encode(ban));
    const unban = this.#banlist.takeEnded(ban.jail, subjectOf(ban), end);
    if (unban) state.add(encode(unban));
    this.#feed(ban);
  }

  #repeat(running: RunningJail, ban: Ban): void {
    running.counts.repeats++;
    this.#write(ban);
    const who = printable(ban.ip ?? ban.id ?? "", 80);
    this.#report.rareWarning(`repeat ${ban.jail}`, `[${ban.jail}] ${who} is banned and still logs failures`);
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
    for (const running of this.#counting(ban)) this.add(running, failure, ban.time);
  }

  /**
   * Counts a ban of an earlier run again. When it was one too many, the ban that it brought follows, which `restore` takes up;
   * it is owed if it was not written any more.
   */
  #recount(ban: Ban): void {
    const network = isCountable(ban) ? parseNetwork(ban.ip) : undefined;
    if (network === undefined) return;
    const { time } = ban;
    for (const running of this.#counting(ban)) {
      const { jail, ignore } = running;
      if (ignore.touches(network)) continue;
      const subject = { ip: countedAs(network, jail, (wide) => ignore.touches(wide)) };
      this.#endBy(jail, subject, time);
      if (this.#isAnswered(jail, subject, time)) continue;
      if (!this.#isOneTooMany(running, subject, { lines: [lineOf(ban)], time })) continue;
      if (this.#banlist.holds(jail.name, subject)) continue;
      const key = `${jail.name} ${subject.ip}`;
      if (!this.#owed.has(key)) this.#owed.set(key, () => this.#complete(running, subject, time));
    }
  }

  /** The jails that count the bans of a jail. */
  #counting({ jail }: Ban): readonly RunningJail[] {
    return [...this.#jails.values()].filter(
      (running) => running.jail.on === "ban" && running.jail.name !== jail,
    );
  }

  /** Ends a ban; the failures counted meanwhile are forgotten. */
  #unban(unban: Unban): void {
    const name = nameOf(subjectOf(unban));
    const running = this.#jails.get(unban.jail);
    running?.window.forget(name);
    if (running) running.counts.unbans++;
    this.#evidence.forget(this.#keys.of(unban.jail, name));
    this.#decide(unban);
    if (this.#banlist.forgotten > this.#forgotten) this.#tellForgotten();
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
    this.#forgotten = this.#banlist.forgotten;
    this.#report.rareWarning(
      "forgotten",
      `${this.#options.maxKeys} bans that have ended are remembered: one is forgotten before its time`,
    );
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

/** Whether jails that count bans count this one. */
function isCountable(decision: Ban | Unban): decision is Ban & { readonly ip: string } {
  return decision.cmd === "ban" && decision.ip !== undefined;
}

/** What a jail that counts bans shows as its evidence. */
function lineOf({ jail, ip, time }: Ban): string {
  return `${new Date(time).toISOString()} [${jail}] Ban ${ip}`;
}

function fillTags(argv: readonly string[], tags: Readonly<Record<string, string>>): readonly string[] {
  return argv.map((word) => word.replace(/<(\w+)>/g, (tag, name: string) => tags[name] ?? tag));
}

/** Whether an IPv4 address counts for itself, and nobody need be asked about it. */
function isCountedAlone({ count, ignore }: Jail): boolean {
  return count.ipv4 === 32 && ignore.command === undefined;
}
