import type { Readable } from "node:stream";
import { EXIT } from "../cli/exit.ts";
import type { Report } from "../cli/report.ts";
import type { Engine } from "./engine.ts";
import type { Reloader } from "./reload.ts";

/** What the loop needs of the world. */
export interface RunOptions {
  readonly engine: Engine;
  readonly report: Report;
  readonly isLive: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds between signs of life; 0: none. */
  readonly heartbeat: number;
  readonly input: Readable;
  /** Takes what the engine has written since the last call. */
  readonly take: () => string;
  readonly reloader: Reloader;
  /** Called once, when the stream ends: nobody steers it any more. */
  readonly onEnd: () => void;
}

/** Longest sleep, in milliseconds: far below 2^31, and short enough to notice a step of the wall clock. */
const LONGEST_SLEEP = 60_000;
/** A wall clock that went so much faster or slower than time, in milliseconds, was set. */
const STEP = 2_000;

/**
 * The two ends of the pipe: reads stdin into the engine and writes what it says to stdout, never more than stdout takes.
 * Ends with the input, at SIGTERM or SIGINT, or when the reader of stdout is gone. Gives the exit status.
 */
export function run(options: RunOptions): Promise<number> {
  return new Promise((resolve) => new Loop(options, resolve).start());
}

class Loop {
  readonly #options: RunOptions;
  readonly #resolve: (status: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #heart: NodeJS.Timeout | undefined;
  #isBlocked = false;
  #isEnded = false;
  /** True when something was written since the last sign of life. */
  #isAlive = false;
  /** What the wall clock is ahead of the monotonic one. */
  #offset = Date.now() - performance.now();

  constructor(options: RunOptions, resolve: (status: number) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    const { engine, input, heartbeat, isLive } = this.#options;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => this.#failed("stdout", error));
    process.stdout.on("drain", () => this.#drained());
    input.on("error", (error: NodeJS.ErrnoException) => this.#failed("stdin", error));
    input.on("data", (chunk: Buffer) => this.#read(chunk));
    input.on("end", () => this.#end());
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => this.#stop());
    process.on("SIGHUP", this.#hangup);
    if (heartbeat > 0) this.#heart = setInterval(() => this.#beat(), heartbeat);
    engine.tally.onLate = () => this.#late();
    if (isLive) this.#arm();
  }

  #read(chunk: Buffer): void {
    this.#watchClock();
    this.#options.engine.push(chunk, this.#options.now());
    this.#write();
    this.#arm();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#options.engine.end(this.#options.now());
    this.#finish(EXIT.OK);
  }

  /** Asked to stop: what was read is done; an unfinished line is not matched, it may have been cut. */
  #stop(): void {
    if (this.#isEnded) return;
    this.#finish(EXIT.OK);
  }

  #failed(stream: "stdin" | "stdout", error: NodeJS.ErrnoException): void {
    if (this.#isEnded) return;
    const isGone = error.code === "EPIPE";
    if (!isGone) this.#options.report.error(`${stream}: ${error.message}`);
    this.#finish(isGone ? EXIT.PIPE : EXIT.IO);
  }

  #finish(status: number): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    clearInterval(this.#heart);
    process.off("SIGHUP", this.#hangup);
    this.#options.reloader.stop();
    this.#options.onEnd();
    this.#options.input.destroy();
    const rest = status === EXIT.OK ? this.#options.take() : "";
    if (rest === "") this.#resolve(status);
    else process.stdout.write(rest, (error) => this.#resolve(isPipeError(error) ? EXIT.PIPE : status));
  }

  readonly #hangup = (): void => {
    void this.#options.reloader.reload();
  };

  #write(): void {
    const text = this.#options.take();
    if (text === "") return;
    this.#isAlive = true;
    if (process.stdout.write(text)) return;
    this.#isBlocked = true;
    this.#options.input.pause();
  }

  /** An answer came between two chunks, or somebody steers. */
  #late(): void {
    if (this.#isEnded) return;
    this.#write();
    this.#arm();
  }

  #drained(): void {
    this.#isBlocked = false;
    if (!this.#isEnded) this.#options.input.resume();
  }

  /** A dead reader shows only at the next write. */
  #beat(): void {
    if (!this.#isAlive && !this.#isBlocked) process.stdout.write("\n");
    this.#isAlive = false;
  }

  #arm(): void {
    if (!this.#options.isLive || this.#isEnded) return;
    clearTimeout(this.#timer);
    const { engine, now } = this.#options;
    const wait = (engine.tally.nextEnd ?? Number.POSITIVE_INFINITY) - now();
    this.#timer = setTimeout(() => this.#tick(), Math.min(Math.max(wait, 0), LONGEST_SLEEP));
  }

  #tick(): void {
    this.#watchClock();
    this.#options.engine.tick(this.#options.now());
    this.#write();
    this.#arm();
  }

  /** A step of the wall clock moves all ends of bans: an executor with timers of its own wants to hear of it. */
  #watchClock(): void {
    if (!this.#options.isLive) return;
    const offset = Date.now() - performance.now();
    const step = offset - this.#offset;
    this.#offset = offset;
    if (Math.abs(step) < STEP) return;
    this.#options.report.warning(`the clock was set by ${Math.round(step / 1000)} s`);
    this.#options.engine.tick(this.#options.now());
    this.#options.engine.tally.sync();
  }
}

function isPipeError(error: Error | null | undefined): boolean {
  return error !== null && error !== undefined && "code" in error && error.code === "EPIPE";
}
