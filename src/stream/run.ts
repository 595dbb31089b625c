import { EXIT } from "../cli/exit.ts";
import type { Report } from "../cli/report.ts";
import type { Clock } from "../shared/clock.ts";
import { plural } from "../shared/plural.ts";
import { YoungGeneration } from "../shared/v8-heap.ts";
import type { Reloader } from "./control/reload.ts";
import type { Engine } from "./engine.ts";
import type { Input } from "./input/file-input.ts";
import type { Outbox } from "./outbox.ts";
import type { Persister } from "./state/persister.ts";

/** The process around the loop. */
export interface RunSurroundings {
  readonly input: Input;
  readonly output: CommandOutput;
  readonly clock: RunClock;
  /** Calls `stop` when the program is asked to end, `hangup` at each SIGHUP. Returns what takes back the latter. */
  readonly onSignals: (stop: () => void, hangup: () => void) => () => void;
}

/** Where commands go: as much of a Writable as the loop needs. */
interface CommandOutput {
  on(event: "error", take: (error: NodeJS.ErrnoException) => void): unknown;
  on(event: "drain", take: () => void): unknown;
  write(text: string, done?: (error?: Error | null) => void): unknown;
  readonly writableNeedDrain: boolean;
}

/** `now` stands still in a replay; timers run in any case. */
export interface RunClock extends Clock {
  /** Milliseconds on a monotonic clock. */
  monotonic(): number;
}

export interface RunOptions {
  readonly engine: Engine;
  readonly report: Report;
  readonly isLive: boolean;
  /** Milliseconds between heartbeats; 0: none. */
  readonly heartbeat: number;
  /** Warns after this time without input, in milliseconds; 0: never. */
  readonly silence: number;
  /** True: an unfinished line at the end of the input was cut, and will be read again whole. */
  readonly isCut: boolean;
  /** Keeps what is decided over a restart; undefined: nothing does. */
  readonly persister: Persister | undefined;
  /** Where the engine writes its commands. */
  readonly outbox: Outbox;
  readonly reloader: Reloader;
  /** Opens the control socket, before anything is read, and gives what closes it. Undefined: it failed, which was reported. */
  readonly open: () => Promise<(() => void) | undefined>;
}

/** Longest sleep, in milliseconds: far below 2^31, and short enough to notice a jump of the wall clock. */
const LONGEST_SLEEP = 60_000;
/** How long the end of the input waits for answers about the last lines, in milliseconds. */
const LAST_ANSWERS = 5_000;
/** A wall clock that gained or lost this much on the monotonic one, in milliseconds, was set. */
const JUMP = 2_000;

/**
 * The two ends of the pipe: reads input into the engine and writes its commands to the output, no faster than that takes them.
 * Ends with the input, when asked to stop, or when the reader of the output is gone. Gives the exit status.
 */
export function run(options: RunOptions, around: RunSurroundings): Promise<number> {
  return new Promise((resolve) => new Loop(options, around, resolve).start());
}

const NOTHING = (): void => undefined;

class Loop {
  readonly #options: RunOptions;
  readonly #around: RunSurroundings;
  readonly #clock: RunClock;
  readonly #resolve: (status: number) => void;
  /** Each takes back what it stands for: the next tick, the next heartbeat, the end of waiting for answers, hangups. */
  #cancelTick = NOTHING;
  #cancelBeat = NOTHING;
  #cancelDeadline = NOTHING;
  #cancelHangups = NOTHING;
  /** Closes the control socket. */
  #closeControl = NOTHING;
  #isWaiting = false;
  #isBlocked = false;
  #isReloadWanted = false;
  #isSyncWanted = false;
  #isEnded = false;
  /** True when something was written since the last heartbeat. */
  #isAlive = false;
  readonly #young = new YoungGeneration();
  /** What the wall clock is ahead of the monotonic one. */
  #offset: number;
  /** When time was last seen to pass, by the monotonic clock. */
  #passed: number;

  constructor(options: RunOptions, around: RunSurroundings, resolve: (status: number) => void) {
    this.#options = options;
    this.#around = around;
    this.#clock = around.clock;
    this.#resolve = resolve;
    this.#passed = this.#clock.monotonic();
    this.#offset = this.#clock.now() - this.#passed;
  }

