import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { ProgressLine } from "../cli/progress-line.ts";
import type { Jail } from "../rules/rule.ts";
import { distFile } from "../shared/package-files.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import { checkJail, type JailFindings } from "./check-jail.ts";

/** Fewer jails are checked in this thread: others take a while to start. */
const MANY = 4;

export interface CheckOptions {
  /** The names of jails that came from fail2ban. */
  readonly imported: ReadonlySet<string>;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Threads to use, this one not counted; 0: this one alone. */
  readonly threads?: number;
}

/** What a thread is told at its start. */
export interface ThreadData {
  readonly now: number;
  readonly threads: number;
}

/** A jail to check. */
export interface Task {
  readonly index: number;
  readonly jail: Jail;
  readonly isImported: boolean;
}

export interface TaskResult {
  readonly index: number;
  readonly findings: JailFindings;
}

/** Checks jails, on all CPUs, and shows on a terminal how many are done. The findings come in the order of the jails. */
export async function checkEach(
  jails: readonly CompiledJail[],
  { imported, now, threads = jails.length < MANY ? 0 : availableParallelism() }: CheckOptions,
): Promise<readonly JailFindings[]> {
  const progress = new ProgressLine();
  const showDone = (done: number) => progress.show(`${done} of ${jails.length} jails checked`);
  try {
    if (threads > 1) return await checkInThreads(jails, { imported, now, threads }, showDone);
    return jails.map((each, index) => {
      showDone(index);
      return checkJail(each, imported.has(each.jail.name), now);
    });
  } finally {
    progress.end();
  }
}

async function checkInThreads(
  jails: readonly CompiledJail[],
  { imported, now, threads }: Required<CheckOptions>,
  showDone: (done: number) => void,
): Promise<readonly JailFindings[]> {
  const findings: JailFindings[] = [];
  let done = 0;
  const tasks = jails.map(({ jail }, index): Task => ({ index, jail, isImported: imported.has(jail.name) }));
  // Those with many patterns first, so that no thread is left with a long one at the end.
  tasks.sort((a, b) => b.jail.filter.failregex.length - a.jail.filter.failregex.length);
  showDone(done);
  const take = ({ index, findings: found }: TaskResult) => {
    findings[index] = found;
    showDone(++done);
  };
  await Promise.all(Array.from({ length: threads }, () => runThread({ now, threads }, tasks, take)));
  return findings;
}

/** Runs tasks in a thread until none is left. Rejects with what the thread has thrown. */
function runThread(workerData: ThreadData, tasks: Task[], take: (result: TaskResult) => void): Promise<void> {
  const worker = new Worker(distFile("chunks/check-worker.js"), { workerData });
  return new Promise((resolve, reject) => {
    const next = () => {
      const task = tasks.shift();
      if (task) worker.postMessage(task);
      else worker.terminate().then(() => resolve(), reject);
    };
    worker.on("message", (result: TaskResult) => {
      take(result);
      next();
    });
    worker.on("error", reject);
    next();
  });
}
