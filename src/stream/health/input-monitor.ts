import type { Report } from "../../cli/report.ts";
import type { Contrary } from "../input/first-lines.ts";
import type { Format } from "../input/format.ts";
import { LineSampler } from "../input/line-sampler.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import { Alerts } from "./alerts.ts";
import { ZoneShift, zoneHint } from "./zone-shift.ts";

export interface InputMonitorOptions {
  readonly isLive: boolean;
  /** So long without input, in milliseconds, is told; 0: never. */
  readonly silence: number;
  readonly report: Report;
  /** Whether a line has a date that some rule, or the input's format, can read. Changes nothing. */
  readonly isDated: (line: Buffer) => boolean;
  /** Whether a line has the shape of the input's format; undefined: any line has. */
  readonly hasShape: (line: Buffer) => boolean | undefined;
}

/** A reader of stdout that takes nothing for so long, in milliseconds, has stopped. */
const STALLED = 60_000;
/** So many samples in a row, or lines in a row that one jail matched, and none of them dated: there are no dates. */
const DATELESS_SAMPLES = 20;
/** So many samples in a row without the shape of the input's format: it is another; so many with it: it is no other any more. */
const SHAPE_SAMPLES = 10;
const DATELESS_MATCHES = 10;
/** So much input, in bytes, or live so much time, in milliseconds, without one line that a rule matched. */
const UNMATCHED_BYTES = 16 * 1024 * 1024;
const UNMATCHED_TIME = 86_400_000;

/**
 * Notices that the program runs and sees nothing. It looks at bytes, at lines that a rule matched, and at a sample of the
 * others: so it knows the same with the gate and without.
 */
export class InputMonitor {
  readonly alerts: Alerts;
  readonly #options: InputMonitorOptions;
  readonly #sampler: LineSampler;
  readonly #shift = new ZoneShift();
  /** False: there are none, or the format is not yet known. */
  #hasDates = false;
  /** Jails whose datepattern says that lines have no date. */
  #dateless: ReadonlySet<string> = new Set();
  #lastInput: number | undefined;
  #bytes = 0;
  #hasMatched = false;
  /** Lines in a row without a date: those that matched, by jail, and the samples, by no name. */
  readonly #undated = new Map<string, number>();
  /** Those that are told of. */
  readonly #toldUndated = new Set<string>();
  /** Samples in a row with the format's shape; below 0, without it. */
  #shaped = 0;
  /** Whether a jail sees other lines in an input with headers. */
  #wantsHeaders = false;
  /** Milliseconds without input, in which the reader of stdout took nothing, and in all. */
  #silent = 0;
  #stalled = 0;
  #passed = 0;

  constructor(options: InputMonitorOptions) {
    this.#options = options;
    this.alerts = new Alerts(options.report);
    this.#sampler = new LineSampler((line) => this.#sampled(line));
  }

  /** The input is of this format, and these are the jails that look at it. */
  use(format: Format, jails: readonly CompiledJail[]): void {
    const reading = jails.filter(({ jail }) => jail.on === "log");
    const dateless = reading.filter(hasNoDates).map(({ jail }) => jail.name);
    this.#dateless = new Set(dateless);
    this.#hasDates = format !== "none" && (format !== "plain" || dateless.length < reading.length);
    const blind = reading.filter(({ jail }) => jail.identifier !== undefined);
    this.#wantsHeaders = blind.length > 0;
    const hasHeader = format !== "plain" && format !== "none";
    if (hasHeader || blind.length === 0) {
      this.alerts.end("headerless");
      return;
    }
    const names = blind.map(({ jail }) => jail.name).join(", ");
    this.alerts.begin(
      "headerless",
      `the log is read as lines without a syslog header, and jails with an identifier see none of them: ${names}`,
      "journalctl -o json or short-iso gives it one; --format sets what each line is",
    );
  }

  /** The first lines of the input were compared with the very first. */
  compared(contrary: Contrary | undefined): void {
    const isSame = contrary?.format !== "journal" && contrary?.alike !== "journal" && !this.#wantsHeaders;
    if (contrary === undefined || isSame) {
      this.alerts.end("mixed");
      return;
    }
    const { format, alike, count, others } = contrary;
    this.alerts.begin(
      "mixed",
      `the log is read as ${format}, since its first line is, and ${count} of the ${others} lines after it are ${alike}`,
      `--format ${alike}, if that is what it is; lines of another shape are read as plain ones`,
    );
  }

  /** When input came last, in epoch milliseconds; undefined: never, or in a replay. */
  get lastInput(): number | undefined {
    return this.#lastInput;
  }

