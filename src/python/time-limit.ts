import { createContext, Script } from "node:vm";

/** Only `vm` can stop a running RegExp: it ends the script, and all that it called, at its timeout. */
const context = createContext({ task: undefined as unknown });

const script = new Script("task()");

/** The result of a task that ended in time. */
export interface Completed<Result> {
  readonly result: Result;
}

/** A process that had the CPU for less than this part of the time was slowed down by others. */
const BUSY = 0.8;
/** The second run gets at most this many times as long. */
const MOST_SLOWED = 10;

/**
 * Runs a function, and stops it after some milliseconds; it must leave nothing half-done then. On a busy machine others may have had
 * the CPU meanwhile: then it runs once more, for longer by the factor by which this process was slowed down.
 *
 * @returns undefined when the function was stopped
 */
export function runWithin<Result>(milliseconds: number, task: () => Result): Completed<Result> | undefined {
  const start = cpuTime();
  const ended = runOnce(milliseconds, task);
  if (ended) return ended;
  const share = (cpuTime() - start) / milliseconds;
  if (share >= BUSY) return undefined;
  return runOnce(Math.ceil(milliseconds * Math.min(1 / share, MOST_SLOWED)), task);
}

let threads = 1;

/** Says that so many threads of this process search: only the CPU time of all together can be asked for. */
export function shareCpuTime(count: number): void {
  threads = count;
}

/** CPU time of this process, or this thread's share of it, in milliseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 / threads;
}

function runOnce<Result>(milliseconds: number, task: () => Result): Completed<Result> | undefined {
  context.task = task;
  try {
    return { result: script.runInContext(context, { timeout: milliseconds }) as Result };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
    throw error;
  } finally {
    context.task = undefined;
  }
}
