import { printable, type Report } from "../../cli/report.ts";
import type { Failure } from "../../filter/verdict.ts";
import type { Ban, Subject } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { formatNetwork, ipv4Number, type Network } from "../../shared/address.ts";
import { askCommand, commandQuestion } from "../jail/ignore-command.ts";
import { BackgroundLookup, type Resolve, resolveHost, withinBound } from "../jail/lookup.ts";
import type { RunningJail } from "../jail/running-jail.ts";
import { countedAs, identify, isNumeric, nameOf } from "../jail/subject.ts";
import { countersOf, failureOf, isCountable } from "./counted-bans.ts";
import { Decisions, type DecisionsOptions } from "./decisions.ts";

export interface FailureCounterOptions extends DecisionsOptions {
  /** Looks up the addresses of a host name; undefined: the system's resolver does. */
  readonly resolve?: Resolve;
  /** Called when an answer has come between two chunks: commands may have been written. */
  readonly flush?: () => void;
}

/** Failures that were not counted. */
export interface FailureCounts {
  /** Failures that ban no address: it is not valid, or a host name that is not looked up. */
  unbannable: number;
  /** Failures that came no later than the last ban or unban of their address. */
  answered: number;
}

const NO_LINES: readonly string[] = [];

/** With more bans a failure counts no more often. */
const MOST_BANS = 20;

/** A failure with the time at which it counts. */
interface CountedFailure {
  readonly found: Failure;
  readonly lines: readonly string[];
  /** How often it counts. */
  readonly times: number;
  /** Epoch milliseconds. */
  readonly time: number;
  /** Where the lines stand, if sources have names. */
  readonly source: string | undefined;
}

/** From failures to completed windows: finds the subject of a failure, leaves out ignored ones, and counts. */
export class FailureCounter {
  readonly counts: FailureCounts = { unbannable: 0, answered: 0 };
  /** Takes the completed windows. */
  readonly decisions: Decisions;
  readonly #options: FailureCounterOptions;
  readonly #report: Report;
  readonly #hosts: BackgroundLookup<readonly Network[]>;
  readonly #commands = new BackgroundLookup(askCommand);

  constructor(options: FailureCounterOptions) {
    this.#options = options;
    this.#report = options.report;
    this.#hosts = new BackgroundLookup(options.resolve ?? resolveHost);
    this.decisions = new Decisions(options, (ban) => this.#addBan(ban));
  }

  /** Failures that wait for an answer. */
  get waiting(): number {
    return this.#hosts.waiting + this.#commands.waiting;
  }

  /** Takes a failure of a jail. `time`, in epoch milliseconds, is when it counts; `source` the name of the log, if it has one. */
  add(running: RunningJail, failure: Failure, time: number, source?: string): void {
    const counted = { found: failure, lines: failure.lines, times: failure.times ?? 1, time, source };
    const address = failure.cidr === undefined ? ipv4Number(failure.id) : -1;
    if (address >= 0 && isCountedAlone(running.jail)) {
      this.#addIPv4(running, failure.id, address, counted);
      return;
    }
    const identity = identify(failure);
    switch (identity.kind) {
      case "address":
        this.#addNetwork(running, identity.network, counted);
        break;
      case "id":
        this.#unlessCommand(running, failure.id, { id: identity.id }, counted);
        break;
      case "host":
        this.#addHost(running, identity.host, counted);
        break;
      case "invalid":
        this.#notBanned(running.jail, shownId(failure), identity.why);
    }
  }

  /** Shows a new ban to the jails that count bans. */
  #addBan(ban: Ban): void {
    if (!isCountable(ban)) return;
    const failure = failureOf(ban);
    for (const running of countersOf(ban, this.decisions.jails)) this.add(running, failure, ban.time);
  }

