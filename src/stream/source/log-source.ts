import { isAscii } from "node:buffer";
import type { MatcherClock } from "../../filter/matcher.ts";
import type { Failure } from "../../filter/verdict.ts";
import { DATE_CARRYOVER } from "../../shared/limits.ts";
import { decodeText, whole } from "../../shared/text.ts";
import type { Settle } from "../../shared/time.ts";
import { ALL_PATTERNS, type Candidates, type GatePlan, type LineBytes } from "../gate/candidates.ts";
import { Gate } from "../gate/gate.ts";
import type { Alerts } from "../health/alerts.ts";
import { InputMonitor } from "../health/input-monitor.ts";
import type { InputWarnings } from "../health/input-warnings.ts";
import type { Entry } from "../input/entry.ts";
import { FirstLines } from "../input/first-lines.ts";
import type { Format } from "../input/format.ts";
import { JournalEntry } from "../input/journal.ts";
import { LineReader } from "../input/line-reader.ts";
import { LiveTimes } from "../input/live-times.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import { JailReader, type Position, type ReaderHost } from "../jail/jail-reader.ts";
import type { RunningJail } from "../jail/running-jail.ts";

/** Input that pauses for this time, in milliseconds, was read to its end; before its first bytes, while its reader starts, for longer. */
const PAUSE = 1_000;
const FIRST_PAUSE = 3_000;

const NEWLINE = Buffer.from("\n");

interface SourceTime extends MatcherClock {
  readonly settle: Settle;
}

/** What a source needs of its surroundings. */
export interface SourceHost extends ReaderHost {
  readonly isLive: boolean;
  /** When the stream began, in epoch milliseconds. */
  readonly started: number;
  /** Longest line, in bytes. */
  readonly maxLine: number;
  readonly warnings: InputWarnings;
  readonly alerts: Alerts;
  /** What matchers know of the time; its values change. */
  readonly time: SourceTime;
  /** Which lines the jails must see; undefined: all. */
  readonly plan: (jails: readonly CompiledJail[], format: Format) => GatePlan | undefined;
  /** Takes the time of a line that matched, in epoch milliseconds. */
  readonly onTime: (time: number) => void;
  /** Takes a failure. `time`: when it counts, in epoch milliseconds; undefined: unknown. */
  readonly onFailure: (
    source: LogSource,
    running: RunningJail,
    failure: Failure,
    time: number | undefined,
  ) => void;
}

/**
 * One source of lines, such as a file, and all that depends on the lines before: its format, its unfinished line, the dates that
 * lines without one take over, and what each jail's matcher remembers.
 */
