import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Spread, spreadOf } from "./lib/statistics.ts";

const TAIL = fileURLToPath(new URL("../bin/f2b-tail.js", import.meta.url));

/** How often f2b-tail's main thread wakes up a second while 50 files and nobody write, over so many seconds. */
export async function idle(folder: string, seconds: number): Promise<Spread> {
  const logs = join(folder, "idle");
  mkdirSync(logs, { recursive: true });
  for (let number = 0; number < 50; number++) writeFileSync(join(logs, `${number}.log`), "");
  const args = [TAIL, "-q", "--state", join(logs, "state"), join(logs, "*.log")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  await sleep(3_000);
  const before = switches(child.pid ?? 0);
  await sleep(1_000 * seconds);
  const after = switches(child.pid ?? 0);
  child.kill();
  await once(child, "close");
  return spreadOf([(after - before) / seconds]);
}

/** Voluntary context switches of the main thread. */
function switches(pid: number): number {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, "utf8");
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]);
}
