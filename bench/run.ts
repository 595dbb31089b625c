import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";
import { journalKinds } from "./journal-kinds.ts";
import { latency } from "./latency.ts";
import type { Bench } from "./lib/bench.ts";
import { type Figure, figureTable, isMet, recordTable } from "./lib/figures.ts";
import { LogFolder } from "./lib/log-folder.ts";
import { FAIL2BAN_REGEX, RIPGREP, SSHG_PARSER } from "./lib/peers.ts";
import type { Record } from "./lib/run.ts";
import { FULL, QUICK } from "./lib/sizes.ts";
import { literals } from "./literals.ts";
import { memory } from "./memory.ts";
import { start } from "./start.ts";
import { tail } from "./tail.ts";
import { access, fail2ban, flood, journal, mixed } from "./throughput.ts";

// usage: node dist/bench/run.js [--quick] [BENCH]...
//
// Prints Markdown: what each program took, and the figures with their targets. Without --quick a figure that misses its
// target makes the exit status 1. Progress goes to stderr.

const BENCHES: { readonly [name: string]: Bench } = {
  mixed,
  fail2ban,
  flood,
  access,
  journal,
  "journal-kinds": journalKinds,
  literals,
  memory,
  latency,
  start,
  tail,
};

const words = process.argv.slice(2);
const isQuick = words.includes("--quick");
const names = words.filter((word) => word !== "--quick");
const unknown = names.find((name) => BENCHES[name] === undefined);
if (unknown === undefined) {
  await run(names.length > 0 ? names : Object.keys(BENCHES));
} else {
  process.stderr.write(`no bench ${JSON.stringify(unknown)}; there are ${Object.keys(BENCHES).join(", ")}\n`);
  process.exitCode = 64;
}

async function run(chosen: readonly string[]): Promise<void> {
  process.stdout.write(`${machine()}\n\n`);
  const logs = new LogFolder();
  const records: Record[] = [];
  const figures: Figure[] = [];
  process.on("exit", () => logs.remove());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  for (const name of chosen) {
    process.stderr.write(`${name} …\n`);
    const outcome = await BENCHES[name]?.(isQuick ? QUICK : FULL, logs);
    records.push(...(outcome?.records ?? []));
    figures.push(...(outcome?.figures ?? []));
  }
  if (records.length > 0) process.stdout.write(`${recordTable(records)}\n`);
  process.stdout.write(figureTable(figures, !isQuick));
  if (!isQuick && !figures.every(isMet)) process.exitCode = 1;
}

/** What was measured, and on what. */
function machine(): string {
  const [cpu] = cpus();
  const absent = Object.entries({ sshguard: SSHG_PARSER, fail2ban: FAIL2BAN_REGEX, ripgrep: RIPGREP })
    .filter(([, path]) => path === undefined)
    .map(([name]) => name);
  return [
    `${new Date().toISOString().slice(0, 10)}, ${commit()}, Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB, load ${loadavg()[0]?.toFixed(1)} at the beginning`,
    ...(isQuick ? ["small sizes: to see that it runs"] : []),
    ...(absent.length > 0 ? [`not installed: ${absent.join(", ")}`] : []),
  ].join(", ");
}

function commit(): string {
  try {
    return `commit ${execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim()}`;
  } catch {
    return "no commit";
  }
}
