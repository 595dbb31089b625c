/** Takes one line, without its newline. The bytes belong to the reader's chunk: copy what is to be kept. */
export type TakeLine = (line: Buffer) => void;

export interface FrameOptions {
  /** Longest line, in bytes, its newline apart. What is longer is dropped whole: a cut line could match where it was cut. */
  readonly maxLine: number;
  /** Called once for each line dropped. */
  readonly onOverflow: () => void;
}

/** Cuts a stream of bytes into lines at `\n`, wherever the chunks end. Keeps at most one unfinished line, bounded. */
export class LineFramer {
  readonly #options: FrameOptions;
  /** The pieces of the unfinished line. */
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(options: FrameOptions) {
    this.#options = options;
  }

  push(chunk: Buffer, take: TakeLine): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#finish(chunk.subarray(start, end), take);
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** The last line, when the input ended without a newline. */
  end(take: TakeLine): void {
    if (this.#length > 0) this.#finish(Buffer.alloc(0), take);
  }

  #finish(tail: Buffer, take: TakeLine): void {
    const length = this.#length + tail.length;
    const line = this.#length === 0 ? tail : Buffer.concat([...this.#pieces, tail]);
    this.#pieces = [];
    this.#length = 0;
    if (length <= this.#options.maxLine) take(line);
    else this.#options.onOverflow();
  }

  /** Of a line that is too long already only its length is kept. The piece is copied, so that it pins no chunk. */
  #hold(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length <= this.#options.maxLine) this.#pieces.push(Buffer.from(piece));
    else this.#pieces = [];
  }
}