  /** The next bytes have been read. `now` in epoch milliseconds. */
  read(chunk: Buffer, now: number): void {
    if (this.#options.isLive) this.#lastInput = now;
    this.#bytes += chunk.length;
    this.#silent = 0;
    this.alerts.end("silence");
    this.#sampler.push(chunk);
    if (!this.#hasMatched && this.#bytes >= UNMATCHED_BYTES) this.#tellUnmatched(`${this.#bytes >> 20} MiB`);
  }

  /** A line matched a rule of this jail. */
  matched(jail: string, isDated: boolean): void {
    if (!this.#hasMatched) this.alerts.end("unmatched");
    this.#hasMatched = true;
    if (isDated && this.#undated.size === 0) return;
    if (!this.#hasDates || this.#dateless.has(jail)) return;
    if (this.#countUndated(jail, isDated, DATELESS_MATCHES)) {
      this.#tellDateless(`[${jail}] ${DATELESS_MATCHES} lines in a row that matched have no date`);
    }
  }

  /** A failure counts that is `ahead` milliseconds ahead of now, or, below 0, behind; live. */
  aged(ahead: number, now: number): void {
    const hours = this.#shift.add(ahead, now);
    if (hours === 0) this.alerts.end("shifted");
    if (!hours) return;
    const where = `${Math.abs(hours)} h ${hours > 0 ? "ahead of" : "behind"} now`;
    this.alerts.begin("shifted", `lines are ${where}: is the log's zone another? ${zoneHint(hours, now)}`);
  }

  /** Time has passed: so many milliseconds in which the process ran. `isBlocked`: stdout took nothing, so nothing was read. */
  pass(elapsed: number, isBlocked: boolean): void {
    this.#passed += elapsed;
    if (this.#passed >= UNMATCHED_TIME && this.#bytes > 0 && !this.#hasMatched) this.#tellUnmatched("a day");
    this.#stalled = isBlocked ? this.#stalled + elapsed : 0;
    if (this.#stalled >= STALLED) this.#tellStalled();
    else if (!isBlocked) this.alerts.end("stalled");
    if (isBlocked) return;
    const { silence } = this.#options;
    this.#silent += elapsed;
    if (silence > 0 && this.#silent >= silence) this.#tellSilence(silence);
  }

  #sampled(line: Buffer): void {
    this.#countShaped(this.#options.hasShape(line));
    if (!this.#hasDates) return;
    if (this.#countUndated("", this.#options.isDated(line), DATELESS_SAMPLES)) {
      this.#tellDateless(`of the lines looked at now and then, ${DATELESS_SAMPLES} in a row have no date`);
    }
  }

  #countShaped(hasShape: boolean | undefined): void {
    if (hasShape === undefined) return;
    this.#shaped = hasShape ? Math.max(this.#shaped, 0) + 1 : Math.min(this.#shaped, 0) - 1;
    if (this.#shaped === SHAPE_SAMPLES) this.alerts.end("mixed");
    if (this.#shaped !== -SHAPE_SAMPLES) return;
    this.alerts.begin(
      "mixed",
      `of the lines looked at now and then, ${SHAPE_SAMPLES} in a row do not have the log's format, and are read as plain text`,
      "--format sets what each line is",
    );
  }

  /** Returns true for the line of this kind that is one too many without a date. */
  #countUndated(kind: string, isDated: boolean, most: number): boolean {
    const undated = isDated ? 0 : (this.#undated.get(kind) ?? 0) + 1;
    if (isDated) this.#undated.delete(kind);
    else this.#undated.set(kind, undated);
    if (undated === most) this.#toldUndated.add(kind);
    else if (isDated && this.#toldUndated.delete(kind) && this.#toldUndated.size === 0) {
      this.alerts.end("dateless");
    }
    return undated === most;
  }

  #tellDateless(message: string): void {
    const counts = this.#options.isLive ? "now" : "when the line before it that had one does";
    this.alerts.begin(
      "dateless",
      `${message} that the rules can read: a failure then counts ${counts}`,
      "datepattern says how dates are written; --format none says that there are none",
    );
  }

  #tellUnmatched(how: string): void {
    this.alerts.begin(
      "unmatched",
      `no rule has matched a line in ${how} of log`,
      "f2b-regex LOG RULES shows which lines are missed, and why",
    );
  }

  #tellStalled(): void {
    this.alerts.begin("stalled", "the reader of stdout takes nothing: no line is read until it does");
  }

  #tellSilence(silence: number): void {
    this.alerts.begin(
      "silence",
      `no input for ${silence / 1000} s: is the log still being written, and its reader still following it?`,
      "--silence says how long is too long; 0 is never",
    );
  }
}

/** Whether a datepattern, such as `{NONE}`, finds a date in no text at all. */
function hasNoDates({ jail, filter }: CompiledJail): boolean {
  return jail.identifier === undefined && filter.dates.findsNothing;
}
