import { isAscii } from "node:buffer";
import type { Report } from "../cli/report.ts";
import { DATE_CARRYOVER, MAX_AHEAD } from "../shared/limits.ts";
import { decodeText, whole } from "../shared/text.ts";
import type { Settle } from "../shared/time.ts";
import type { Decisions } from "./ban/decisions.ts";
import { FailureCounter, type FailureCounterOptions } from "./ban/failure-counter.ts";
import { ManualBans } from "./ban/manual-bans.ts";
import { ALL_PATTERNS, type Candidates, type LineBytes } from "./gate/candidates.ts";
import { Gate } from "./gate/gate.ts";
import { planGate } from "./gate/plan.ts";
import type { InputCounts } from "./health/figures.ts";
import { InputMonitor } from "./health/input-monitor.ts";
import { InputWarnings } from "./health/input-warnings.ts";
import { resolveTime } from "./input/ambiguous-time.ts";
import type { Entry } from "./input/entry.ts";
import { FirstLines } from "./input/first-lines.ts";
import type { Format } from "./input/format.ts";
import { JournalEntry } from "./input/journal.ts";
import { LineReader } from "./input/line-reader.ts";
import { LogClock } from "./input/log-clock.ts";
import type { CompiledJail } from "./jail/compile-jails.ts";
import { IgnoredHosts } from "./jail/ignored-hosts.ts";
import { readsSource } from "./jail/jail-view.ts";
import { type JailHost, type Position, RunningJail } from "./jail/running-jail.ts";
import { lookbackOf } from "./state/lookback.ts";
import { Evidence } from "./window/evidence.ts";

export interface EngineOptions extends FailureCounterOptions {
  /** Undefined: the first line decides. */
  readonly format: Format | undefined;
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

/** How many lines are looked at to find up to when the log was read. */
const FEW_LINES = 50;

/**
 * The pipe of stages: bytes -> gate -> entry -> filter -> window -> banlist -> bytes. Synchronous; the time is the caller's:
 * `now`, in epoch milliseconds, is the clock's in live mode and one fixed moment in a replay.
 */
export class Engine {
  readonly failures: FailureCounter;
  readonly decisions: Decisions;
  readonly manualBans: ManualBans;
  readonly monitor: InputMonitor;
  readonly #options: EngineOptions;
  readonly #warnings: InputWarnings;
  readonly #gate: Gate;
  readonly #reader: LineReader;
  readonly #firstLines = new FirstLines();
  readonly #logClock = new LogClock();
  readonly #jailHost: JailHost;
  /** Where the current line stands. */
  readonly #at = {
    offset: 0,
    end: 0,
    before: () => this.#reader.entriesBefore(this.#at.offset, this.#now),
  };
  readonly #resolve: Settle = (time, ambiguity) => {
    return resolveTime(time, ambiguity, this.#logClock.now, this.#options.isLive ? this.#now : undefined);
  };
  /** What matchers may know of the time. */
  readonly #time = { now: 0, clock: 0, settle: this.#resolve };
  #jails: ReadonlyMap<string, RunningJail> = new Map();
  /** The same in the order of their index at the gate. */
  #jailList: readonly RunningJail[] = [];
  #compiled: readonly CompiledJail[] = [];
  #now: number;
  #judged = 0;

