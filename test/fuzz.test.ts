import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Coverage } from "./helpers/coverage.ts";
import { Fuzzer, type FuzzRun } from "./helpers/fuzzer.ts";
import { ROOT } from "./helpers/root.ts";

// A sample; `make fuzz` goes on for ten million lines, with F2B_FUZZ_SEED for others.

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

for (const name of existsSync(KEPT) ? readdirSync(KEPT) : []) {
  test(`Engine takes what was wrong once: ${name}`, async () => {
    const { chunks, options } = JSON.parse(readFileSync(KEPT + name, "utf8"));
    const run: FuzzRun = { chunks: chunks.map((chunk: string) => Buffer.from(chunk, "base64")), options };
    (await Fuzzer.create(SEED)).try(run);
  });
}
