import type { Bytes } from "../../shared/text.ts";

export interface LineFramerOptions {
  /** Longest line, in bytes, its newline apart. A longer one is dropped whole: a cut line could match where it was cut. */
  readonly maxLine: number;
  /** Called once for each line dropped. */
  readonly onOverflow: () => void;
}

/** Whole lines of a buffer; the last one may lack its newline. They are valid during the call that emits them. */
export interface LineBlock extends Bytes {
  /** Where the buffer begins, in bytes from the beginning of the input. */
  readonly base: number;
}

/**
 * Cuts chunks into blocks of whole lines, without looking for the newlines between them. Lines come out the same however the
 * chunks are cut. At most one unfinished line is kept, bounded.
 */
export class LineFramer {
  readonly #options: LineFramerOptions;
  /** The pieces of the unfinished line. */
  #pieces: Buffer[] = [];
  #length = 0;
  /** Whether the unfinished line is left out. */
  #isDiscarded = false;
  /** Bytes before the current chunk. */
  #base = 0;

  constructor(options: LineFramerOptions) {
    this.#options = options;
  }

  push(chunk: Buffer, emit: (block: LineBlock) => void): void {
    const first = this.#length > 0 ? chunk.indexOf(10) + 1 : 0;
    const last = chunk.lastIndexOf(10) + 1;
    if (this.#length > 0 && last > 0) this.#finish(chunk.subarray(0, first - 1), emit);
    if (last > first) emit({ bytes: chunk, start: first, end: last, base: this.#base });
    if (last < chunk.length) this.#hold(chunk.subarray(last));
    this.#base += chunk.length;
  }

  /** Leaves out the unfinished line, up to the next newline. */
  discard(): void {
    this.#isDiscarded = this.#length > 0;
  }

  /** Emits the last line, when the input ended without a newline. */
  end(emit: (block: LineBlock) => void): void {
    if (this.#length > 0) this.#finish(Buffer.alloc(0), emit);
  }

  #finish(tail: Buffer, emit: (block: LineBlock) => void): void {
    const length = this.#length + tail.length;
    const base = this.#base - this.#length;
    const isLong = length > this.#options.maxLine;
    const bytes = isLong ? undefined : Buffer.concat([...this.#pieces, tail]);
    const isDiscarded = this.#isDiscarded;
    this.#pieces = [];
    this.#length = 0;
    this.#isDiscarded = false;
    if (isDiscarded) return;
    if (bytes) emit({ bytes, start: 0, end: length, base });
    else this.#options.onOverflow();
  }

  /** Of a line that is too long already only its length is kept. The piece is copied, so that it pins no chunk. */
  #hold(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length <= this.#options.maxLine) this.#pieces.push(Buffer.from(piece));
    else this.#pieces = [];
  }
}

/** Where the newline of the line at `from` is, or `to`, where the lines end. */
export function endOfLine(bytes: Buffer, from: number, to: number): number {
  const end = bytes.indexOf(10, from);
  return end < 0 || end > to ? to : end;
}

/** Where the last whole line ends that fits into `size` bytes; a first line that does not fit is too long, and is skipped. */
export function endOfPiece({ bytes, end }: Bytes, start: number, size: number): number {
  if (end - start <= size) return end;
  const last = bytes.lastIndexOf(10, start + size - 1) + 1;
  return last > start ? last : endOfLine(bytes, start, end) + 1;
}

/** Calls `onOverflow` for each line over `maxLine` bytes, looking at one newline in as many bytes. */
export function countOverlong(
  { bytes, end }: Bytes,
  from: number,
  { maxLine, onOverflow }: LineFramerOptions,
): void {
  for (let start = from; end - start > maxLine; ) {
    const newline = bytes.lastIndexOf(10, start + maxLine);
    if (newline >= start) start = newline + 1;
    else {
      const lineEnd = endOfLine(bytes, start, end);
      if (lineEnd - start > maxLine) onOverflow();
      start = lineEnd + 1;
    }
  }
}
