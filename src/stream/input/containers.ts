import { isoTime } from "./syslog.ts";

/** How runtimes of containers write what a program in one writes: docker as JSON, containerd and CRI-O as the CRI says. */
export type ContainerFormat = "json-file" | "cri";

/** A line of a container, or a piece of one. */
export interface ContainerPiece {
  /** When the runtime got it, in epoch milliseconds. */
  readonly time: number | undefined;
  readonly stream: "stdout" | "stderr";
  /** What the program wrote, without a newline. */
  readonly text: string;
  /** Whether its line ends with it: runtimes cut lines after 16 KiB. */
  readonly isEnd: boolean;
}

/** A line of each. */
export const CONTAINER_EXAMPLES: Readonly<Record<ContainerFormat, string>> = {
  "json-file": '{"log":"Failed password\\n","stream":"stderr","time":"2026-11-28T15:27:44.123456789Z"}',
  cri: "2026-11-28T16:27:44.123456789+01:00 stderr F Failed password",
};

/** Reads a line of a container's log; undefined: it is none. */
export function readContainerLine(line: string, format: ContainerFormat): ContainerPiece | undefined {
  return format === "cri" ? readCri(line) : readJsonFile(line);
}

const CRI = /^(\S{20,48}) (stdout|stderr) ([FP])(?::\S*)? (.*)$/s;

function readCri(line: string): ContainerPiece | undefined {
  const [, stamp = "", stream, tag, text = ""] = CRI.exec(line) ?? [];
  const time = isoTime(stamp);
  if (time === undefined || (stream !== "stdout" && stream !== "stderr")) return undefined;
  return { time, stream, text, isEnd: tag === "F" };
}

/** Docker writes the fields in this order, and no others before them. */
const JSON_FILE = /^\{"log":"/;

function readJsonFile(line: string): ContainerPiece | undefined {
  if (!JSON_FILE.test(line)) return undefined;
  const { log, stream = "stdout", time } = fieldsOf(line);
  if (typeof log !== "string" || typeof time !== "string") return undefined;
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const isEnd = log.endsWith("\n");
  const text = log.replace(/\r?\n$/, "").replaceAll("\n", "\\n");
  return { time: isoTime(time), stream, text, isEnd };
}

function fieldsOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/**
 * Joins the pieces of long lines, by stream. A piece is never seen by itself: a client that chooses where a long line is cut could have any
 * text at the beginning of a line.
 */
export class ContainerLines {
  readonly #maxLine: number;
  readonly #onOverlong: () => void;
  /** The beginnings of unfinished lines by stream; null: not whole, and dropped up to its end. */
  readonly #begun = new Map<ContainerPiece["stream"], string | null>();

  /**
   * @param maxLine longest line, in UTF-16 units
   * @param onOverlong called for each line that is dropped because it is longer
   */
  constructor(maxLine: number, onOverlong: () => void) {
    this.#maxLine = maxLine;
    this.#onOverlong = onOverlong;
  }

  /** The line that a piece completes; undefined: none. */
  add({ stream, text, isEnd }: ContainerPiece): string | undefined {
    const begun = this.#begun.get(stream);
    if (begun === undefined && isEnd) return text;
    const joined = begun === null ? null : (begun ?? "") + text;
    const isLong = joined !== null && joined.length > this.#maxLine;
    if (isLong) this.#onOverlong();
    const line = isLong ? null : joined;
    if (isEnd) this.#begun.delete(stream);
    else this.#begun.set(stream, line);
    return isEnd ? (line ?? undefined) : undefined;
  }

  /** Notes that a line was left out, which may have been the beginning of another: what comes next is not seen by itself. */
  skip(): void {
    this.#begun.set("stdout", null).set("stderr", null);
  }
}