  constructor(jails: readonly CompiledJail[], options: EngineOptions, now: number) {
    this.#options = options;
    this.#now = now;
    const { report, maxLine } = options;
    this.#warnings = new InputWarnings(report, maxLine);
    this.#gate = new Gate({
      maxLine,
      onOverflow: () => this.#warnings.overlong(),
      onCut: () => this.#warnings.cut(),
    });
    this.#reader = new LineReader({
      format: options.format,
      maxLine,
      resolve: this.#resolve,
      onFormat: () => this.#armGate(),
      onStray: (line) => this.#warnings.stray(line),
    });
    this.failures = new FailureCounter(options);
    this.decisions = this.failures.decisions;
    this.manualBans = new ManualBans(this.decisions);
    this.monitor = new InputMonitor({
      ...options,
      isDated: (line) => this.#timeOfLine(decodeText(whole(line))) !== undefined,
      hasShape: (line) => this.#hasShape(decodeText(whole(line))),
    });
    this.#jailHost = this.#newJailHost(options, report);
    this.#start(jails);
    this.tick(now);
  }

  get counts(): Readonly<InputCounts> {
    return this.#warnings.counts;
  }

  /** What each line is; undefined: there was no line yet. */
  get format(): Format | undefined {
    return this.#reader.format;
  }

  /** The jails at work, by name. */
  get jails(): ReadonlyMap<string, RunningJail> {
    return this.#jails;
  }

  /** Entries looked at in full: those that the gate emitted, and the only count that depends on it. */
  get judged(): number {
    return this.#judged;
  }

  /**
   * Up to when the log was read, in epoch milliseconds: the earlier of its last two dated lines, since one may be wrong.
   * Undefined: unknown, or the last lines have no date.
   */
  get readUpTo(): number | undefined {
    if (this.format === undefined) return undefined;
    const times = this.#reader.lastTimes((text) => this.#timeOfLine(text), FEW_LINES);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** How much of the log before that has to be read again after a restart, in milliseconds. */
  get lookback(): number {
    return lookbackOf(this.#compiled);
  }

  /** Takes the next bytes of the log. */
  push(chunk: Buffer, now: number): void {
    this.tick(now);
    this.#warnings.counts.bytes += chunk.length;
    this.#reader.recent.push(chunk);
    this.#gate.push(chunk, this.#take);
    if (this.#options.format === undefined && !this.#firstLines.isDone) this.#compareFirst(chunk);
    this.monitor.read(chunk, now);
  }

  /** Lets time pass: in live mode, writes the unbans that are due. */
  tick(now: number): void {
    this.#now = now;
    if (this.#options.isLive) this.decisions.tick(now);
    for (const { ignore } of this.#jails.values()) ignore.refresh(now);
  }

  /** Ends the input. A replay's clock moves on to the last dated line. */
  end(now: number): void {
    this.tick(now);
    this.#gate.end(this.#take);
    if (this.#options.isLive) return;
    const [last, before] = this.#reader.lastTimes((text) => this.#timeOfLine(text));
    if (last === undefined) return;
    this.#logClock.end(last, before);
    this.decisions.tick(this.#logClock.now);
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
      onGiveUp: (jail, pattern) => this.#warnings.givenUp(jail, pattern),
      onRefused: (jail, fields) => this.#warnings.refused(jail, fields),
    };
  }

  #start(jails: readonly CompiledJail[]): void {
    this.#compiled = jails.filter(({ jail }) => readsSource(jail, this.#options.source));
    this.#jailList = this.#compiled.map((compiled) => {
      const running = this.#jails.get(compiled.jail.name);
      running?.reload(compiled);
      return running ?? new RunningJail(compiled, this.#jailHost);
    });
    this.#jails = new Map(this.#jailList.map((running) => [running.jail.name, running]));
    this.decisions.reload(this.#jails);
    this.#armGate();
  }

  /** Once the format is known, lines that no jail can match are dropped unseen. */
  #armGate(): void {
    const { format } = this;
    if (format === undefined) return;
    this.monitor.use(format, this.#compiled);
    const isWanted = this.#options.prefilter && this.#compiled.length > 0;
    this.#gate.arm(isWanted ? planGate(this.#compiled, format) : undefined);
  }

  readonly #take = (line: LineBytes, candidates: Candidates): void => {
    const ascii = line.ascii ?? isAscii(line.bytes.subarray(line.start, line.end));
    const entry = line.entry
      ? new JournalEntry(line, line.entry, ascii)
      : this.#reader.next(decodeText(line, ascii), this.#now, ascii);
    this.#judged++;
    if (entry.isCut) this.#warnings.cut();
    const at = this.#at;
    at.offset = line.offset;
    at.end = line.offsetEnd;
    if (candidates === "all")
      for (const running of this.#jailList) this.#judge(running, entry, at, ALL_PATTERNS);
    else {
      const { filters, patterns } = candidates;
      for (const index of filters)
        this.#judge(this.#jailList[index] as RunningJail, entry, at, patterns[index] as number);
    }
  };

  /** Compares the lines after the first with it: whoever wrote the first line decided the format. */
  #compareFirst(chunk: Buffer): void {
    const { format } = this;
    this.#firstLines.push(chunk, format, this.#now);
    if (format !== undefined) this.monitor.compared(this.#firstLines.contraryTo(format));
  }

  /** Whether a sampled line has the shape of the input's format; undefined: any line has. */
  #hasShape(text: string): boolean | undefined {
    const hasShape = this.#reader.hasShape(text, this.#now);
    if (hasShape === false && this.format !== "journal") this.#warnings.counts.stray++;
    return hasShape;
  }

  #judge(running: RunningJail, entry: Entry, at: Position, patterns: number): void {
    const clock = this.#options.isLive ? this.#now : this.#logClock.now;
    this.#time.now = this.#now;
    this.#time.clock = clock;
    const verdict = running.judge(entry, this.#time, at, patterns);
    if (verdict === undefined) return;
    if (!verdict.match && verdict.why !== "nofail" && verdict.why !== "pending") return;
    this.monitor.matched(running.jail.name, verdict.time !== undefined);
    const time = verdict.time ?? this.#carriedOver(running, at.offset, clock);
    if (time !== undefined) this.#advance(time);
    if (verdict.match) this.failures.add(running, verdict, this.#timeOf(time));
  }

  /** The time of a line that has none: that of the last line that has one, if that is recent. */
  #carriedOver(running: RunningJail, offset: number, clock: number): number | undefined {
    const time = running.timeBefore(offset, this.#reader.recent, (line) => {
      const entry = this.#reader.read(decodeText(whole(line)), this.#now);
      return entry.isDateless ? entry.time : running.dateOf(entry.line, this.#now, this.#resolve);
    });
    return time !== undefined && time > clock - DATE_CARRYOVER ? time : undefined;
  }

  /** Moves the log's clock, by which a replay goes. */
  #advance(time: number): void {
    this.#logClock.advance(time);
    if (!this.#options.isLive) this.decisions.tick(this.#logClock.now);
  }

  /** When a failure counts: at its own time; without one, or ahead of the clock, now. */
  #timeOf(time: number | undefined): number {
    if (!this.#options.isLive) return time ?? Math.max(this.#logClock.now, 0);
    if (time === undefined) return this.#now;
    this.monitor.aged(time - this.#now, this.#now);
    return time <= this.#now + MAX_AHEAD ? time : this.#now;
  }

  #timeOfLine(text: string): number | undefined {
    const entry = this.#reader.read(text, this.#now);
    if (entry.isDateless || entry.time !== undefined) return entry.time;
    for (const running of this.#jails.values()) {
      const time = running.dateOf(entry.line, this.#now, this.#resolve);
      if (time !== undefined) return time;
    }
    return undefined;
  }
}
