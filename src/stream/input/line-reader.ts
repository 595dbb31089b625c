import { decodeText, whole } from "../../shared/text.ts";
import type { Settle } from "../../shared/time.ts";
import { ContainerLines } from "./containers.ts";
import type { Entry, EntryAt } from "./entry.ts";
import { type Format, FormatDetector, hasShape, isContainer, isNoise } from "./format.ts";
import { readEntry } from "./read-entry.ts";
import { RecentInput } from "./recent-input.ts";

export interface LineReaderOptions {
  /** Undefined: the first line decides. */
  readonly format: Format | undefined;
  /** Longest line, in bytes. */
  readonly maxLine: number;
  /** Resolves times that stamps leave ambiguous. */
  readonly resolve: Settle;
  /** Called when the first line has decided the format, before it is read. */
  readonly onFormat: () => void;
  /** Called with each line among journal entries that is not one. */
  readonly onStray: (line: string) => void;
  /** Called for each line of a container that is dropped because it is longer, its pieces joined. */
  readonly onOverlong: () => void;
}

/** Where a line stands, in bytes from the beginning of the input. */
interface Place {
  readonly offset: number;
  readonly offsetEnd: number;
}

/** Turns the input's lines into entries of its format. `now` is in epoch milliseconds, for years that lines leave out. */
export class LineReader {
  /** The end of what was read, for lines without a date and for the end of a replay. */
  readonly recent = new RecentInput();
  readonly #options: LineReaderOptions;
  readonly #detector: FormatDetector;
  readonly #joiner: ContainerLines;
  /** Where the line ended that was read last. */
  #end = -1;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    this.#joiner = new ContainerLines(options.maxLine, options.onOverlong);
    this.#detector = new FormatDetector(options.format);
  }

  /** What each line is; undefined: there was no line yet. */
  get format(): Format | undefined {
    return this.#detector.format;
  }

  /** Reads the input's next line, as far as the gate emits it. */
  next(text: string, now: number, ascii: boolean, { offset, offsetEnd }: Place): Entry {
    if (this.#detector.format === undefined) {
      this.#detector.formatOf(text, now);
      this.#options.onFormat();
    }
    const { format = "plain" } = this.#detector;
    const isNext = offset === this.#end + 1;
    this.#end = offsetEnd;
    if (isContainer(format)) {
      if (!isNext) this.#joiner.skip();
      return readEntry(text, format, now, ascii, this.#options.resolve, this.#joiner);
    }
    const entry = this.read(text, now, ascii);
    if (this.#detector.format === "journal" && !entry.isDateless) this.#options.onStray(entry.line);
    return entry;
  }

  /** Reads any line, also one that was read before. */
  read(text: string, now: number, ascii?: boolean): Entry {
    return readEntry(text, this.#detector.format ?? "plain", now, ascii, this.#options.resolve);
  }

  /** The entries of the lines before a place, the nearest first. */
  *entriesBefore(end: number, now: number): Iterable<EntryAt> {
    let offset = end;
    for (const line of this.recent.lines(end)) {
      offset -= line.length + 1;
      const isLong = line.length > this.#options.maxLine;
      yield { entry: isLong ? undefined : this.read(decodeText(whole(line)), now), offset };
    }
  }

  /**
   * The times of the last two dated lines, the last one first.
   *
   * @param timeOf the time of a line with its newline, in epoch milliseconds
   * @param most how many lines are looked at
   */
  lastTimes(
    timeOf: (text: string) => number | undefined,
    most = Number.POSITIVE_INFINITY,
  ): readonly number[] {
    const times: number[] = [];
    let seen = 0;
    for (const bytes of this.recent.lines()) {
      const time = timeOf(decodeText(whole(bytes)));
      if (time !== undefined) times.push(time);
      if (times.length === 2 || ++seen === most) break;
    }
    return times;
  }

  /** Whether a line with its newline has the shape of the input's format; undefined: any line has. */
  hasShape(text: string, now: number): boolean | undefined {
    const line = text.slice(0, -1);
    const { format } = this.#detector;
    if (format === undefined || format === "plain" || format === "none" || isNoise(line)) return undefined;
    return hasShape(line, format, now);
  }
}
