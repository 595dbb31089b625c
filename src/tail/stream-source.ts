import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { whyUnreadable } from "../cli/file-error.ts";
import type { Report } from "../cli/report.ts";
import type { Clock } from "../shared/clock.ts";
import type { Block, BlockSource } from "./block.ts";
import { LineStream } from "./line-stream.ts";

export interface StreamContext {
  readonly report: Report;
  readonly clock: Clock;
  readonly maxLine: number;
  readonly onReady: (source: BlockSource) => void;
}

/** A FIFO that nobody has open for writing is opened again after this long, in milliseconds. */
const REOPEN = 1_000;

/** A LineStream of a source, which tells of lines that are too long. */
export function linesOf(
  input: Readable,
  source: BlockSource,
  { report, maxLine, onReady }: StreamContext,
): LineStream {
  return new LineStream(
    input,
    maxLine,
    () => onReady(source),
    () => report.rareWarning("overlong", `${source.name}: dropped a line longer than ${maxLine} bytes`),
  );
}

/** A block of a source whose bytes can't be read twice. */
function unplaced(source: string, bytes: Buffer): Block {
  return { source, at: undefined, bytes, isNoted: true, taken: () => undefined };
}

/** Standard input, to its end. */
export class StdinSource implements BlockSource {
  readonly name = "-";
  readonly kind = "stdin";
  readonly #lines: LineStream;

  constructor(input: Readable, context: StreamContext) {
    input.on("error", (error: NodeJS.ErrnoException) =>
      context.report.error(`stdin: ${error.code ?? error.message}`),
    );
    this.#lines = linesOf(input, this, context);
  }

  get isOver(): boolean {
    return this.#lines.isOver;
  }

  next(): Block | undefined {
    const bytes = this.#lines.read() ?? (this.#lines.isOver ? this.#lines.readUnfinished() : undefined);
    return bytes && unplaced(this.name, bytes);
  }
}

/** A FIFO, for whoever writes to it next. */
export class FifoSource implements BlockSource {
  readonly name: string;
  readonly kind = "fifo";
  readonly #context: StreamContext;
  /** True: it ends with its writers. */
  readonly #ends: boolean;
  #input: Socket | undefined;
  #lines: LineStream | undefined;
  #cancel = (): void => undefined;
  #trouble = "";

  constructor(path: string, context: StreamContext, ends: boolean) {
    this.name = path;
    this.#context = context;
    this.#ends = ends;
  }

  get isOver(): boolean {
    return this.#ends && (this.#lines?.isOver ?? false);
  }

  open(): void {
    try {
      const fd = this.#openFd();
      const input = new Socket({ fd, readable: true, writable: false });
      this.#input = input;
      input.on("error", (error: NodeJS.ErrnoException) => this.#tell(error));
      input.on("close", () => this.#reopen());
      this.#lines = linesOf(input, this, this.#context);
      this.#trouble = "";
    } catch (error) {
      this.#tell(error);
      this.#reopen();
    }
  }

  next(): Block | undefined {
    const bytes = this.#lines?.read() ?? (this.#lines?.isOver ? this.#lines.readUnfinished() : undefined);
    return bytes && unplaced(this.name, bytes);
  }

  close(): void {
    this.#cancel();
    this.#input?.removeAllListeners("close");
    this.#input?.destroy();
  }

  /** Open for writing too where we may, a FIFO never ends. */
  #openFd(): number {
    if (this.#ends) return openSync(this.name, constants.O_RDONLY);
    try {
      return openSync(this.name, constants.O_RDWR | constants.O_NONBLOCK);
    } catch {
      return openSync(this.name, constants.O_RDONLY | constants.O_NONBLOCK);
    }
  }

  #reopen(): void {
    if (!this.#ends) this.#cancel = this.#context.clock.after(REOPEN, () => this.open());
  }

  #tell(error: unknown): void {
    const why = whyUnreadable(error);
    if (why !== this.#trouble) this.#context.report.warning(`${this.name}: ${why}`);
    this.#trouble = why;
  }
}
