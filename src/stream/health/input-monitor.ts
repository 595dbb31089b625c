import type { Contrary } from "../input/first-lines.ts";
import { type Format, hasTags } from "../input/format.ts";
import { LineSampler } from "../input/line-sampler.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import type { Alerts, Cause } from "./alerts.ts";
import { WantedTags } from "./wanted-tags.ts";
import { describeOffset, zoneHint } from "./zone-shift.ts";

export interface InputMonitorOptions {
  readonly isLive: boolean;
  readonly alerts: Alerts;
  /** The name of the source, if it has one. */
  readonly source: string | undefined;
  /** Whether a line has a date that some rule, or the input's format, can read. Must change nothing. */
  readonly isDated: (line: Buffer) => boolean;
  /** Whether a line has the shape of the input's format; undefined: any line has. */
  readonly hasShape: (line: Buffer) => boolean | undefined;
  /** The syslog tag of a line; undefined: it has none. */
  readonly tagOf: (line: Buffer) => string | undefined;
}

/** This many samples in a row, or lines in a row that one jail matched, without a date: there are no dates. */
const DATELESS_SAMPLES = 20;
/** This many samples in a row without the shape of the input's format, or with it again, switch the alert. */
const SHAPE_SAMPLES = 10;
const DATELESS_MATCHES = 10;
/** Input, in bytes, or live time, in milliseconds, without one line that a rule matched. */
const UNMATCHED_BYTES = 16 * 1024 * 1024;
const UNMATCHED_TIME = 86_400_000;

/**
 * Notices when a source is read and no failures are seen in it. It looks at bytes, at lines that a rule matched, and at a sample of the
 * others: so its alerts are the same with the gate and without.
 */
export class InputMonitor {
  readonly #options: InputMonitorOptions;
  readonly #sampler: LineSampler;
  /** False: lines have no dates, or the format is not yet known. */
  #hasDates = false;
  /** Jails whose datepattern is for lines without a date. */
  #dateless: ReadonlySet<string> = new Set();
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
  readonly #tags = new WantedTags();
  /** The names of those that do. */
  #needing = "";
  /** Milliseconds that the process ran. */
  #passed = 0;

  constructor(options: InputMonitorOptions) {
    this.#options = options;
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
    this.#tags.use(jails);
    this.#end("tags");
    this.#needing = needing.map(({ jail }) => jail.name).join(", ");
    const isBlind = format === "with-unit" ? !needing.some(namesUnit) : !hasTags(format);
    if (!isBlind || needing.length === 0) this.#end("headerless");
    else this.#warnHeaderless(format);
  }

