import { createContext, Script } from "node:vm";

/** The one thing that stops a running RegExp: `vm` ends the script, and all it called, when its time is over. */
const context = createContext({ task: undefined as unknown });

const script = new Script("task()");

/** What a task came to; undefined when its time was over. */
export interface Completed<Result> {
  readonly result: Result;
}

/** A process that computed for less than this part of the time was kept from it by others. */
const BUSY = 0.8;
/** So many times as long is waited for it at most. */
const MOST_SLOWED = 10;

/**
 * Runs a function, which must leave nothing half-done if it is stopped, and stops it after so many milliseconds. On a busy machine
 * those may have been others': then it is run again, for as much longer as this process was slowed down.
 */
export function runWithin<Result>(milliseconds: number, task: () => Result): Completed<Result> | undefined {
  const start = cpuTime();
  const ended = runOnce(milliseconds, task);
  if (ended) return ended;
  const share = (cpuTime() - start) / milliseconds;
  if (share >= BUSY) return undefined;
  return runOnce(Math.ceil(milliseconds * Math.min(1 / share, MOST_SLOWED)), task);
}

/** Milliseconds that this process has computed. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
