import type { Report } from "../cli/report.ts";

import { MAX_AHEAD } from "../shared/limits.ts";
import type { Settle } from "../shared/time.ts";
import type { Decisions } from "./ban/decisions.ts";
import { FailureCounter, type FailureCounterOptions } from "./ban/failure-counter.ts";
import { ManualBans } from "./ban/manual-bans.ts";
import { planGate } from "./gate/plan.ts";
import type { InputCounts } from "./health/figures.ts";
import { InputWarnings } from "./health/input-warnings.ts";
import { StreamMonitor } from "./health/stream-monitor.ts";
import { resolveTime } from "./input/ambiguous-time.ts";
import type { Format } from "./input/format.ts";
import { LogClock } from "./input/log-clock.ts";
import type { CompiledJail } from "./jail/compile-jails.ts";
import { IgnoredHosts } from "./jail/ignored-hosts.ts";
import { readsSource, sourceNamed } from "./jail/jail-view.ts";
import { type JailHost, RunningJail } from "./jail/running-jail.ts";
import type { LogSource, SourceHost } from "./source/log-source.ts";
import { Sources } from "./source/sources.ts";
import { lookbackOf } from "./state/lookback.ts";
import { Evidence } from "./window/evidence.ts";

export interface EngineOptions extends FailureCounterOptions {
  /** Undefined: the first line decides. */
  readonly format: Format | "tagged" | undefined;
  /** What stdin is, for jails that name a `logpath`. */
  readonly source: string | undefined;
  /** Longest line, in bytes. */
  readonly maxLine: number;
  /** Most addresses remembered by each jail's window, and most bans remembered after their end. */
  readonly maxKeys: number;
  /** Warns after this time without input, in milliseconds; 0: never. */
  readonly silence: number;
  /** False: every line is looked at in full. The same bytes come out, more slowly. */
  readonly prefilter: boolean;
}

/**
 * The pipe of stages: bytes -> gate -> entry -> filter -> window -> banlist -> bytes. Synchronous; the time is the caller's:
 * `now`, in epoch milliseconds, is the clock's in live mode and one fixed moment in a replay.
 */
