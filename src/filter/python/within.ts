import { createContext, Script } from "node:vm";

/** The one thing that stops a running RegExp: `vm` ends the script, and all it called, when its time is over. */
const context = createContext({ task: undefined as unknown });

const script = new Script("task()");

/** What a task came to; undefined when its time was over. */
export interface Ended<Result> {
  readonly result: Result;
}

/** Runs a function that must leave nothing half-done if it is stopped, and stops it after so many milliseconds. */
export function runWithin<Result>(milliseconds: number, task: () => Result): Ended<Result> | undefined {
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
