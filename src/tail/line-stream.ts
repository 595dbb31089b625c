import type { Readable } from "node:stream";
import { wholeLines } from "./whole-lines.ts";

const NOTHING = Buffer.alloc(0);
const NEWLINE = Buffer.from("\n");

/** Cuts a stream at its lines, no faster than they are asked for. */
export class LineStream {
  readonly #input: Readable;
  readonly #maxLine: number;
  readonly #onOverlong: () => void;
  /** Begins with a line. */
  #bytes: Buffer = NOTHING;
  /** The unfinished line after it. */
  #pieces: Buffer[] = [];
  #unfinished = 0;
  #isSkipping = false;
  #isEnded = false;

  /**
   * @param onReady called when there is something to read
   * @param onOverlong called for each line longer than `maxLine` bytes, which is dropped
   */
  constructor(input: Readable, maxLine: number, onReady: () => void, onOverlong: () => void) {
    this.#input = input;
    this.#maxLine = maxLine;
    this.#onOverlong = onOverlong;
    input.on("readable", onReady);
    const end = () => {
      this.#isEnded = true;
      onReady();
    };
    input.on("end", end);
    input.on("close", end);
  }

  /** Whether nothing will come any more, an unfinished line set aside. */
  get isOver(): boolean {
    return this.#isEnded && this.#bytes.length === 0;
  }

  /** The next whole lines. */
  read(): Buffer | undefined {
    for (;;) {
      const { length, overlong } = wholeLines(this.#bytes, this.#maxLine);
      if (overlong > 0 && length === 0) this.#onOverlong();
      const lines = this.#bytes.subarray(0, length);
      this.#bytes = this.#bytes.subarray(length > 0 ? length : overlong);
      if (length > 0) return lines;
      if (overlong === 0 && !this.#fill()) return undefined;
    }
  }

  /** The last line, if it has no newline and is not too long; a newline is added. */
  readUnfinished(): Buffer | undefined {
    if (this.#unfinished === 0) return undefined;
    const line = Buffer.concat([...this.#pieces, NEWLINE]);
    this.#pieces = [];
    this.#unfinished = 0;
    return line;
  }

  /** Reads a chunk; false: there is none. */
  #fill(): boolean {
    const chunk = this.#input.read() as Buffer | null;
    if (chunk === null) return false;
    const first = this.#isSkipping ? chunk.indexOf(10) + 1 : 0;
    if (this.#isSkipping && first === 0) return true;
    this.#isSkipping = false;
    const end = chunk.lastIndexOf(10) + 1;
    if (end > first) {
      this.#bytes = Buffer.concat([...this.#pieces, chunk.subarray(first, end)]);
      this.#pieces = [];
      this.#unfinished = 0;
    }
    this.#keep(chunk.subarray(Math.max(first, end)));
    return true;
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(Buffer.from(piece));
    this.#unfinished += piece.length;
    if (this.#unfinished <= this.#maxLine) return;
    this.#onOverlong();
    this.#isSkipping = true;
    this.#pieces = [];
    this.#unfinished = 0;
  }
}