export class Engine {
  readonly failures: FailureCounter;
  readonly decisions: Decisions;
  readonly manualBans: ManualBans;
  readonly monitor: StreamMonitor;
  readonly #options: EngineOptions;
  readonly #warnings: InputWarnings;
  readonly #sources: Sources;
  readonly #logClock = new LogClock();
  readonly #jailHost: JailHost;
  /** What matchers may know of the time. */
  readonly #time = {
    now: 0,
    clock: Number.NEGATIVE_INFINITY,
    settle: ((time, ambiguity) =>
      resolveTime(
        time,
        ambiguity,
        this.#logClock.now,
        this.#options.isLive ? this.#now : undefined,
      )) as Settle,
  };
  #jails: ReadonlyMap<string, RunningJail> = new Map();
  #compiled: readonly CompiledJail[] = [];
  #now: number;

  constructor(jails: readonly CompiledJail[], options: EngineOptions, now: number) {
    this.#options = options;
    this.#now = now;
    const { report, maxLine } = options;
    this.#warnings = new InputWarnings(report, maxLine);
    this.failures = new FailureCounter(options);
    this.decisions = this.failures.decisions;
    this.manualBans = new ManualBans(this.decisions);
    this.monitor = new StreamMonitor(options);
    this.#jailHost = this.#newJailHost(options, report);
    this.#sources = new Sources({
      ...options,
      warnings: this.#warnings,
      host: this.#newSourceHost(),
      onLines: () => this.monitor.read(this.#now),
    });
    this.#start(jails);
    this.tick(now);
  }

  get counts(): Readonly<InputCounts> {
    return this.#warnings.counts;
  }

  /** What each line is; `tagged`: that depends on its source; undefined: there was no line yet. */
  get format(): Format | "tagged" | undefined {
    return this.#sources.format;
  }

  /** The sources that lines came from. */
  get sources(): readonly LogSource[] {
    return this.#sources.list;
  }

  /** The jails at work, by name. */
  get jails(): ReadonlyMap<string, RunningJail> {
    return this.#jails;
  }

  /** Entries looked at in full: those that the gate emitted, and the only count that depends on it. */
  get judged(): number {
    return this.#sources.judged;
  }

  /** Up to when the log was read, in epoch milliseconds; undefined: unknown. */
  get readUpTo(): number | undefined {
    return this.#sources.readUpTo(this.#now);
  }

  /** How much of the log before that has to be read again after a restart, in milliseconds. */
  get lookback(): number {
    return lookbackOf(this.#compiled);
  }

  /** Takes the next bytes of the log. */
  push(chunk: Buffer, now: number): void {
    this.tick(now);
    this.#sources.push(chunk);
  }

  /** Lets time pass: in live mode, writes the unbans that are due. */
  tick(now: number): void {
    this.#now = now;
    this.#time.now = now;
    if (this.#options.isLive) {
      this.#time.clock = now;
      this.decisions.tick(now);
    }
    for (const { ignore } of this.#jails.values()) ignore.refresh(now);
  }

  /** Notes that the process ran for `elapsed` milliseconds. `isBlocked`: stdout took nothing, so nothing was read. */
  pass(elapsed: number, isBlocked: boolean): void {
    this.monitor.pass(elapsed, isBlocked);
    if (!isBlocked) for (const source of this.sources) source.monitor.pass(elapsed);
  }

  /** Ends the input. A replay's clock moves on to the last dated line. */
  end(now: number): void {
    this.tick(now);
    this.#sources.end();
    if (this.#options.isLive) return;
    const lastTimes = this.sources.map((source) => source.lastTimes());
    for (const [last, before] of lastTimes.sort(([a = 0], [b = 0]) => a - b))
      if (last !== undefined) this.#logClock.end(last, before);
    if (lastTimes.some(({ length }) => length > 0)) this.decisions.tick(this.#logClock.now);
  }

  /** Counts the failures that wait for their time to be known: no more lines come. */
  settle(now: number): void {
    this.tick(now);
    this.#sources.settle();
  }

  /** Goes on with rules that were read again: bans and windows stay, unless their jail is gone. */
  reload(jails: readonly CompiledJail[], now: number): void {
    this.tick(now);
    this.#start(jails);
    this.decisions.sync();
  }

  #newJailHost({ isLive, maxKeys, maxEvidence, resolve }: EngineOptions, report: Report): JailHost {
    const ignoredHosts = new IgnoredHosts(report, resolve);
    return {
      isLive,
      maxKeys,
      evidence: new Evidence({ maxBytes: maxEvidence / 2 }),
      addressesOf: (host) => (isLive ? ignoredHosts.addressesOf(host, this.#now) : []),
      warn: (message) => report.warning(message),
    };
  }

  #newSourceHost(): SourceHost {
    const { isLive, maxLine, prefilter } = this.#options;
    return {
      isLive,
      started: this.#now,
      maxLine,
      warnings: this.#warnings,
      alerts: this.monitor.alerts,
      time: this.#time,
      plan: (jails, format) => (prefilter && jails.length > 0 ? planGate(jails, format) : undefined),
      onTime: (time) => this.#advance(time),
      onFailure: (source, running, failure, time) =>
        this.failures.add(running, failure, this.#timeOf(time), source.name),
      onGiveUp: (jail, pattern) => this.#warnings.givenUp(jail, pattern),
      onRefused: (jail, fields) => this.#warnings.refused(jail, fields),
    };
  }

  #start(jails: readonly CompiledJail[]): void {
    const stdin = sourceNamed(this.#options.source);
    this.#compiled = jails.filter(({ jail }) => readsSource(jail, stdin));
    const list = this.#compiled.map((compiled) => {
      const running = this.#jails.get(compiled.jail.name);
      running?.reload(compiled);
      return running ?? new RunningJail(compiled, this.#jailHost);
    });
    this.#jails = new Map(list.map((running) => [running.jail.name, running]));
    this.decisions.reload(this.#jails);
    this.#sources.use(
      list,
      jails.map(({ jail }) => jail),
    );
  }

  /** Moves the log's clock, by which a replay goes. */
  #advance(time: number): void {
    this.#logClock.advance(time);
    if (this.#options.isLive) return;
    this.#time.clock = this.#logClock.now;
    this.decisions.tick(this.#logClock.now);
  }

  /** When a failure counts: at its own time; without one, or ahead of the clock, now. */
  #timeOf(time: number | undefined): number {
    if (!this.#options.isLive) return time ?? Math.max(this.#logClock.now, 0);
    return time !== undefined && time <= this.#now + MAX_AHEAD ? time : this.#now;
  }
}
