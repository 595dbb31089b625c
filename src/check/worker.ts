import { parentPort, workerData } from "node:worker_threads";
import { shareCpuTime } from "../python/time-limit.ts";
import { compileJails } from "../stream/jail/compile-jails.ts";
import { checkJail } from "./check-jail.ts";
import type { Task, TaskResult, ThreadData } from "./check-threads.ts";

// A thread of --check: takes jails one by one, and answers with what it finds in them.

const { now, threads } = workerData as ThreadData;
shareCpuTime(threads);
parentPort?.on("message", ({ index, jail, isImported }: Task) => {
  const [compiled] = compileJails([jail]);
  if (!compiled) return;
  parentPort?.postMessage({ index, findings: checkJail(compiled, isImported, now) } satisfies TaskResult);
});
