import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Coverage } from "./helpers/coverage.ts";
import { FuzzError, FuzzLoop } from "./helpers/fuzz/loop.ts";
import { TARGETS } from "./helpers/fuzz/targets.ts";
import { Watchdog } from "./helpers/fuzz/watchdog.ts";
import { Fuzzer } from "./helpers/fuzzer.ts";

// make fuzz: hostile bytes until so many lines are through, or so many minutes over, or something is wrong. The same seed makes
// the same beginning; what is kept for its coverage depends on what ran before. Names of targets are arguments; `lines`, which is
// also what runs without one, is f2b-stream's engine on log lines.

const LINES = Number(process.env.F2B_FUZZ_LINES ?? 10_000_000);
const MINUTES = Number(process.env.F2B_FUZZ_MINUTES ?? 30);
const SEED = Number(process.env.F2B_FUZZ_SEED ?? 20_261_121);
/** Milliseconds between lines of progress. */
const EVERY = 30_000;
const MINUTE = 60_000;
/** Seconds of computing that one run may take before it is a hang, and before it is too slow. */
const HANG = 60;
const SLOW = 10;
/** What the heap may have grown by between the fifth part of the time and its end, in MB. */
const GROWTH = 32;

const names = process.argv.slice(2);
const [name = "lines"] = names;
if (names.length > 1) runEach();
else if (name === "lines") await fuzzLines();
else await fuzz(name);

/** Each in a process of its own: what one leaves behind is not the next one's. */
function runEach(): void {
  for (const each of names) {
    const { status } = spawnSync(process.execPath, [process.argv[1] ?? "", each], { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}

async function fuzz(name: string): Promise<void> {
  const make = TARGETS[name];
  if (make === undefined)
    throw new Error(`no target ${name}: there are lines, ${Object.keys(TARGETS).join(", ")}`);
  const target = await make();
  const coverage = new Coverage();
  const loop = new FuzzLoop(target, SEED, coverage);
  const pathOf = (run: number | string) => join(tmpdir(), `f2b-fuzz-${name}-${SEED}-${run}`);
  const watchdog = new Watchdog(target.longest, HANG, pathOf("hang"));
  const start = performance.now();
  const sampleHeap = heapSampler();
  const heaps: number[] = [];
  let [slowest, told] = [0, start];
  while (performance.now() - start < MINUTES * MINUTE && process.exitCode === undefined) {
    const input = loop.make();
    watchdog.watch(input);
    const before = computed();
    try {
      await loop.run(input);
      slowest = Math.max(slowest, computed() - before);
      if (computed() - before > SLOW)
        throw new FuzzError(input, `took ${computed() - before} s of computing`);
    } catch (error) {
      fail(error, pathOf(loop.runs), input);
    }
    if (performance.now() - told < MINUTE) continue;
    told = performance.now();
    heaps.push(await sampleHeap(loop.corpusBytes));
    progress();
  }
  await watchdog.end();
  heaps.push(await sampleHeap(loop.corpusBytes));
  progress();
  await target.end?.();
  const early = heaps[Math.floor(heaps.length / 5)] ?? 0;
  const grown = (heaps.at(-1) ?? 0) - early;
  if (grown > GROWTH) {
    write(`${name}: the heap grew by ${grown} MB: ${heaps.join(" ")}`);
    process.exitCode = 1;
  }

  function progress(): void {
    const seconds = Math.round((performance.now() - start) / 1000);
    write(
      `${name}, seed ${SEED}: ${loop.runs} runs, ${target.summary()}, ${coverage.blocks} blocks reached, ${loop.corpus} inputs kept, slowest ${slowest.toFixed(2)} s, ${seconds} s, heap ${heaps[0]} MB first, ${heaps.at(-1)} MB now`,
    );
  }
}

async function fuzzLines(): Promise<void> {
  const coverage = new Coverage();
  const fuzzer = await Fuzzer.create(SEED, coverage);
  const start = performance.now();
  let told = start;
  while (fuzzer.lines < LINES && process.exitCode === undefined) {
    const run = fuzzer.make();
    try {
      fuzzer.try(run);
    } catch (error) {
      const chunks = run.chunks.map((chunk) => chunk.toString("base64"));
      const path = join(tmpdir(), `f2b-fuzz-${SEED}-${fuzzer.runs}.json`);
      fail(error, path, JSON.stringify({ ...run, chunks }));
    }
    if (performance.now() - told < EVERY) continue;
    told = performance.now();
    progress();
  }
  progress();

  function progress(): void {
    const seconds = Math.round((performance.now() - start) / 1000);
    const resident = Math.round(process.memoryUsage.rss() / 1e6);
    write(
      `seed ${SEED}: ${fuzzer.lines} lines in ${fuzzer.runs} runs, ${fuzzer.bans} bans, ${coverage.blocks} blocks reached, ${fuzzer.corpus} logs kept, ${seconds} s, ${resident} MB`,
    );
  }
}

function fail(error: unknown, path: string, input: Buffer | string): void {
  writeFileSync(path, input);
  write(`seed ${SEED}: ${error instanceof Error ? error.message : error}`);
  write(`its input is in ${path}: keep it in test/fixtures/fuzz`);
  process.exitCode = 1;
}

/** Seconds of computing so far. */
function computed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Gives what measures the heap and what hangs on it in MB, after a collection, without what the fuzzer itself keeps. */
function heapSampler(): (kept: number) => Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return async (kept) => {
    // What waits for a timer or for a collection of its own goes in between.
    for (let round = 0; round < 3; round++) {
      collect();
      await sleep(400);
    }
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return Math.round((heapUsed + external - kept) / 1e6);
  };
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
