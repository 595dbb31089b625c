import { EXIT } from "../cli/exit.ts";
import type { Report } from "../cli/report.ts";
import { YoungGeneration } from "../shared/v8-heap.ts";
import type { Reloader } from "./control/reload.ts";
import type { Engine } from "./engine.ts";
import type { Input } from "./input/file-input.ts";
import type { Persister } from "./state/persister.ts";

/** What the loop needs of the world. */
export interface RunOptions {
  readonly engine: Engine;
  readonly report: Report;
  readonly isLive: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds between signs of life; 0: none. */
  readonly heartbeat: number;
  /** So long without input, in milliseconds, is told; 0: never. */
  readonly silence: number;
  readonly input: Input;
  /** True: an unfinished line at the end of the input was cut, and will be read again whole. */
  readonly isCut: boolean;
  /** Keeps what is decided over a restart, if anything does. */
  readonly keeper: Persister | undefined;
  /** Takes the next piece of what the engine has written; empty: there is no more. */
  readonly take: () => string;
  readonly reloader: Reloader;
  /**
   * Opens what the stream is steered by, before anything is read, and gives what closes it. Undefined: it can't be had, which
   * was told.
   */
  readonly open: () => Promise<(() => void) | undefined>;
}

/** Longest sleep, in milliseconds: far below 2^31, and short enough to notice a step of the wall clock. */
const LONGEST_SLEEP = 60_000;
/** How long answers about the last lines are waited for at the end of the input, in milliseconds. */
const LAST_ANSWERS = 5_000;
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
  /** Runs when the input has ended and answers are waited for. */
  #deadline: NodeJS.Timeout | undefined;
  #isBlocked = false;
  #isReloadWanted = false;
  #isSyncWanted = false;
  #isEnded = false;
  /** Lets nobody steer any more. */
  #close: () => void = () => undefined;
  /** True when something was written since the last sign of life. */
  #isAlive = false;
  readonly #young = new YoungGeneration();
  /** What the wall clock is ahead of the monotonic one. */
  #offset = Date.now() - performance.now();
  /** When time was last seen to pass, by the monotonic clock. */
  #passed = performance.now();

  constructor(options: RunOptions, resolve: (status: number) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  /** Signals first: once somebody can see that it runs, they may come. */
  start(): void {
    const { engine, open } = this.#options;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => this.#failed("stdout", error));
    process.stdout.on("drain", () => this.#drained());
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => this.#stop());
    process.on("SIGHUP", this.#hangup);
    engine.tally.onLate = () => this.#late();
    void open().then((close) => this.#begin(close));
  }

  #begin(close: (() => void) | undefined): void {
    if (this.#isEnded) close?.();
    else if (close === undefined) this.#finish(EXIT.UNAVAILABLE);
    if (this.#isEnded || close === undefined) return;
    this.#close = close;
    const { input, heartbeat, isLive } = this.#options;
    input.on("error", (error: NodeJS.ErrnoException) => this.#failed("stdin", error));
    input.on("data", (chunk: Buffer) => this.#read(chunk));
    input.on("end", () => this.#end());
    if (heartbeat > 0) this.#heart = setInterval(() => this.#beat(), heartbeat);
    this.#write();
    if (isLive) this.#arm();
  }

  #read(chunk: Buffer): void {
    this.#watchClock();
    this.#pass();
    const { engine, keeper, now } = this.#options;
    engine.push(chunk, now());
    this.#write();
    keeper?.note(now());
    this.#young.watch();
    this.#arm();
  }

  #end(): void {
    if (this.#isEnded) return;
    const { engine, isCut, now } = this.#options;
    if (isCut) engine.tick(now());
    else engine.end(now());
    if (engine.tally.waiting > 0) {
      this.#write();
      this.#deadline = setTimeout(() => this.#giveUpAnswers(), LAST_ANSWERS);
    } else this.#finish(EXIT.OK);
  }

  #giveUpAnswers(): void {
    const { engine, report } = this.#options;
    report.warning(`no answer came about ${engine.tally.waiting} of the last failures: they do not count`);
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
    clearTimeout(this.#deadline);
    clearInterval(this.#heart);
    process.off("SIGHUP", this.#hangup);
    this.#options.reloader.stop();
    this.#close();
    this.#options.input.destroy();
    if (status !== EXIT.OK || !this.#writeAll()) this.#resolve(status);
    else process.stdout.write("", (error) => this.#resolve(isPipeError(error) ? EXIT.PIPE : status));
  }

  readonly #hangup = (): void => {
    this.#isReloadWanted = true;
    this.#reloadIfWanted();
  };

  /** None while stdout takes nothing, however many hangups come: each brings a sync of all bans, which would pile up. */
  #reloadIfWanted(): void {
    if (!this.#isReloadWanted || this.#isBlocked || this.#isEnded) return;
    this.#isReloadWanted = false;
    void this.#options.reloader.reload();
  }

  #write(): void {
    if (!this.#writeAll()) return;
    this.#isAlive = true;
    if (!process.stdout.writableNeedDrain) return;
    this.#isBlocked = true;
    this.#options.input.pause();
  }

  /** Returns false when there was nothing to write. */
  #writeAll(): boolean {
    this.#options.keeper?.flush();
    const first = this.#options.take();
    for (let text = first; text !== ""; text = this.#options.take()) process.stdout.write(text);
    return first !== "";
  }

  /** An answer came between two chunks, or somebody steers. */
  #late(): void {
    if (this.#isEnded) return;
    if (this.#deadline !== undefined && this.#options.engine.tally.waiting === 0) {
      this.#finish(EXIT.OK);
      return;
    }
    this.#write();
    this.#arm();
  }

  #drained(): void {
    this.#isBlocked = false;
    if (this.#isEnded) return;
    this.#options.input.resume();
    this.#syncIfWanted();
    this.#write();
    this.#reloadIfWanted();
  }

  /** A dead reader shows only at the next write. */
  #beat(): void {
    if (!this.#isAlive && !this.#isBlocked) process.stdout.write("\n");
    this.#isAlive = false;
  }

  #arm(): void {
    if (!this.#options.isLive || this.#isEnded) return;
    clearTimeout(this.#timer);
    const { engine, now, silence } = this.#options;
    const wait = (engine.tally.nextEnd ?? Number.POSITIVE_INFINITY) - now();
    const longest = Math.min(silence || LONGEST_SLEEP, LONGEST_SLEEP);
    this.#timer = setTimeout(() => this.#tick(), Math.min(Math.max(wait, 0), longest));
  }

  #tick(): void {
    this.#watchClock();
    this.#pass();
    this.#options.engine.tick(this.#options.now());
    this.#write();
    this.#arm();
  }

  /** Time in which the process did not run, stopped or the machine asleep, is none in which something should have come. */
  #pass(): void {
    if (!this.#options.isLive) return;
    const now = performance.now();
    const elapsed = Math.min(now - this.#passed, 2 * LONGEST_SLEEP);
    this.#passed = now;
    this.#options.engine.sight.pass(elapsed, this.#isBlocked);
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
    this.#isSyncWanted = true;
    this.#syncIfWanted();
  }

  /** None while stdout takes nothing: they would pile up. */
  #syncIfWanted(): void {
    if (!this.#isSyncWanted || this.#isBlocked) return;
    this.#isSyncWanted = false;
    this.#options.engine.tally.sync();
  }
}

function isPipeError(error: Error | null | undefined): boolean {
  return error !== null && error !== undefined && "code" in error && error.code === "EPIPE";
}
