import { UsageError } from "../../cli/args.ts";
import { isDatedEntry, readJournal } from "./journal.ts";
import { readHeader, type SyslogShape } from "./syslog.ts";

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

/** Lines that journalctl and tail put between the records: they do not show the format. */
const NOISE = /^(?:-- .* --|==> .* <==|)$/;

/**
 * Finds the format of an input: its first line decides it for good. The authors of later lines have no influence on it, and the author
 * of the first one only on lines of that very shape, since all others are read as plain ones (`readEntry`).
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

/** The format of a line, without its newline, by itself. */
export function shapeOf(line: string, now: number): Format {
  if (isDatedEntry(line)) return "journal";
  return SHAPES.find((shape) => readHeader(line, shape, now)) ?? "plain";
}

/** Whether a line, without its newline, has the shape of a format: otherwise it is read as a plain one. */
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
 * The value of an option `--format`; undefined for `auto`.
 *
 * @param others what the option takes besides
 * @throws UsageError
 */
export function readFormat<Other extends string = never>(
  text: string,
  ...others: readonly Other[]
): Format | Other | undefined {
  if (text === "auto") return undefined;
  const known: readonly (Format | Other)[] = [...FORMATS, ...others];
  const format = known.find((each) => each === text);
  if (format) return format;
  throw new UsageError(
    `option --format: expected one of auto, ${known.join(", ")}, got ${JSON.stringify(text)}`,
  );
}
