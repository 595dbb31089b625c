import type { Report } from "../../cli/report.ts";
import type { Contrary } from "../input/first-lines.ts";
import type { Format } from "../input/format.ts";
import { LineSampler } from "../input/line-sampler.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import { Alerts } from "./alerts.ts";
import { ZoneShift, zoneHint } from "./zone-shift.ts";

export interface InputMonitorOptions {
  readonly isLive: boolean;
  /** Warns after this time without input, in milliseconds; 0: never. */
  readonly silence: number;
  readonly report: Report;
  /** Whether a line has a date that some rule, or the input's format, can read. Must change nothing. */
  readonly isDated: (line: Buffer) => boolean;
  /** Whether a line has the shape of the input's format; undefined: any line has. */
  readonly hasShape: (line: Buffer) => boolean | undefined;
}

/** A reader of stdout that takes nothing for this time, in milliseconds, has stalled. */
const STALLED = 60_000;
/** This many samples in a row, or lines in a row that one jail matched, without a date: there are no dates. */
const DATELESS_SAMPLES = 20;
/** This many samples in a row without the shape of the input's format, or with it again, switch the alert. */
const SHAPE_SAMPLES = 10;
const DATELESS_MATCHES = 10;
/** Input, in bytes, or live time, in milliseconds, without one line that a rule matched. */
const UNMATCHED_BYTES = 16 * 1024 * 1024;
const UNMATCHED_TIME = 86_400_000;

/**
 * Notices when the program runs and sees no failures. It looks at bytes, at lines that a rule matched, and at a sample of the
 * others: so its alerts are the same with the gate and without.
 */
export class InputMonitor {
  readonly alerts: Alerts;
  readonly #options: InputMonitorOptions;
  readonly #sampler: LineSampler;
  readonly #shift = new ZoneShift();
  /** False: lines have no dates, or the format is not yet known. */
  #hasDates = false;
  /** Jails whose datepattern is for lines without a date. */
  #dateless: ReadonlySet<string> = new Set();
  #lastInput: number | undefined;
  #bytes = 0;
  #hasMatched = false;
  /** Lines in a row without a date: by jail those that matched, under "" the samples. */
  readonly #undated = new Map<string, number>();
  /** Those that had too many. */
  readonly #tooManyUndated = new Set<string>();
  /** Samples in a row with the format's shape; below 0, without it. */
  #shaped = 0;
  /** Whether some jail needs lines with headers. */
  #needsHeaders = false;
  /** Milliseconds without input, in which the reader of stdout took nothing, and in total. */
  #silent = 0;
  #stalled = 0;
  #passed = 0;

  constructor(options: InputMonitorOptions) {
    this.#options = options;
    this.alerts = new Alerts(options.report);
    this.#sampler = new LineSampler((line) => this.#sampled(line));
  }

  /** Sets the format of the input and the jails that read it. */
  use(format: Format, jails: readonly CompiledJail[]): void {
    const reading = jails.filter(({ jail }) => jail.on === "log");
    const dateless = reading.filter(hasNoDates).map(({ jail }) => jail.name);
    this.#dateless = new Set(dateless);
    this.#hasDates = format !== "none" && (format !== "plain" || dateless.length < reading.length);
    const needing = reading.filter(({ jail }) => jail.identifier !== undefined);
    this.#needsHeaders = needing.length > 0;
    const hasHeader = format !== "plain" && format !== "none";
    if (hasHeader || needing.length === 0) {
      this.alerts.end("headerless");
      return;
    }
    const names = needing.map(({ jail }) => jail.name).join(", ");
    this.alerts.begin(
      "headerless",
      `the log is read as lines without a syslog header, which jails with an identifier do not see: ${names}`,
      "journalctl -o json or short-iso gives it one; --format sets what each line is",
    );
  }

  /** Takes the result of comparing the first lines of the input with the very first; undefined: they are alike. */
  compared(contrary: Contrary | undefined): void {
    const isSame = contrary?.format !== "journal" && contrary?.alike !== "journal" && !this.#needsHeaders;
    if (contrary === undefined || isSame) {
      this.alerts.end("mixed");
      return;
    }
    const { format, alike, count, others } = contrary;
    this.alerts.begin(
      "mixed",
      `the log is read as ${format} because its first line is, but ${count} of the ${others} lines after it are ${alike}`,
      `use --format ${alike} if that is right; lines of another shape are read as plain text`,
    );
  }

  /** When input came last, in epoch milliseconds; undefined: never, or in a replay. */
  get lastInput(): number | undefined {
    return this.#lastInput;
  }