  #warnHeaderless(format: Format): void {
    if (format === "with-unit")
      this.#begin(
        "headerless",
        `the log names units, such as ssh.service, in place of tags, so jails with an identifier do not see its lines: ${this.#needing}`,
        "journalctl -o json or short-iso gives tags; or name the unit under identifier",
      );
    else if (hasTags(format))
      this.#begin(
        "headerless",
        `most of the first lines have no tag that can be read after their date, so jails with an identifier do not see them: ${this.#needing}`,
        "a line of syslog begins with date, host and tag[pid]:",
      );
    else
      this.#begin(
        "headerless",
        `the log is read as lines without a syslog header, which jails with an identifier do not see: ${this.#needing}`,
        "journalctl -o json or short-iso gives it one; --format sets what each line is",
      );
  }

  /** Takes the result of comparing the first lines of the input with the very first; undefined: they are alike. */
  compared(contrary: Contrary | undefined): void {
    const isSame =
      contrary?.format !== "journal" &&
      contrary?.alike !== "journal" &&
      contrary?.alike !== "coloured" &&
      !this.#needsHeaders;
    if (contrary === undefined || isSame) {
      this.#end("mixed");
      return;
    }
    const { format, alike, count, others } = contrary;
    if (alike === "untagged") {
      this.#warnHeaderless(format);
      return;
    }
    if (alike === "coloured") {
      this.#begin(
        "mixed",
        `${count} of the first ${others} lines have colours, which stand in them as escape codes where patterns do not expect them`,
        "turn them off in the program, or put sed -u 's/\\x1b\\[[0-9;]*m//g' before f2b-stream",
      );
      return;
    }
    this.#begin(
      "mixed",
      `the log is read as ${format} because its first line is, but ${count} of the ${others} lines after it are ${alike}`,
      `use --format ${alike} if that is right; lines of another shape are read as plain text`,
    );
  }

  /** Takes the next bytes of the input. */
  read(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#sampler.push(chunk);
    if (!this.#hasMatched && this.#bytes >= UNMATCHED_BYTES) this.#warnUnmatched(`${this.#bytes >> 20} MiB`);
  }

  /** Notes that a line matched a rule of this jail. */
  matched(jail: string, isDated: boolean): void {
    if (!this.#hasMatched) this.#end("unmatched");
    this.#hasMatched = true;
    if (this.#tags.isUnwanted) this.#endTags();
    if (isDated && this.#undated.size === 0) return;
    if (!this.#hasDates || this.#dateless.has(jail)) return;
    if (this.#countUndated(jail, isDated, DATELESS_MATCHES)) {
      this.#warnDateless(`[${jail}] ${DATELESS_MATCHES} lines in a row that matched have no date`);
    }
  }

  /**
   * Notes by how much the lines of the log are always late.
   *
   * @param late milliseconds (below 0: early); 0: they are on time; undefined: unknown
   * @param now epoch milliseconds
   */
  offBy(late: number | undefined, now: number): void {
    if (late === undefined) return;
    if (late === 0) this.#end("shifted");
    else
      this.#begin(
        "shifted",
        `lines are always ${describeOffset(late)}, and count as now`,
        zoneHint(late, now),
      );
  }

  /** Notes that the process read on for `elapsed` milliseconds. */
  pass(elapsed: number): void {
    this.#passed += elapsed;
    if (this.#passed >= UNMATCHED_TIME && this.#bytes > 0 && !this.#hasMatched) this.#warnUnmatched("a day");
  }

  #sampled(line: Buffer): void {
    this.#countShaped(this.#options.hasShape(line));
    this.#countTag(this.#options.tagOf(line));
    if (!this.#hasDates) return;
    if (this.#countUndated("", this.#options.isDated(line), DATELESS_SAMPLES)) {
      this.#warnDateless(`${DATELESS_SAMPLES} sampled lines in a row have no date`);
    }
  }

  #countTag(tag: string | undefined): void {
    const result = this.#tags.sample(tag);
    if (result === true) this.#endTags();
    else if (result !== undefined)
      this.#begin("tags", result, "is this the right log? --set JAIL.identifier=… sets the tags of a jail");
  }

  #endTags(): void {
    this.#tags.reset();
    this.#end("tags");
  }

  #countShaped(hasShape: boolean | undefined): void {
    if (hasShape === undefined) return;
    this.#shaped = hasShape ? Math.max(this.#shaped, 0) + 1 : Math.min(this.#shaped, 0) - 1;
    if (this.#shaped === SHAPE_SAMPLES) this.#end("mixed");
    if (this.#shaped !== -SHAPE_SAMPLES) return;
    this.#begin(
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
      this.#end("dateless");
    }
    return undated === most;
  }

  #warnDateless(message: string): void {
    const counts = this.#options.isLive ? "now" : "at the time of the last line with a date";
    this.#begin(
      "dateless",
      `${message} that the rules can read: such a failure counts ${counts}`,
      "set datepattern to how dates are written, or use --format none if there are none",
    );
  }

  #warnUnmatched(how: string): void {
    this.#begin(
      "unmatched",
      `no rule has matched a line in ${how} of log`,
      "f2b-regex LOG RULES shows which lines are missed, and why",
    );
  }

  #begin(cause: Cause, message: string, hint?: string): void {
    this.#options.alerts.begin(cause, message, hint, this.#options.source);
  }

  #end(cause: Cause): void {
    this.#options.alerts.end(cause, this.#options.source);
  }
}

/** Whether a jail's identifiers are units of systemd. */
function namesUnit({ jail }: CompiledJail): boolean {
  return jail.identifier?.some((each) => /\.(?:service|scope|slice|socket)$/.test(each)) ?? false;
}

/** Whether a datepattern, such as `{NONE}`, finds a date in no text at all. */
function hasNoDates({ jail, filter }: CompiledJail): boolean {
  return jail.identifier === undefined && filter.dates.findsNothing;
}
