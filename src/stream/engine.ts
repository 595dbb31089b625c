import { isAscii } from "node:buffer";
import { printable, type Report } from "../cli/report.ts";
import type { PythonPattern } from "../python/pattern.ts";
import type { Jail } from "../rules/rule.ts";
import { DATE_CARRYOVER, MAX_AHEAD } from "../shared/limits.ts";
import { decodeText, whole } from "../shared/text.ts";
import type { Settle } from "../shared/time.ts";
import { Tally, type TallyOptions } from "./ban/failure-counter.ts";
import { ALL_PATTERNS, type Candidates, Gate, type LineBytes } from "./gate/gate.ts";
import { planGate } from "./gate/plan.ts";
import type { InputCounts } from "./health/figures.ts";
import { Sight } from "./health/input-monitor.ts";
import { settle } from "./input/ambiguous-time.ts";
import type { Entry } from "./input/entry.ts";
import { FirstLines } from "./input/first-lines.ts";
import { type Format, FormatDetector, hasShape, isNoise } from "./input/format.ts";
import { JournalEntry } from "./input/journal.ts";
import { LogClock } from "./input/log-clock.ts";
import { readEntry } from "./input/read-entry.ts";
import { Tail } from "./input/recent-input.ts";
import {
  type CompiledJail,
  type EntryAt,
  type JailHost,
  type Position,
  RunningJail,
  readsSource,
} from "./jail/jail.ts";
import { lookbackOf } from "./state/lookback.ts";

export interface EngineOptions extends TallyOptions {
  /** Undefined: the first line says. */
  readonly format: Format | undefined;
  /** What stdin is, for jails that name a `logpath`. */
  readonly source: string | undefined;
  /** Longest line, in bytes. */
  readonly maxLine: number;
  /** Most addresses remembered by each jail's window, and most bans remembered after their end. */
  readonly maxKeys: number;
  /** So long without input, in milliseconds, is told; 0: never. */
  readonly silence: number;
  /** False: every line is looked at in full. The same bytes come out, more slowly. */
  readonly prefilter: boolean;
}

/** So many lines are looked at to know up to when the log was read. */
const FEW_LINES = 50;

/**
 * The pipe of stages: bytes -> gate -> entry -> filter -> window -> banlist -> bytes. Synchronous; the time is the caller's:
 * `now`, in epoch milliseconds, is the clock's in live mode and one fixed moment in a replay.
 */
export class Engine {
  readonly counts: InputCounts = { bytes: 0, overlong: 0, givenUp: 0, stray: 0 };
  readonly tally: Tally;
  readonly sight: Sight;
  readonly #options: EngineOptions;
  readonly #report: Report;
  readonly #gate: Gate;
  readonly #detector: FormatDetector;
  readonly #first = new FirstLines();
  readonly #logClock = new LogClock();
  /** The end of what was read, for lines without a date and for the end of a replay. */
  readonly #tail = new Tail();
  readonly #host: JailHost;
  /** Where the current line stands. */
  readonly #at = { offset: 0, end: 0, before: () => this.#entriesBefore(this.#at.offset) };
  readonly #settle: Settle = (time, doubt) => {
    return settle(time, doubt, this.#logClock.now, this.#options.isLive ? this.#now : undefined);
  };
  /** What matchers may know of time, now. */
  readonly #time = { now: 0, clock: 0, settle: this.#settle };
  #jails: ReadonlyMap<string, RunningJail> = new Map();
  /** The same in the order of their index at the gate. */
  #list: readonly RunningJail[] = [];
  #compiled: readonly CompiledJail[] = [];
  #now: number;
  #judged = 0;

