import { decodeLine, whole } from "../../shared/text.ts";
import { type Format, hasShape, isNoise, shapeOf } from "./format.ts";
import { LONGEST } from "./line-sampler.ts";

/** What is told when the first lines of an input are not alike. */
export interface Contrary {
  /** What the first line is, and so the input. */
  readonly format: Format;
  /** What most of the lines after it are. */
  readonly alike: Format;
  /** How many of them, of how many that were looked at. */
  readonly count: number;
  readonly others: number;
}

/** So many lines after the first one are looked at, and so many at least are compared with it. */
const OTHERS = 9;
const FEWEST = 3;

const NEWLINE = 10;

/**
 * Compares the first lines of an input with the very first, which settled its format. It looks at bytes, so it knows the same whatever a gate
 * does with the lines.
 */
export class FirstLines {
  #isPastFirst = false;
  /** The lines after the first that were looked at, and by what they look like. */
  #others = 0;
  readonly #shapes = new Map<Format, number>();
  /** The beginning of the current line, and the length of it all. */
  #pieces: Buffer[] = [];
  #length = 0;

  /** Whether no more lines are wanted. */
  get isDone(): boolean {
    return this.#others === OTHERS;
  }

  /** @param now epoch milliseconds, for years that lines don't say */
  push(chunk: Buffer, format: Format | undefined, now: number): void {
    for (let at = 0; at < chunk.length && !this.isDone; ) {
      const newline = chunk.indexOf(NEWLINE, at);
      const piece = chunk.subarray(at, newline < 0 ? chunk.length : newline);
      this.#length += piece.length;
      // Of a longer one no more is kept.
      if (this.#length <= LONGEST) this.#pieces.push(Buffer.from(piece));
      if (newline < 0) return;
      if (format !== undefined) this.#look(format, now);
      this.#pieces = [];
      this.#length = 0;
      at = newline + 1;
    }
  }

  /** What most of them are; undefined: of the format, as far as one can tell. */
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
    const shape = format !== "plain" && hasShape(line, format, now) ? format : shapeOf(line, now);
    this.#shapes.set(shape, (this.#shapes.get(shape) ?? 0) + 1);
    this.#others++;
  }
}
