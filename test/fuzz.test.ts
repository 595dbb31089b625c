import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Coverage } from "./helpers/coverage.ts";
import { FuzzLoop } from "./helpers/fuzz/loop.ts";
import { TARGETS } from "./helpers/fuzz/targets.ts";
import { Fuzzer, type FuzzRun } from "./helpers/fuzzer.ts";
import { ROOT } from "./helpers/root.ts";

// A sample; `make fuzz` goes on for ten million lines, or with FUZZ for half an hour each, with F2B_FUZZ_SEED for others.

const SEED = 1;
const LINES = 10_000;

test(`Engine takes ${LINES} hostile lines, seed ${SEED}: no error, commands alone, whatever the gate and the cuts`, async () => {
  const coverage = new Coverage();
  const fuzzer = await Fuzzer.create(SEED, coverage);
  const seeds = fuzzer.corpus;
  while (fuzzer.lines < LINES) fuzzer.try(fuzzer.make());
  coverage.stop();
  assert.ok(fuzzer.bans > 100, `${fuzzer.bans} bans`);
  assert.ok(fuzzer.corpus > seeds, "some logs reached more than those before");
});

const KEPT = `${ROOT}test/fixtures/fuzz/`;

for (const name of filesIn(KEPT)) {
  test(`Engine takes what was wrong once: ${name}`, async () => {
    const { chunks, options } = JSON.parse(readFileSync(KEPT + name, "utf8"));
    const run: FuzzRun = { chunks: chunks.map((chunk: string) => Buffer.from(chunk, "base64")), options };
    (await Fuzzer.create(SEED)).try(run);
  });
}

/** Runs of each target: a second or two. */
const RUNS: Readonly<Record<string, number>> = {
  journal: 60,
  fail2ban: 40,
  yaml: 60,
  commands: 200,
  control: 40,
  tagged: 60,
  states: 60,
};

for (const [name, make] of Object.entries(TARGETS)) {
  test(`fuzz target ${name}: ${RUNS[name]} hostile inputs, seed ${SEED}, and those that were wrong once`, async () => {
    const target = await make();
    try {
      for (const file of filesIn(`${KEPT}${name}/`)) await target.run(readFileSync(`${KEPT}${name}/${file}`));
      const loop = new FuzzLoop(target, SEED);
      while (loop.runs < (RUNS[name] ?? 0)) await loop.run(loop.make());
    } finally {
      await target.end?.();
    }
  });
}

function filesIn(folder: string): readonly string[] {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}