  /** The quick path for most failures: an IPv4 address, as text and as a number, that is counted as it is. */
  #addIPv4(running: RunningJail, ip: string, address: number, failure: CountedFailure): void {
    if (running.ignore.holdsIPv4(address)) running.counts.ignored++;
    else this.#count(running, { ip }, failure);
  }

  #addHost(running: RunningJail, host: string, failure: CountedFailure): void {
    const { jail } = running;
    if (jail.usedns === "raw") this.#unlessCommand(running, host, { id: host }, failure);
    else if (isNumeric(host)) this.#notBanned(jail, host, "is a number where a host name is expected");
    else if (jail.usedns === "no") this.#notBanned(jail, host, 'is a host name, and usedns is "no"');
    else if (!this.#options.isLive)
      this.#notBanned(jail, host, "is a host name, and --replay looks up no names");
    else {
      const isAsked = this.#ask(this.#hosts, host, running, (networks) => {
        if (networks === undefined) this.#notBanned(jail, host, "is a host name without an address");
        const found = withinBound(host, networks ?? [], this.#report);
        if (jail.usedns === "warn" && found.length > 0) this.#warnOfLookup(jail, host, found);
        for (const network of found) this.#addNetwork(running, network, failure);
      });
      if (!isAsked) this.#notBanned(jail, host, "is a host name, and too many others are being looked up");
    }
  }

  /** Takes a failure of an address, or of a network, that may be ignored. */
  #addNetwork(running: RunningJail, network: Network, failure: CountedFailure): void {
    const { jail, ignore, counts } = running;
    if (ignore.touches(network)) {
      counts.ignored++;
      return;
    }
    const ip = countedAs(network, jail, (wide) => ignore.touches(wide));
    this.#unlessCommand(running, formatNetwork(network), { ip }, failure);
  }

  /** Counts a failure unless `ignorecommand` says that `ip` is ignored. */
  #unlessCommand(running: RunningJail, ip: string, subject: Subject, failure: CountedFailure): void {
    const { jail, counts } = running;
    if (jail.ignore.command === undefined || !this.#options.isLive) {
      this.#count(running, subject, failure);
      return;
    }
    const { found, lines, time } = failure;
    const question = commandQuestion(jail.ignore.command, {
      ...{ ip, fid: found.id, jail, time, lines, groups: found.groups },
      bancount: this.decisions.banlist.earlierBans(jail.name, subject, time),
    });
    const isAsked = this.#ask(this.#commands, question, running, (isIgnored) => {
      if (isIgnored === undefined) this.#warnOfCommand(jail, "gives no answer: failures count");
      if (isIgnored) counts.ignored++;
      else this.#count(running, subject, failure);
    });
    if (!isAsked) this.#warnOfCommand(jail, "is too slow: failures are lost");
  }

  #warnOfCommand({ name }: Jail, state: string): void {
    this.#report.rareWarning(`ignorecommand ${state}`, `[${name}] ignorecommand ${state}`);
  }

  /** Goes on with the answer to a question: now, or when it comes, if the jail is still there by then. */
  #ask<T>(
    lookup: BackgroundLookup<T>,
    question: string,
    running: RunningJail,
    then: (answer: T | undefined) => void,
  ): boolean {
    let isLate = false;
    const isAsked = lookup.when(question, this.decisions.clock, (answer) => {
      if (this.decisions.jails.get(running.jail.name) === running) then(answer);
      if (isLate) this.#options.flush?.();
    });
    isLate = true;
    return isAsked;
  }

  /** Counts a failure of a subject that is not ignored. */
  #count(running: RunningJail, subject: Subject, { lines, times, time, source }: CountedFailure): void {
    const { jail, window, counts } = running;
    this.decisions.endBy(jail, subject, time);
    if (this.#options.state && this.decisions.isAnswered(jail, subject, time)) {
      this.counts.answered++;
      return;
    }
    const name = nameOf(subject);
    if (this.#report.verbosity === "verbose")
      this.#report.detail(`[${jail.name}] Found ${printable(name, 80)}: ${printable(lines.at(-1) ?? "")}`);
    const { evicted } = window;
    let matches: readonly string[] | undefined;
    const count = jail.escalation.increment ? times - 1 + this.#weightOf(jail, subject, time) : times;
    // What is more than enough for a ban begins no other window: nor would failures of that moment that are read again.
    for (let i = 0; i < count && matches === undefined; i++) {
      counts.failures++;
      matches = window.add(name, time, i === 0 ? lines : NO_LINES);
    }
    if (window.evicted > evicted) this.#warnOfEviction(jail);
    if (matches !== undefined)
      this.decisions.complete(running, {
        jail,
        subject,
        time,
        failures: jail.maxretry,
        matches,
        ...(source !== undefined && { source }),
      });
  }

  #warnOfLookup({ name }: Jail, host: string, networks: readonly Network[]): void {
    const message = () =>
      `[${name}] looked up the host name ${printable(host, 80)}: ${networks.map(formatNetwork).join(", ")}; whoever has the name chooses the address`;
    this.#report.rareWarning(`looked up ${name}`, message);
  }

  #warnOfEviction({ name }: Jail): void {
    const { maxKeys } = this.#options;
    this.#report.rareWarning(
      `evicted ${name}`,
      `[${name}] ${maxKeys} addresses are remembered: forgot one that was idle for long to make room`,
    );
  }

  /** How often a failure counts with `bantime.increment`, as in fail2ban: once, or 2, 3, 5, 9, … times after 1, 2, 3, 4, … bans. */
  #weightOf({ name, maxretry }: Jail, subject: Subject, time: number): number {
    const earlier = this.decisions.banlist.earlierBans(name, subject, time);
    return earlier === 0 ? 1 : Math.min(2 ** (Math.min(earlier, MOST_BANS) - 1) + 1, maxretry);
  }

  #notBanned({ name }: Jail, id: string, why: string): void {
    this.counts.unbannable++;
    this.#report.rareWarning(`not banned ${name}`, `[${name}] not banned: ${printable(id, 80)} ${why}`);
  }
}

function shownId({ id, cidr }: Failure): string {
  return cidr === undefined ? id || '""' : `${id}/${cidr}`;
}

/** Whether an IPv4 address counts for itself, and no ignorecommand has to run. */
function isCountedAlone({ count, ignore }: Jail): boolean {
  return count.ipv4 === 32 && ignore.command === undefined;
}
