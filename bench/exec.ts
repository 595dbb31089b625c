/**
 * How fast f2b-exec brings bans into the kernel, beside fail2ban's way of one command an address. Real tools, in network
 * namespaces of its own; needs root. `node dist/bench/exec.js [ipset|nftables|iptables]...`
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BanStream, cleanUp, inNamespace, PROGRAM } from "./exec/namespace.ts";

const exec = promisify(execFile);

/** What is wanted, in milliseconds. */
const WANTED = {
  ipset: { start: [20_000, 1000], many: [100_000, 2500], held: 100_000, single: [5, 25] },
  nftables: { start: [20_000, 1000], many: [100_000, 2500], held: 100_000, single: [10, 40] },
  iptables: { start: [20_000, 1000], many: undefined, held: 1000, single: [10, 40] },
} as const;
/** Bans sent one at a time for the median and the 99th of a hundred. */
const SINGLES = 500;
const PEER_BANS = 1000;

type Name = keyof typeof WANTED;

async function main(names: readonly string[]): Promise<void> {
  const chosen = (Object.keys(WANTED) as Name[]).filter((name) => names.length === 0 || names.includes(name));
  for (const name of chosen) {
    const { start, many, held, single } = WANTED[name];
    for (const goal of [start, many]) {
      if (goal === undefined) continue;
      const [count, limit] = goal;
      print(`${name}: ${count} bans from a cold start`, await coldStart(name, count), limit);
    }
    const times = await singles(name, held);
    print(`${name}: one ban, median, ${held} in force`, quantile(times, 0.5), single[0]);
    print(`${name}: one ban, p99, ${held} in force`, quantile(times, 0.99), single[1]);
  }
  if (chosen.includes("iptables")) print("iptables: 10000 unbans", await unbans(10_000), 1000);
  const peer = await oneCommandAnAddress(PEER_BANS);
  print(`iptables, a command an address (fail2ban's way): ${PEER_BANS} bans`, peer);
  print("  at that rate 20000 bans", (peer * 20_000) / PEER_BANS);
}

/** From the start of the program to its end: it ends when the last ban is in the kernel. */
function coldStart(backend: Name, count: number): Promise<number> {
  return inNamespace(async (before) => {
    const started = performance.now();
    const stream = new BanStream(before, backend);
    stream.bans(0, count);
    await stream.end();
    return performance.now() - started;
  });
}

/** From writing a line to the result that says that it is in the kernel. */
function singles(backend: Name, held: number): Promise<readonly number[]> {
  return inNamespace(async (before) => {
    const stream = new BanStream(before, backend);
    stream.bans(0, held);
    await stream.results(held);
    const times: number[] = [];
    for (let i = 0; i < SINGLES; i++) {
      const started = performance.now();
      stream.bans(held + i, 1);
      await stream.results(held + i + 1);
      times.push(performance.now() - started);
    }
    await stream.end();
    return times;
  });
}

function unbans(count: number): Promise<number> {
  return inNamespace(async (before) => {
    const stream = new BanStream(before, "iptables");
    stream.bans(0, count);
    await stream.results(count);
    const started = performance.now();
    stream.unbans(0, count);
    await stream.results(2 * count);
    const took = performance.now() - started;
    await stream.end();
    return took;
  });
}

/** As fail2ban's iptables action does: a shell and iptables for each. */
function oneCommandAnAddress(count: number): Promise<number> {
  return inNamespace(async ([file = "", ...before]) => {
    const run = (command: string) => exec(file, [...before, "sh", "-c", command]);
    await run(
      "iptables -N f2b-x && iptables -A f2b-x -j RETURN && iptables -I INPUT -p tcp --dport 25 -j f2b-x",
    );
    const script = `for (let i = 0; i < ${count}; i++) require("node:child_process").execFileSync("sh", ["-c",
      "iptables -w -I f2b-x 1 -s 198.18." + (i >> 8) + "." + (i & 255) + " -j REJECT --reject-with icmp-port-unreachable"])`;
    const started = performance.now();
    await exec(file, [...before, process.execPath, "-e", script]);
    return performance.now() - started;
  });
}

function print(what: string, milliseconds: number, limit?: number): void {
  const shown = milliseconds < 100 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
  const goal =
    limit === undefined ? "" : `  (wanted: under ${limit})${milliseconds < limit ? "" : "  MISSED"}`;
  process.stdout.write(`${what.padEnd(64)} ${shown.padStart(8)} ms${goal}\n`);
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

process.stdout.write(`${PROGRAM}, Node ${process.version}\n`);
try {
  await main(process.argv.slice(2));
} finally {
  await cleanUp();
}
