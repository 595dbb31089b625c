import type { Settle } from "../time.ts";
import { isDatedEntry, readJournal } from "./journal.ts";
import { doubtOf, processIn, readHeader, type SyslogHeader, type SyslogShape } from "./syslog.ts";

/** One log record, as far as its format tells. */
export interface Entry {
  /** The line as it was written; of a journal entry `host ident[pid]: message`. */
  readonly line: string;
  /** The same with a newline at its end. */
  readonly text: string;
  /** Epoch milliseconds; undefined: the format does not say, a jail looks for a date in the line. */
  readonly time: number | undefined;
  /** Syslog tag without its process id. */
  readonly identifier: string | undefined;
  /** Which process wrote it, as `host pid`; undefined: the format does not say. */
  readonly process: string | undefined;
  /** What the program said, without the daemon's header, with a newline; the whole text where there is no header. */
  readonly message: string;
  /** True when `line` holds no date, since the format's time stands outside of it. */
  readonly isDateless: boolean;
  /** True for a journal entry whose message journalctl left out because it was long: it wants `--all`. */
  readonly isCut: boolean;
  /** A journal entry's own fields; none, of a line among journal entries that is no entry. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** Whether `line` is ASCII alone, where that is known. */
  readonly ascii: boolean | undefined;
}

/** What each line of the input is. */
export type Format = "journal" | SyslogShape | "plain" | "none";

/** What `--format` takes. */
export const FORMATS: readonly Format[] = [
  "journal",
  "syslog",
  "syslog-pri",
  "rfc5424",
  "short-full",
  "short-unix",
  "short-monotonic",
  "plain",
  "none",
];

const SHAPES: readonly SyslogShape[] = [
  "rfc5424",
  "syslog-pri",
  "syslog",
  "short-full",
  "short-unix",
  "short-monotonic",
];

/** Lines that journalctl and tail put between the records: they say nothing of the format. */
const NOISE = /^(?:-- .* --|==> .* <==|)$/;

/**
 * Finds out what an input is made of: its first line says so, for good. Who wrote the lines after it, however many they are, has no say; and who
 * wrote the first one decides of lines of that very shape alone, since all others are read as plain ones (`readEntry`).
 */
export class FormatDetector {
  #format: Format | undefined;

  constructor(format?: Format) {
    this.#format = format;
  }

  /** Undefined: there was no line yet. */
  get format(): Format | undefined {
    return this.#format;
  }

  /**
   * The format of `text`, the input's next line with its newline.
   *
   * @param now epoch milliseconds, for years that lines don't say
   */
  formatOf(text: string, now: number): Format {
    if (this.#format !== undefined) return this.#format;
    const line = text.slice(0, -1);
    if (!isNoise(line)) this.#format = shapeOf(line, now);
    return this.#format ?? "plain";
  }
}

/** Whether journalctl or tail put a line between the records. */
export function isNoise(line: string): boolean {
  return NOISE.test(line);
}

/** What a line, without its newline, looks like by itself. */
export function shapeOf(line: string, now: number): Format {
  if (isDatedEntry(line)) return "journal";
  return SHAPES.find((shape) => readHeader(line, shape, now)) ?? "plain";
}

/** Whether a line, without its newline, is one of such an input: else it is read as a plain one. */
export function hasShape(line: string, format: Format, now: number): boolean {
  switch (format) {
    case "journal":
      return readJournal(line) !== undefined;
    case "plain":
    case "none":
      return true;
    default:
      return readHeader(line, format, now) !== undefined;
  }
}

/**
 * Reads one line of a known format. A line of another shape, in a journal too, is a plain one: never is a line taken for a kind that
 * the input is not of, since a log writer does not choose its format line by line, but an attacker might; nor is it dropped, since the
 * first line, which chose, may have been an attacker's.
 *
 * @param text the line with a newline at its end
 * @param now epoch milliseconds, for years that lines don't say
 * @param settle settles what stamps leave open
 */
export function readEntry(
  text: string,
  format: Format,
  now: number,
  ascii?: boolean,
  settle?: Settle,
): Entry {
  switch (format) {
    case "journal":
      return readJournal(text) ?? { ...plainEntry(text, undefined, ascii), fields: NO_FIELDS };
    case "plain":
      return plainEntry(text, undefined, ascii);
    case "none":
      return plainEntry(text, now, ascii);
    default:
      return new SyslogEntry(text, format, now, ascii, settle);
  }
}

/** So that no jail with a journalmatch sees what is no entry. */
const NO_FIELDS: Entry["fields"] = {};

function plainEntry(text: string, time: number | undefined, ascii: boolean | undefined): Entry {
  const line = text.slice(0, -1);
  const isDateless = time !== undefined;
  return {
    line,
    text,
    time,
    identifier: undefined,
    process: undefined,
    message: text,
    isDateless,
    isCut: false,
    fields: undefined,
    ascii,
  };
}

/** A line with a syslog header, which is read when somebody asks for it: jails that see the raw line never do. */
class SyslogEntry implements Entry {
  readonly line: string;
  readonly text: string;
  readonly ascii: boolean | undefined;
  readonly isDateless = false;
  readonly isCut = false;
  readonly fields = undefined;
  readonly #shape: SyslogShape;
  readonly #now: number;
  readonly #settle: Settle | undefined;
  #header: SyslogHeader | undefined;

  constructor(
    text: string,
    shape: SyslogShape,
    now: number,
    ascii: boolean | undefined,
    settle: Settle | undefined,
  ) {
    this.line = text.slice(0, -1);
    this.text = text;
    this.ascii = ascii;
    this.#shape = shape;
    this.#now = now;
    this.#settle = settle;
  }

  get time(): number | undefined {
    const { time } = this.#read();
    const doubt = time === undefined || !this.#settle ? undefined : doubtOf(this.line, this.#shape);
    return time !== undefined && doubt && this.#settle ? this.#settle(time, doubt) : time;
  }

  get identifier(): string | undefined {
    return this.#read().identifier;
  }

  get process(): string | undefined {
    const { source, start } = this.#read();
    return processIn(this.text.slice(source, start), this.#shape === "rfc5424");
  }

  get message(): string {
    return this.text.slice(this.#read().start);
  }

  #read(): SyslogHeader {
    this.#header ??= readHeader(this.line, this.#shape, this.#now) ?? {
      time: undefined,
      identifier: undefined,
      source: 0,
      start: 0,
    };
    return this.#header;
  }
}
