import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Bench } from "./lib/bench.ts";
import { type Figure, under } from "./lib/figures.ts";
import { BUNDLED, FAIL2BAN_CONFIG, f2bStream, source } from "./lib/peers.ts";
import { ENVIRONMENT } from "./lib/run.ts";
import { spreadOf } from "./lib/statistics.ts";

/** From the program being started to its first command being read; its log holds a ban at the beginning. */
export const start: Bench = async ({ starts }, logs) => {
  const log = join(logs.path, "start.log");
  const line = "Nov 20 00:00:00 mx1 sshd[1]: Failed password for root from 192.0.2.7 port 1024 ssh2\n";
  writeFileSync(log, line.repeat(5));
  const cases = [
    { what: "bundled rules", argv: f2bStream(BUNDLED), target: under(130) },
    { what: "the same as YAML", argv: f2bStream(BUNDLED.map(yaml)), target: under(220) },
    ...(existsSync(FAIL2BAN_CONFIG)
      ? [{ what: "all jails of fail2ban", argv: f2bStream([`${FAIL2BAN_CONFIG}[*]`]) }]
      : []),
    { what: "node alone", argv: [process.execPath, "-e", "process.stdout.write('\\n')"] },
  ];
  const times = cases.map(() => [] as number[]);
  for (let round = 0; round < starts; round++) {
    for (const [i, { argv }] of cases.entries()) times[i]?.push(await firstOutput(argv, log));
  }
  const figures = cases.map(({ what, target }, i): Figure => {
    const figure = { what: `start to first command: ${what}`, unit: " ms", spread: spreadOf(times[i] ?? []) };
    return target === undefined ? figure : { ...figure, target };
  });
  return { records: [], figures };
};

function yaml(name: string): string {
  return source(`rules/${name}.yaml`);
}

async function firstOutput([command = "", ...args]: readonly string[], log: string): Promise<number> {
  const input = openSync(log, "r");
  const begin = performance.now();
  const child = spawn(command, args, { stdio: [input, "pipe", "inherit"], env: ENVIRONMENT });
  closeSync(input);
  const closed = once(child, "close");
  const output = child.stdout as Readable;
  const isFirst = await Promise.race([once(output, "data").then(() => true), closed.then(() => false)]);
  const time = performance.now() - begin;
  output.resume();
  await closed;
  if (!isFirst) throw new Error(`${command} ${args.join(" ")}: wrote nothing`);
  return time;
}