  /** Signals first: they may come as soon as others can see that the program runs. */
  start(): void {
    const { outbox, open } = this.#options;
    const { output, onSignals } = this.#around;
    output.on("error", (error) => this.#failed("stdout", error));
    output.on("drain", () => this.#drained());
    this.#cancelHangups = onSignals(
      () => this.#stop(),
      () => this.#hangup(),
    );
    outbox.connect(() => this.#flush());
    void open().then((close) => this.#begin(close));
  }

  #begin(close: (() => void) | undefined): void {
    if (this.#isEnded) close?.();
    else if (close === undefined) this.#finish(EXIT.UNAVAILABLE);
    if (this.#isEnded || close === undefined) return;
    this.#closeControl = close;
    const { input } = this.#around;
    input.on("error", (error: NodeJS.ErrnoException) => this.#failed("stdin", error));
    input.on("data", (chunk: Buffer) => this.#read(chunk));
    input.on("end", () => this.#end());
    this.#armBeat();
    this.#write();
    if (this.#options.isLive) this.#armTick();
  }

  #read(chunk: Buffer): void {
    this.#watchClock();
    this.#pass();
    const { engine, persister } = this.#options;
    engine.push(chunk, this.#clock.now());
    this.#write();
    persister?.note(this.#clock.now());
    this.#young.watch();
    this.#armTick();
  }

  #end(): void {
    if (this.#isEnded) return;
    const { engine, isCut } = this.#options;
    if (isCut) engine.settle(this.#clock.now());
    else engine.end(this.#clock.now());
    if (engine.failures.waiting > 0) {
      this.#write();
      this.#isWaiting = true;
      this.#cancelDeadline = this.#clock.after(LAST_ANSWERS, () => this.#giveUpAnswers());
    } else this.#finish(EXIT.OK);
  }

  #giveUpAnswers(): void {
    const { engine, report } = this.#options;
    const lost = plural(engine.failures.waiting, "failure");
    report.warning(`${lost} at the end of the log not counted: a lookup took too long`);
    this.#finish(EXIT.OK);
  }

  /** Asked to stop: what was read is done; an unfinished line is not matched, it may have been cut. */
  #stop(): void {
    if (this.#isEnded) return;
    this.#options.engine.settle(this.#clock.now());
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
    this.#cancelTick();
    this.#cancelDeadline();
    this.#cancelBeat();
    this.#cancelHangups();
    this.#options.reloader.stop();
    this.#closeControl();
    const { input, output } = this.#around;
    input.destroy();
    if (status !== EXIT.OK || !this.#writeAll()) this.#resolve(status);
    else output.write("", (error) => this.#resolve(isPipeError(error) ? EXIT.PIPE : status));
  }

  #hangup(): void {
    this.#isReloadWanted = true;
    this.#reloadIfWanted();
  }

  /** Not while the output is blocked: each reload brings a sync of all bans, and they would pile up. */
  #reloadIfWanted(): void {
    if (!this.#isReloadWanted || this.#isBlocked || this.#isEnded) return;
    this.#isReloadWanted = false;
    void this.#options.reloader.reload();
  }

  #write(): void {
    if (!this.#writeAll()) return;
    this.#isAlive = true;
    if (!this.#around.output.writableNeedDrain) return;
    this.#isBlocked = true;
    this.#around.input.pause();
  }

  /** Writes what the engine has written, to the state first. Returns false when there was nothing to write. */
  #writeAll(): boolean {
    const { persister, outbox } = this.#options;
    persister?.flush();
    const first = outbox.take();
    for (let text = first; text !== ""; text = outbox.take()) this.#around.output.write(text);
    return first !== "";
  }

  /** Commands may have come between two chunks: by an answer, a client or a reload. */
  #flush(): void {
    if (this.#isEnded) return;
    if (this.#isWaiting && this.#options.engine.failures.waiting === 0) {
      this.#finish(EXIT.OK);
      return;
    }
    this.#write();
    this.#armTick();
  }

  #drained(): void {
    this.#isBlocked = false;
    if (this.#isEnded) return;
    this.#around.input.resume();
    this.#syncIfWanted();
    this.#write();
    this.#reloadIfWanted();
  }

  #armBeat(): void {
    const { heartbeat } = this.#options;
    if (heartbeat > 0) this.#cancelBeat = this.#clock.after(heartbeat, () => this.#beat());
  }

  /** A dead reader shows only at the next write. */
  #beat(): void {
    if (!this.#isAlive && !this.#isBlocked) this.#around.output.write("\n");
    this.#isAlive = false;
    this.#armBeat();
  }

  #armTick(): void {
    if (!this.#options.isLive || this.#isEnded) return;
    this.#cancelTick();
    const { engine, silence } = this.#options;
    const wait = (engine.decisions.nextEnd ?? Number.POSITIVE_INFINITY) - this.#clock.now();
    const longest = Math.min(silence || LONGEST_SLEEP, LONGEST_SLEEP);
    this.#cancelTick = this.#clock.after(Math.min(Math.max(wait, 0), longest), () => this.#tick());
  }

  #tick(): void {
    this.#watchClock();
    this.#pass();
    this.#options.engine.tick(this.#clock.now());
    this.#write();
    this.#armTick();
  }

  /** Time in which the process did not run (it was stopped, or the machine slept) does not count as silence. */
  #pass(): void {
    if (!this.#options.isLive) return;
    const now = this.#clock.monotonic();
    const elapsed = Math.min(now - this.#passed, 2 * LONGEST_SLEEP);
    this.#passed = now;
    this.#options.engine.pass(elapsed, this.#isBlocked);
  }

  /** A jump of the wall clock moves the ends of all bans: an executor with timers of its own needs a sync. */
  #watchClock(): void {
    if (!this.#options.isLive) return;
    const offset = this.#clock.now() - this.#clock.monotonic();
    const jump = offset - this.#offset;
    this.#offset = offset;
    if (Math.abs(jump) < JUMP) return;
    const seconds = Math.round(jump / 1000);
    this.#options.report.warning(`wall clock jumped by ${seconds > 0 ? "+" : ""}${seconds} s`);
    this.#options.engine.tick(this.#clock.now());
    this.#isSyncWanted = true;
    this.#syncIfWanted();
  }

  /** Not while the output is blocked: they would pile up. */
  #syncIfWanted(): void {
    if (!this.#isSyncWanted || this.#isBlocked) return;
    this.#isSyncWanted = false;
    this.#options.engine.decisions.sync();
  }
}

function isPipeError(error: Error | null | undefined): boolean {
  return error !== null && error !== undefined && "code" in error && error.code === "EPIPE";
}
