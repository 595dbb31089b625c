import { UsageError } from "../../cli/args.ts";
import { type ContainerFormat, readContainerLine } from "./containers.ts";
import { HEADER_SHAPES, type HeaderShape, readHeader } from "./header-shapes.ts";
import { isDatedEntry, readJournal } from "./journal.ts";

/** What each line of the input is. */
export type Format = "journal" | ContainerFormat | HeaderShape | "plain" | "none";

/** What `--format` takes. */
export const FORMATS: readonly Format[] = [
  "journal",
  "syslog",
  "syslog-pri",
  "syslog-dated",
  "rfc5424",
  "logread",
  "relayed",
  "host-colon",
  "short-full",
  "with-unit",
  "short-unix",
  "short-monotonic",
  "dovecot",
  "json-file",
  "cri",
  "plain",
  "none",
];

/** Those that a first line settles. */
const SHAPES = HEADER_SHAPES.filter(({ isFound }) => isFound);

const CONTAINERS: readonly ContainerFormat[] = ["json-file", "cri"];

/** Whether lines are a container's. */
export function isContainer(format: Format): format is ContainerFormat {
  return format === "json-file" || format === "cri";
}

/** Whether lines have a tag. */
export function hasTags(format: Format): boolean {
  return format !== "plain" && format !== "none" && !isContainer(format);
}

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
  const container = CONTAINERS.find((each) => readContainerLine(line, each));
  return container ?? SHAPES.find(({ read }) => read(line, now))?.name ?? "plain";
}

/** Whether a line, without its newline, has the shape of a format: otherwise it is read as a plain one. */
export function hasShape(line: string, format: Format, now: number): boolean {
  switch (format) {
    case "journal":
      return readJournal(line) !== undefined;
    case "plain":
    case "none":
      return true;
    case "json-file":
    case "cri":
      return readContainerLine(line, format) !== undefined;
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
