import { decodeLine, whole } from "../../shared/text.ts";
import { type Format, hasShape, hasTags, isNoise, shapeOf } from "./format.ts";
import { betterShape, type HeaderShape } from "./header-shapes.ts";
import { LONGEST } from "./line-sampler.ts";

/**
 * What a line is like: of a format; `untagged`: it has the header of the input's format, and no tag; `coloured`: it has the codes with which
 * programs colour what they write to a terminal.
 */
export type Likeness = Format | "untagged" | "coloured";

/** How the first lines of an input differ from what is expected of its format. */
export interface Contrary {
  /** The format of the first line, and so of the input. */
  readonly format: Format;
  /** What most lines after it are like. */
  readonly alike: Likeness;
  /** How many of them have it, of how many that were compared. */
  readonly count: number;
  readonly others: number;
}

/** Most lines after the first that are compared with it, and fewest for a result. */
const OTHERS = 9;
const FEWEST = 3;

const NEWLINE = 10;

/**
 * Compares the first lines of an input with the very first, which settled its format. It looks at bytes, so it knows the same whatever a gate
 * does with the lines.
 */
export class FirstLines {
  #isPastFirst = false;
  /** The lines after the first that were compared, and their number by format. */
  #others = 0;
  readonly #shapes = new Map<Likeness, number>();
  /** The beginning of the current line, and its whole length. */
  #pieces: Buffer[] = [];
  #length = 0;

  /** Whether no more lines are needed. */
  get isDone(): boolean {
    return this.#others === OTHERS;
  }

  /** @param now epoch milliseconds, for years that lines don't say */
  push(chunk: Buffer, format: Format | undefined, now: number): void {
    for (let at = 0; at < chunk.length && !this.isDone; ) {
      const newline = chunk.indexOf(NEWLINE, at);
      const piece = chunk.subarray(at, newline < 0 ? chunk.length : newline);
      this.#length += piece.length;
      // Only the beginning of a longer line is kept.
      if (this.#length <= LONGEST) this.#pieces.push(Buffer.from(piece));
      if (newline < 0) return;
      if (format !== undefined) this.#look(format, now);
      this.#pieces = [];
      this.#length = 0;
      at = newline + 1;
    }
  }

  /** The format of most of them, when it is not `format`; undefined otherwise. */
  contraryTo(format: Format): Contrary | undefined {
    const others = this.#others;
    if (others < FEWEST) return undefined;
    for (const [alike, count] of this.#shapes)
      if (alike !== format && count * 2 > others) return { format, alike, count, others };
    return undefined;
  }

  #look(format: Format, now: number): void {
    const line = this.#length > LONGEST ? undefined : decodeLine(whole(Buffer.concat(this.#pieces)));
    if (line !== undefined && isNoise(line)) return;
    if (!this.#isPastFirst) {
      this.#isPastFirst = true;
      return;
    }
    if (line === undefined) return;
    const shape = likenessOf(line, format, now);
    this.#shapes.set(shape, (this.#shapes.get(shape) ?? 0) + 1);
    this.#others++;
  }
}

function likenessOf(line: string, format: Format, now: number): Likeness {
  if (COLOUR.test(line)) return "coloured";
  if (format === "plain" || !hasShape(line, format, now)) return shapeOf(line, now);
  if (!hasTags(format) || format === "journal") return format;
  return betterShape(line, format as HeaderShape, now) ?? format;
}

/** `ESC [ 31 m`; in JSON, and by rsyslog, the first character is escaped. */
const COLOUR = new RegExp(String.raw`(?:${"\u001b"}|\\u001b|#033)\[\d{0,3}(?:;\d{1,3}){0,8}m`, "i");