  /** Takes the next bytes of the input. `now` in epoch milliseconds. */
  read(chunk: Buffer, now: number): void {
    if (this.#options.isLive) this.#lastInput = now;
    this.#bytes += chunk.length;
    this.#silent = 0;
    this.alerts.end("silence");
    this.#sampler.push(chunk);
    if (!this.#hasMatched && this.#bytes >= UNMATCHED_BYTES) this.#warnUnmatched(`${this.#bytes >> 20} MiB`);
  }

  /** Notes that a line matched a rule of this jail. */
  matched(jail: string, isDated: boolean): void {
    if (!this.#hasMatched) this.alerts.end("unmatched");
    this.#hasMatched = true;
    if (isDated && this.#undated.size === 0) return;
    if (!this.#hasDates || this.#dateless.has(jail)) return;
    if (this.#countUndated(jail, isDated, DATELESS_MATCHES)) {
      this.#warnDateless(`[${jail}] ${DATELESS_MATCHES} lines in a row that matched have no date`);
    }
  }

  /** Notes a live failure that is `ahead` milliseconds ahead of now; below 0: late. */
  aged(ahead: number, now: number): void {
    const hours = this.#shift.add(ahead, now);
    if (hours === 0) this.alerts.end("shifted");
    if (!hours) return;
    const lateness = hours > 0 ? `${hours} h ahead of now` : `${-hours} h late`;
    this.alerts.begin(
      "shifted",
      `lines are ${lateness}: is the log in another time zone? ${zoneHint(hours, now)}`,
    );
  }

  /** Notes that the process ran for `elapsed` milliseconds. `isBlocked`: stdout took nothing, so nothing was read. */
  pass(elapsed: number, isBlocked: boolean): void {
    this.#passed += elapsed;
    if (this.#passed >= UNMATCHED_TIME && this.#bytes > 0 && !this.#hasMatched) this.#warnUnmatched("a day");
    this.#stalled = isBlocked ? this.#stalled + elapsed : 0;
    if (this.#stalled >= STALLED) this.#warnStalled();
    else if (!isBlocked) this.alerts.end("stalled");
    if (isBlocked) return;
    const { silence } = this.#options;
    this.#silent += elapsed;
    if (silence > 0 && this.#silent >= silence) this.#warnSilence(silence);
  }

  #sampled(line: Buffer): void {
    this.#countShaped(this.#options.hasShape(line));
    if (!this.#hasDates) return;
    if (this.#countUndated("", this.#options.isDated(line), DATELESS_SAMPLES)) {
      this.#warnDateless(`${DATELESS_SAMPLES} sampled lines in a row have no date`);
    }
  }

  #countShaped(hasShape: boolean | undefined): void {
    if (hasShape === undefined) return;
    this.#shaped = hasShape ? Math.max(this.#shaped, 0) + 1 : Math.min(this.#shaped, 0) - 1;
    if (this.#shaped === SHAPE_SAMPLES) this.alerts.end("mixed");
    if (this.#shaped !== -SHAPE_SAMPLES) return;
    this.alerts.begin(
      "mixed",
      `${SHAPE_SAMPLES} sampled lines in a row do not have the log's format, and are read as plain text`,
      "--format sets what each line is",
    );
  }

  /** Returns true for the line of this kind that makes too many without a date. */
  #countUndated(kind: string, isDated: boolean, most: number): boolean {
    const undated = isDated ? 0 : (this.#undated.get(kind) ?? 0) + 1;
    if (isDated) this.#undated.delete(kind);
    else this.#undated.set(kind, undated);
    if (undated === most) this.#tooManyUndated.add(kind);
    else if (isDated && this.#tooManyUndated.delete(kind) && this.#tooManyUndated.size === 0) {
      this.alerts.end("dateless");
    }
    return undated === most;
  }

  #warnDateless(message: string): void {
    const counts = this.#options.isLive ? "now" : "at the time of the last line with a date";
    this.alerts.begin(
      "dateless",
      `${message} that the rules can read: such a failure counts ${counts}`,
      "set datepattern to how dates are written, or use --format none if there are none",
    );
  }

  #warnUnmatched(how: string): void {
    this.alerts.begin(
      "unmatched",
      `no rule has matched a line in ${how} of log`,
      "f2b-regex LOG RULES shows which lines are missed, and why",
    );
  }

  #warnStalled(): void {
    this.alerts.begin("stalled", "the reader of stdout has stalled: no lines are read until it goes on");
  }

  #warnSilence(silence: number): void {
    this.alerts.begin(
      "silence",
      `no input for ${silence / 1000} s: is the log still written, and is the program that reads it still running?`,
      "--silence sets the time; 0 turns it off",
    );
  }
}

/** Whether a datepattern, such as `{NONE}`, finds a date in no text at all. */
function hasNoDates({ jail, filter }: CompiledJail): boolean {
  return jail.identifier === undefined && filter.dates.findsNothing;
}