  constructor(jails: readonly CompiledJail[], options: EngineOptions, now: number) {
    this.#options = options;
    this.#report = options.report;
    this.#now = now;
    this.#gate = new Gate({
      maxLine: options.maxLine,
      onOverflow: () => this.#dropOverlong(),
      onCut: () => this.#tellCut(),
    });
    this.#detector = new FormatDetector(options.format);
    this.tally = new Tally(options);
    this.sight = new Sight({
      ...options,
      isDated: (line) => this.#timeOfLine(decodeText(whole(line))) !== undefined,
      hasShape: (line) => this.#hasShape(decodeText(whole(line))),
    });
    this.#host = {
      isLive: options.isLive,
      maxKeys: options.maxKeys,
      evidence: this.tally.evidence,
      addressesOf: (name) => this.tally.addressesOf(name),
      warn: (message) => this.#report.warning(message),
      onGiveUp: (jail, pattern) => this.#giveUp(jail, pattern),
      onRefused: (jail, fields) => this.#tellRefused(jail, fields),
    };
    this.#start(jails);
    this.tick(now);
  }

  /** What each line is; undefined: there was none yet. */
  get format(): Format | undefined {
    return this.#detector.format;
  }

  /** The jails at work, by name. */
  get jails(): ReadonlyMap<string, RunningJail> {
    return this.#jails;
  }

  /** Entries looked at in full: what the gate let pass, and the only count that depends on it. */
  get judged(): number {
    return this.#judged;
  }

  /**
   * Up to when the log was read, in epoch milliseconds: the earlier of its last two dated lines, since one may be wrong.
   * Undefined: that is not known, or the last lines have no date.
   */
  get readUpTo(): number | undefined {
    if (this.#detector.format === undefined) return undefined;
    const times = this.#lastTimes(FEW_LINES);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** How much of the log before that would have to be read again after a restart, in milliseconds. */
  get lookback(): number {
    return lookbackOf(this.#compiled);
  }

  /** Takes the next bytes of the log. */
  push(chunk: Buffer, now: number): void {
    this.tick(now);
    this.counts.bytes += chunk.length;
    this.#tail.push(chunk);
    this.#gate.push(chunk, this.#take);
    if (this.#options.format === undefined && !this.#first.isDone) this.#compareFirst(chunk);
    this.sight.read(chunk, now);
  }

  /** Lets time pass: in live mode, writes the unbans that are due. */
  tick(now: number): void {
    this.#now = now;
    if (this.#options.isLive) this.tally.tick(now);
    for (const { ignore } of this.#jails.values()) ignore.refresh(now);
  }

  /** The end of the input. A replay's clock moves on to the last dated line. */
  end(now: number): void {
    this.tick(now);
    this.#gate.end(this.#take);
    if (this.#options.isLive) return;
    const [last, before] = this.#lastTimes();
    if (last === undefined) return;
    this.#logClock.end(last, before);
    this.tally.tick(this.#logClock.now);
  }

  /** Goes on with rules that were read again: bans and windows stay, unless their jail is gone. */
  reload(jails: readonly CompiledJail[], now: number): void {
    this.tick(now);
    this.#start(jails);
    this.tally.sync();
  }

  #start(jails: readonly CompiledJail[]): void {
    this.#compiled = jails.filter(({ jail }) => readsSource(jail, this.#options.source));
    this.#list = this.#compiled.map((compiled) => {
      const running = this.#jails.get(compiled.jail.name);
      running?.reload(compiled);
      return running ?? new RunningJail(compiled, this.#host);
    });
    this.#jails = new Map(this.#list.map((running) => [running.jail.name, running]));
    this.tally.reload(this.#jails);
    this.#armGate();
  }

  /** Once the format is known, lines that no jail can match are dropped unseen. */
  #armGate(): void {
    const { format } = this.#detector;
    if (format === undefined) return;
    this.sight.use(format, this.#compiled);
    const isWanted = this.#options.prefilter && this.#compiled.length > 0;
    this.#gate.arm(isWanted ? planGate(this.#compiled, format) : undefined);
  }

  readonly #take = (line: LineBytes, candidates: Candidates): void => {
    const ascii = line.ascii ?? isAscii(line.bytes.subarray(line.start, line.end));
    const entry = line.entry
      ? new JournalEntry(line, line.entry, ascii)
      : this.#readNext(decodeText(line, ascii), ascii);
    this.#judged++;
    if (entry.isCut) this.#tellCut();
    const at = this.#at;
    at.offset = line.offset;
    at.end = line.offsetEnd;
    if (candidates === "all") for (const running of this.#list) this.#judge(running, entry, at, ALL_PATTERNS);
    else {
      const { filters, patterns } = candidates;
      for (const index of filters)
        this.#judge(this.#list[index] as RunningJail, entry, at, patterns[index] as number);
    }
  };

  /** The entries of the lines before a place, the nearest first. */
  *#entriesBefore(end: number): Iterable<EntryAt> {
    let offset = end;
    for (const line of this.#tail.lines(end)) {
      offset -= line.length + 1;
      const isLong = line.length > this.#options.maxLine;
      yield { entry: isLong ? undefined : this.#read(decodeText(whole(line))), offset };
    }
  }

  /** Reads the input's next line, as far as the gate lets it pass. */
  #readNext(text: string, ascii: boolean): Entry {
    if (this.#detector.format === undefined) this.#settleFormat(text);
    const entry = this.#read(text, ascii);
    if (this.#detector.format === "journal" && !entry.isDateless) this.#tellStray(entry.line);
    return entry;
  }

  /** Any line, also one that was read before. */
  #read(text: string, ascii?: boolean): Entry {
    return readEntry(text, this.#detector.format ?? "plain", this.#now, ascii, this.#settle);
  }

  /** The first line says what the input is. */
  #settleFormat(text: string): void {
    this.#detector.formatOf(text, this.#now);
    this.#armGate();
  }

  /** Are the lines after the first like it? Who said what the format is knows. */
  #compareFirst(chunk: Buffer): void {
    const { format } = this.#detector;
    this.#first.push(chunk, format, this.#now);
    if (format !== undefined) this.sight.compared(this.#first.contraryTo(format));
  }

  #tellStray(line: string): void {
    if (isNoise(line)) return;
    this.counts.stray++;
    const told = () => `a line is no journal entry, and is read as plain text: ${printable(line, 80)}`;
    if (this.#report.rareWarning("stray", told)) this.#report.hint("--format says what each line is");
  }

  /** Whether a line that is looked at now and then is of the input's format; undefined: any line is. */
  #hasShape(text: string): boolean | undefined {
    const line = text.slice(0, -1);
    const { format } = this.#detector;
    if (format === undefined || format === "plain" || format === "none" || isNoise(line)) return undefined;
    if (hasShape(line, format, this.#now)) return true;
    if (format !== "journal") this.counts.stray++;
    return false;
  }

  #judge(running: RunningJail, entry: Entry, at: Position, patterns: number): void {
    const clock = this.#options.isLive ? this.#now : this.#logClock.now;
    this.#time.now = this.#now;
    this.#time.clock = clock;
    const verdict = running.judge(entry, this.#time, at, patterns);
    if (verdict === undefined) return;
    if (!verdict.match && verdict.why !== "nofail" && verdict.why !== "pending") return;
    this.sight.matched(running.jail.name, verdict.time !== undefined);
    const time = verdict.time ?? this.#inherited(running, at.offset, clock);
    if (time !== undefined) this.#advance(time);
    if (verdict.match) this.tally.add(running, verdict, this.#timeOf(time));
  }

  /** The time of a line that has none: that of the last line that has one, if that is recent. */
  #inherited(running: RunningJail, offset: number, clock: number): number | undefined {
    const time = running.timeBefore(offset, this.#tail, (line) => {
      const entry = this.#read(decodeText(whole(line)));
      return entry.isDateless ? entry.time : running.dateOf(entry.line, this.#now, this.#settle);
    });
    return time !== undefined && time > clock - DATE_CARRYOVER ? time : undefined;
  }

  /** Moves the log's clock, by which a replay goes. */
  #advance(time: number): void {
    this.#logClock.advance(time);
    if (!this.#options.isLive) this.tally.tick(this.#logClock.now);
  }

  /** When a failure counts: at its own time; without one, or ahead of the clock, now. */
  #timeOf(time: number | undefined): number {
    if (!this.#options.isLive) return time ?? Math.max(this.#logClock.now, 0);
    if (time === undefined) return this.#now;
    this.sight.aged(time - this.#now, this.#now);
    return time <= this.#now + MAX_AHEAD ? time : this.#now;
  }

  /** The times of the last two dated lines, the last one first. */
  #lastTimes(lines = Number.POSITIVE_INFINITY): readonly number[] {
    const times: number[] = [];
    let seen = 0;
    for (const bytes of this.#tail.lines()) {
      const time = this.#timeOfLine(decodeText(whole(bytes)));
      if (time !== undefined) times.push(time);
      if (times.length === 2 || ++seen === lines) break;
    }
    return times;
  }

  #timeOfLine(text: string): number | undefined {
    const entry = this.#read(text);
    if (entry.isDateless || entry.time !== undefined) return entry.time;
    for (const running of this.#jails.values()) {
      const time = running.dateOf(entry.line, this.#now, this.#settle);
      if (time !== undefined) return time;
    }
    return undefined;
  }

  #giveUp({ name }: Jail, { source }: PythonPattern): void {
    this.counts.givenUp++;
    const pattern = printable(source, 80);
    this.#report.rareWarning(
      `budget ${name}`,
      `[${name}] a line took too long for a pattern and was given up: ${pattern}`,
    );
  }

  #tellCut(): void {
    this.#report.rareWarning("cut", "journalctl left out a long message: call it with --all (-a)");
  }

  #tellRefused({ name }: Jail, fields: readonly string[]): void {
    const has = printable(fields.join(" "));
    this.#report.warning(
      `[${name}] ignored a journal entry that reads like a failure, since it does not match journalmatch: ${has}`,
    );
    this.#report.hint(
      `a local user wrote it, or the service runs differently here: then use --set '${name}.journalmatch=…'`,
    );
  }

  #dropOverlong(): void {
    this.counts.overlong++;
    this.#report.rareWarning("overlong", `dropped a line longer than ${this.#options.maxLine} bytes`);
  }
}
