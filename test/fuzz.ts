import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Coverage } from "./helpers/coverage.ts";
import { Fuzzer } from "./helpers/fuzzer.ts";

// make fuzz: hostile bytes for f2b-stream's engine until so many lines are through or something is wrong. The same seed makes the
// same beginning; what is kept for its coverage depends on what ran before.

const LINES = Number(process.env.F2B_FUZZ_LINES ?? 10_000_000);
const SEED = Number(process.env.F2B_FUZZ_SEED ?? 20_261_121);
/** Milliseconds between lines of progress. */
const EVERY = 30_000;

const coverage = new Coverage();
const fuzzer = await Fuzzer.create(SEED, coverage);
const start = performance.now();
let told = start;
while (fuzzer.lines < LINES && process.exitCode === undefined) {
  const run = fuzzer.make();
  try {
    fuzzer.try(run);
  } catch (error) {
    const path = join(tmpdir(), `f2b-fuzz-${SEED}-${fuzzer.runs}.json`);
    const chunks = run.chunks.map((chunk) => chunk.toString("base64"));
    writeFileSync(path, JSON.stringify({ ...run, chunks }));
    write(`seed ${SEED}, run ${fuzzer.runs}: ${error instanceof Error ? error.stack : error}`);
    write(`its input is in ${path}: keep it in test/fixtures/fuzz`);
    process.exitCode = 1;
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

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
