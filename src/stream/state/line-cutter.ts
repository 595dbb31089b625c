import { MAX_COMMAND_BYTES } from "../../protocol/command.ts";

/** A line of a file, without its newline. */
export interface Line {
  /** undefined: the line is too long to be a command. */
  readonly bytes: Buffer | undefined;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
}

const NEWLINE = 10;

/** Cuts a file into lines, however it is cut into chunks, and knows where each begins. Holds at most one unfinished line. */
export class LineCutter {
  /** Pieces of the unfinished line; empty when it is too long. */
  #pieces: Buffer[] = [];
  #length = 0;
  #offset: number;

  constructor(offset = 0) {
    this.#offset = offset;
  }

  /** Where the unfinished line begins. */
  get end(): number {
    return this.#offset;
  }

  /** Bytes of the unfinished line. */
  get torn(): number {
    return this.#length;
  }

  /** The lines that the next bytes complete. `chunk` may be reused once they are iterated. */
  *push(chunk: Buffer): Iterable<Line> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      const bytes = this.#length < MAX_COMMAND_BYTES ? this.#joined() : undefined;
      const offset = this.#offset;
      this.#offset += this.#length + 1;
      this.#pieces = [];
      this.#length = 0;
      start = end + 1;
      yield { bytes, offset };
    }
    this.#keep(Buffer.from(chunk.subarray(start)));
  }

  #keep(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length < MAX_COMMAND_BYTES) this.#pieces.push(bytes);
    else this.#pieces = [];
  }

  #joined(): Buffer {
    const [first] = this.#pieces;
    return this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces);
  }
}
