import type { Readable, Writable } from "node:stream";
import { EXIT } from "../cli/exit.ts";
import type { Report } from "../cli/report.ts";
import type { Actions } from "./actions/actions.ts";
import type { Executor } from "./apply/executor.ts";
import { CommandReader } from "./input.ts";
import type { Backend } from "./kernel/backend.ts";
import type { ExecOptions } from "./options.ts";
import type { Output } from "./report/output.ts";

/** Milliseconds for which input is read after a signal, while the rest of the pipe writes its last commands. */
const READ_ON = 5000;
/** Milliseconds after a signal in which waiting actions are still started. */
const ACTIONS_GRACE = 10_000;

/** The process that f2b-exec runs in. */
export interface Surroundings {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Calls `stop` at the first SIGTERM or SIGINT. */
  readonly onSignal: (stop: () => void) => void;
}

/** The parts that a run uses. */
export interface ExecRunParts {
  readonly executor: Executor;
  readonly actions: Actions;
  readonly backend: Backend;
  readonly options: ExecOptions;
  readonly output: Output;
  readonly report: Report;
}

/** A run of f2b-exec, from the first byte of input to the exit status. */
export class ExecRun {
  readonly #parts: ExecRunParts;
  #isStopping = false;
  /** To be called at the first signal. */
  #onStop: (() => void)[] = [];

  constructor(parts: ExecRunParts) {
    this.#parts = parts;
  }

  async run({ stdin, onSignal }: Surroundings): Promise<number> {
    const { executor, output, report } = this.#parts;
    onSignal(() => {
      this.#isStopping = true;
      for (const stop of this.#onStop.splice(0)) stop();
    });
    const reader = new CommandReader(report, (command) => executor.accept(command), Date.now);
    const isWhole = await this.#read(stdin, reader);
    await this.#finish();
    executor.stop();
    await output.settled();
    if (output.isGone && !output.failure) return EXIT.PIPE;
    if (reader.bad === 1) report.warning("1 input line was not a command");
    else if (reader.bad > 1) report.warning(`${reader.bad} input lines were not commands`);
    if (output.failure) return EXIT.IO;
    return reader.bad > 0 || !isWhole ? EXIT.DATA : EXIT.OK;
  }

  /** Returns false when the input could not be read to its end. */
  async #read(stdin: Readable, reader: CommandReader): Promise<boolean> {
    const { executor, options, output, report } = this.#parts;
    const isOver = () => output.isGone && (output.failure === undefined || options.isDryRun);
    let deadline: NodeJS.Timeout | undefined;
    const readOn = () => {
      deadline = setTimeout(() => stdin.destroy(), READ_ON);
    };
    this.#onStop.push(readOn);
    try {
      for await (const chunk of stdin) {
        reader.push(chunk as Buffer);
        await executor.room();
        await output.room();
      }
    } catch (error) {
      // Otherwise we destroyed the stream ourselves.
      if (!this.#isStopping && !isOver()) {
        report.error(`standard input: ${(error as Error).message}`);
        return false;
      }
    } finally {
      this.#onStop = this.#onStop.filter((stop) => stop !== readOn);
      clearTimeout(deadline);
      await reader.end();
    }
    return true;
  }

  /** Does what `--on-eof` says, then ends the actions. */
  async #finish(): Promise<void> {
    const { executor, options } = this.#parts;
    await executor.idle();
    if (options.onEof === "wait" && !options.isDryRun && !this.#isStopping) {
      this.#onStop.push(() => executor.stopWaiting());
      await executor.allEnded();
      await executor.idle();
    }
    if (options.onEof === "flush") await executor.flush();
    else this.#reportLeft();
    await this.#endActions();
  }

  #reportLeft(): void {
    const { executor, backend, options, report } = this.#parts;
    const { ending } = executor;
    if (ending === 0 || backend.longestTimeout > 0 || backend.name === "none" || options.isDryRun) return;
    const left = ending === 1 ? "1 ban with an end stays" : `${ending} bans with an end stay`;
    report.line(`NOTICE ${left} in force until the next f2b-exec; use --on-eof wait to end bans in time`);
  }

  /** Waits for the actions; after a signal those that have not started are given up. */
  async #endActions(): Promise<void> {
    const { actions, report } = this.#parts;
    let grace: NodeJS.Timeout | undefined;
    const giveUp = () => {
      grace = setTimeout(() => {
        const count = actions.abandon();
        if (count > 0) report.warning(`stopping: the actions of ${countCommands(count)} were not run`);
      }, ACTIONS_GRACE);
    };
    if (this.#isStopping) giveUp();
    else this.#onStop.push(giveUp);
    await actions.idle();
    clearTimeout(grace);
  }
}

function countCommands(count: number): string {
  return count === 1 ? "1 command" : `${count} commands`;
}
