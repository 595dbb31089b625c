import { CandidateFinder, type EmitLine, type GatePlan } from "./candidates.ts";
import {
  countOverlong,
  endOfLine,
  type LineBlock,
  LineFramer,
  type LineFramerOptions,
} from "./line-framer.ts";

export interface GateOptions extends LineFramerOptions {
  /** Called, in the order of the lines, once for each journal entry whose message journalctl left out and that is not emitted. */
  readonly onCut?: () => void;
}

/**
 * The first stage: chunks of bytes in, lines that some pattern may match out, in order, each with the filters that are to
 * look at it. Until it is armed with a plan it emits every line.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #framer: LineFramer;
  #finder: CandidateFinder | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#framer = new LineFramer(options);
  }

  /** From the next line on, emits only lines that the plan wants; undefined: all. */
  arm(plan: GatePlan | undefined): void {
    this.#finder = plan && new CandidateFinder(plan, this.#options);
  }

  push(chunk: Buffer, emit: EmitLine): void {
    this.#framer.push(chunk, (block) => this.#emitFrom(block, emit));
  }

  /** Leaves out the unfinished line, up to the next newline. */
  discard(): void {
    this.#framer.discard();
  }

  /** Emits the last line, when the input ended without a newline. */
  end(emit: EmitLine): void {
    this.#framer.end((block) => this.#emitFrom(block, emit));
  }

  /** Lines up to the one that arms the gate are emitted one by one; it is armed while that one is emitted. */
  #emitFrom(block: LineBlock, emit: EmitLine): void {
    const { maxLine, onOverflow } = this.#options;
    const { bytes, base } = block;
    let { start } = block;
    while (start < block.end && this.#finder === undefined) {
      const end = endOfLine(bytes, start, block.end);
      if (end - start > maxLine) onOverflow();
      else emit({ bytes, start, end, ascii: undefined, offset: base + start, offsetEnd: base + end }, "all");
      start = end + 1;
    }
    if (start >= block.end || this.#finder === undefined) return;
    if (block.end - start > maxLine) countOverlong(block, start, this.#options);
    this.#finder.push(block, start, emit);
  }
}
