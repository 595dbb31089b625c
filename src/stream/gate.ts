import { type FrameOptions, LineFramer } from "./frame.ts";

/**
 * The filters whose patterns may match a line, by their index; `"all"` when that was not asked.
 *
 * A gate may let a line pass for a filter that then says no, never the other way round: what it drops changes nothing
 * that can be seen.
 */
export type Candidates = readonly number[] | "all";

/** Takes one line, without its newline, whose bytes belong to the reader's chunk. */
export type TakeCandidate = (line: Buffer, candidates: Candidates) => void;

/** The first stage: chunks of bytes in, the lines that some pattern may match out, in order. */
export interface Gate {
  push(chunk: Buffer, take: TakeCandidate): void;
  end(take: TakeCandidate): void;
}

/** The gate that passes everything. */
export class OpenGate implements Gate {
  readonly #framer: LineFramer;

  constructor(options: FrameOptions) {
    this.#framer = new LineFramer(options);
  }

  push(chunk: Buffer, take: TakeCandidate): void {
    this.#framer.push(chunk, (line) => take(line, "all"));
  }

  end(take: TakeCandidate): void {
    this.#framer.end((line) => take(line, "all"));
  }
}