export class LogSource {
  /** Undefined: the input has one source, which has no name. */
  readonly name: string | undefined;
  readonly monitor: InputMonitor;
  readonly #host: SourceHost;
  readonly #gate: Gate;
  readonly #reader: LineReader;
  /** Undefined: the format was given. */
  readonly #firstLines: FirstLines | undefined;
  /** Where the current line stands. */
  readonly #at = {
    offset: 0,
    end: 0,
    before: () => this.#reader.entriesBefore(this.#at.offset, this.#host.time.now),
  };
  #jails: readonly RunningJail[] = [];
  #compiled: readonly CompiledJail[] = [];
  /** By jail, in the order of their index at the gate. */
  #readers: readonly JailReader[] = [];
  /** When their failures count, in live mode. */
  readonly #times = new Map<RunningJail, LiveTimes<Failure>>();
  #bytes = 0;
  #judged = 0;
  #lastInput = Number.NEGATIVE_INFINITY;
  /** Whether nothing came for a while: what was there when reading began has been read. */
  #hasPaused = false;

  /** @param format undefined: the first line decides */
  constructor(name: string | undefined, format: Format | undefined, host: SourceHost) {
    this.name = name;
    this.#host = host;
    const { maxLine, warnings, time, isLive, alerts } = host;
    this.#gate = new Gate({
      maxLine,
      onOverflow: () => warnings.overlong(),
      onCut: () => warnings.cut(),
    });
    this.#reader = new LineReader({
      format,
      maxLine,
      resolve: time.settle,
      onFormat: () => this.#armGate(),
      onStray: (line) => warnings.stray(line),
      onOverlong: () => warnings.overlong(),
    });
    this.#firstLines = format === undefined ? new FirstLines() : undefined;
    this.monitor = new InputMonitor({
      isLive,
      alerts,
      source: name,
      isDated: (line) => this.timeOfLine(decodeText(whole(line))) !== undefined,
      hasShape: (line) => this.#hasShape(decodeText(whole(line))),
      tagOf: (line) => this.#reader.read(decodeText(whole(line)), time.now).identifier,
    });
  }

  /** What each line is; undefined: there was no line yet. */
  get format(): Format | undefined {
    return this.#reader.format;
  }

  /** Bytes read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When input came last, in epoch milliseconds; -Infinity: never. */
  get lastInput(): number {
    return this.#lastInput;
  }

  /** Entries looked at in full: those that the gate emitted, and the only count that depends on it. */
  get judged(): number {
    return this.#judged;
  }

  /** Sets the jails that read this source. Sessions begin anew. */
  use(jails: readonly RunningJail[]): void {
    const seen = new Map(this.#readers.map((reader) => [reader.jail.name, reader.seen]));
    this.#jails = jails;
    for (const running of this.#times.keys()) if (!jails.includes(running)) this.#times.delete(running);
    this.#compiled = jails.map(({ compiled }) => compiled);
    this.#readers = this.#compiled.map(
      (compiled) => new JailReader(compiled, this.#host, seen.get(compiled.jail.name)),
    );
    this.#armGate();
  }

  /** Takes the next bytes. */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#notePause(this.#host.time.now);
    this.#host.warnings.counts.bytes += chunk.length;
    this.#reader.recent.push(chunk);
    this.#gate.push(chunk, this.#take);
    if (this.#firstLines && !this.#firstLines.isDone) this.#compareFirst(this.#firstLines, chunk);
    this.monitor.read(chunk);
  }

  #notePause(now: number): void {
    const { started } = this.#host;
    const isFirst = this.#lastInput < started;
    if (now - (isFirst ? started : this.#lastInput) >= (isFirst ? FIRST_PAUSE : PAUSE))
      this.#hasPaused = true;
    this.#lastInput = now;
  }

  /** Leaves out the unfinished line: it was cut. */
  cut(): void {
    this.#gate.discard();
    this.push(NEWLINE);
  }

  /** Ends the input: an unfinished line is a line. */
  end(): void {
    this.#gate.end(this.#take);
  }

  /** Counts the failures that wait for their time to be known. */
  settle(): void {
    for (const [running, times] of this.#times)
      for (const { failure, time } of times.end()) this.#host.onFailure(this, running, failure, time);
  }

  /**
   * The times of the last two dated lines, the last one first, in epoch milliseconds.
   *
   * @param most how many lines are looked at
   */
  lastTimes(most?: number): readonly number[] {
    return this.#reader.lastTimes((text) => this.timeOfLine(text), most);
  }

  /** The time of a line with its newline, as the format or some jail reads it. */
  timeOfLine(text: string): number | undefined {
    const { now, settle } = this.#host.time;
    const entry = this.#reader.read(text, now);
    if (entry.isDateless || entry.time !== undefined) return entry.time;
    for (const reader of this.#readers) {
      const time = reader.dateOf(entry.line, now, settle);
      if (time !== undefined) return time;
    }
    return undefined;
  }

  /** Once the format is known, lines that no jail can match are dropped unseen. */
  #armGate(): void {
    const { format } = this;
    if (format === undefined) return;
    this.monitor.use(format, this.#compiled);
    this.#gate.arm(this.#host.plan(this.#compiled, format));
  }

  readonly #take = (line: LineBytes, candidates: Candidates): void => {
    const ascii = line.ascii ?? isAscii(line.bytes.subarray(line.start, line.end));
    const entry = line.entry
      ? new JournalEntry(line, line.entry, ascii)
      : this.#reader.next(decodeText(line, ascii), this.#host.time.now, ascii, line);
    this.#judged++;
    if (entry.isCut) this.#host.warnings.cut();
    const at = this.#at;
    at.offset = line.offset;
    at.end = line.offsetEnd;
    if (candidates === "all")
      for (let index = 0; index < this.#jails.length; index++) this.#judge(index, entry, at, ALL_PATTERNS);
    else {
      const { filters, patterns } = candidates;
      for (const index of filters) this.#judge(index, entry, at, patterns[index] as number);
    }
  };

  /** Compares the lines after the first with it: whoever wrote the first line decided the format. */
  #compareFirst(firstLines: FirstLines, chunk: Buffer): void {
    const { format } = this;
    firstLines.push(chunk, format, this.#host.time.now);
    if (format !== undefined) this.monitor.compared(firstLines.contraryTo(format));
  }

  /** Whether a sampled line has the shape of the input's format; undefined: any line has. */
  #hasShape(text: string): boolean | undefined {
    const hasShape = this.#reader.hasShape(text, this.#host.time.now);
    if (hasShape === false && this.format !== "journal") this.#host.warnings.counts.stray++;
    return hasShape;
  }

  #judge(index: number, entry: Entry, at: Position, patterns: number): void {
    const reader = this.#readers[index] as JailReader;
    const verdict = reader.judge(entry, this.#host.time, at, patterns);
    if (verdict === undefined) return;
    if (!verdict.match && verdict.why !== "nofail" && verdict.why !== "pending") return;
    this.monitor.matched(reader.jail.name, verdict.time !== undefined);
    const time = verdict.time ?? this.#carriedOver(reader, at.offset);
    if (time !== undefined) this.#host.onTime(time);
    this.#count(this.#jails[index] as RunningJail, time, verdict.match ? verdict : undefined);
  }

  /** Passes a failure on, when it is known when it counts; `failure` is undefined for another line that matched. */
  #count(running: RunningJail, time: number | undefined, failure: Failure | undefined): void {
    const { isLive, onFailure, time: clock } = this.#host;
    // A line without a time counts as now.
    const at = time ?? clock.now;
    const times = isLive ? this.#timesOf(running) : undefined;
    if (times === undefined || times.isPlain(at, clock.now)) {
      if (failure !== undefined) onFailure(this, running, failure, time);
      return;
    }
    for (const each of times.add(at, clock.now, failure, this.#hasPaused))
      onFailure(this, running, each.failure, each.time);
    this.monitor.offBy(times.offset, clock.now);
  }

  #timesOf(running: RunningJail): LiveTimes<Failure> {
    const known = this.#times.get(running);
    if (known) return known;
    const times = new LiveTimes<Failure>();
    this.#times.set(running, times);
    return times;
  }

  /** The time of a line that has none: that of the last line that has one, if that is recent. */
  #carriedOver(jail: JailReader, offset: number): number | undefined {
    const { now, clock, settle } = this.#host.time;
    const time = jail.timeBefore(offset, this.#reader.recent, (line) => {
      const entry = this.#reader.read(decodeText(whole(line)), now);
      return entry.isDateless ? entry.time : jail.dateOf(entry.line, now, settle);
    });
    return time !== undefined && time > clock - DATE_CARRYOVER ? time : undefined;
  }
}
