import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { median } from "./statistics.ts";

/** A program that reads a log from stdin, or by its path. */
export interface Contender {
  readonly name: string;
  readonly argv: (log: string) => readonly string[];
  readonly log: string;
  /** Of that log. */
  readonly lines: number;
}

/** One run of a program, to its end. */
interface Run {
  readonly seconds: number;
  /** User and system together. */
  readonly cpuSeconds: number;
  /** Largest resident set. */
  readonly bytes: number;
}

/** What a contender took, round by round. */
export interface Record {
  readonly contender: Contender;
  readonly runs: readonly Run[];
  /** Seconds to start, read nothing, and end: the median. */
  readonly start: number;
  /** Lines a second from the first byte to the last, a number for each round. */
  readonly rates: readonly number[];
}

/**
 * Lets contenders run in turn, A B C A B C …, so that a machine that is busy for a while is busy for all of them. In each
 * round each reads an empty log as well: that is its start, and is taken off its time.
 *
 * @param folder where the empty log and the output go
 */
export function race(contenders: readonly Contender[], rounds: number, folder: string): readonly Record[] {
  const empty = join(folder, "empty.log");
  closeSync(openSync(empty, "w"));
  const records = contenders.map((contender) => ({ contender, runs: [] as Run[], starts: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { contender, runs, starts } of records) {
      starts.push(runOnce(contender, empty, folder).seconds);
      runs.push(runOnce(contender, contender.log, folder));
      if (statSync(join(folder, OUTPUT)).size === 0) throw new Error(`${contender.name}: found nothing`);
    }
  }
  return records.map(({ contender, runs, starts }) => {
    const start = median(starts);
    const rates = runs.map(({ seconds }) => contender.lines / Math.max(seconds - start, 0.001));
    return { contender, runs, start, rates };
  });
}

const OUTPUT = "output";

/** The environment of every program: one zone, and bytes for characters, which is quickest for grep. */
export const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: "UTC", LC_ALL: "C" };

/** Runs under time(1), which says what the kernel knows of the child when it has ended. */
function runOnce({ name, argv }: Contender, log: string, folder: string): Run {
  const times = join(folder, "times");
  const input = openSync(log, "r");
  // Not /dev/null: grep stops at the first match when it writes there.
  const output = openSync(join(folder, OUTPUT), "w");
  const begin = performance.now();
  const { status, signal, stderr, error } = spawnSync(
    "/usr/bin/time",
    ["-q", "-f", "%U %S %M", "-o", times, ...argv(log)],
    { stdio: [input, output, "pipe"], env: ENVIRONMENT, maxBuffer: 1 << 28 },
  );
  const seconds = (performance.now() - begin) / 1000;
  closeSync(input);
  closeSync(output);
  if (error !== undefined) throw error;
  // In an empty log grep finds nothing, and says so.
  if (status !== 0 && (status !== 1 || stderr.length > 0)) {
    throw new Error(`${name}: ended with ${status ?? signal}: ${stderr}`);
  }
  const [user, system, kibibytes] = readFileSync(times, "utf8").split(" ").map(Number);
  return { seconds, cpuSeconds: (user ?? 0) + (system ?? 0), bytes: (kibibytes ?? 0) * 1024 };
}
