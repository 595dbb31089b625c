import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import type { Engine } from "../../../src/stream/engine.ts";
import { formatMetrics } from "../../../src/stream/health/metrics.ts";
import { MetricsFile, streamOf } from "../../../src/stream/health/metrics-file.ts";
import { appFailure, appJails, TestEngine } from "../../helpers/engine.ts";
import { parseExposition } from "../../helpers/exposition.ts";
import { runProgram } from "../../helpers/program.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const FIGURES = { started: NOW - 5000, resident: 64 << 20 };

/** An engine that lived through a bit of everything that is counted. */
async function livedEngine(): Promise<Engine> {
  const jails = await appJails("app-watch.enabled=false", "app.ignoreip=192.0.2.9");
  const lived = new TestEngine(jails, NOW, { maxLine: 100, maxKeys: 2, silence: 60_000 });
  const fail = (address: string, ago = 0) => lived.push(appFailure(address, NOW - ago), NOW);
  for (const address of ["192.0.2.9", "999.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]) fail(address);
  for (let n = 0; n < 6; n++) fail("192.0.2.1");
  for (let n = 0; n < 3; n++) fail("192.0.2.5", 3_600_000);
  lived.engine.settle(NOW);
  lived.push(`${"x".repeat(101)}\n`, NOW + 1000);
  lived.engine.tick(NOW + 600_000);
  lived.engine.monitor.pass(60_000, false);
  return lived.engine;
}

test("formatMetrics tells what was counted", async () => {
  const samples = parseExposition(formatMetrics(await livedEngine(), FIGURES, "f2b"));
  assert.ok(samples.every(({ labels }) => labels.stream === "f2b"));
  const shown = samples.map(({ name, labels: { jail, cause }, value }) =>
    [name.replace("f2b_stream_", ""), jail, cause, value].filter((part) => part !== undefined).join(" "),
  );
  assert.deepEqual(shown, [
    "info 1",
    `start_time_seconds ${NOW / 1000 - 5}`,
    "resident_memory_bytes 67108864",
    "input_bytes_total 1026",
    `last_input_time_seconds ${NOW / 1000 + 1}`,
    "judged_entries_total 14",
    "overlong_lines_total 1",
    "stray_lines_total 0",
    "given_up_searches_total 0",
    "unbannable_failures_total 1",
    "ended_bans_total 1",
    "refused_bans_total 0",
    "evicted_bans_total 0",
    "bans_in_force 0",
    "failures_total app 12",
    "failures_total app-again 1",
    "ignored_failures_total app 1",
    "ignored_failures_total app-again 0",
    "bans_total app 1",
    "bans_total app-again 0",
    "unbans_total app 1",
    "unbans_total app-again 0",
    "repeated_bans_total app 1",
    "repeated_bans_total app-again 0",
    "addresses app 1",
    "addresses app-again 1",
    "evicted_addresses_total app 2",
    "evicted_addresses_total app-again 0",
    "blind silence 1",
    "blind stalled 0",
    "blind headerless 0",
    "blind mixed 0",
    "blind tags 0",
    "blind dateless 0",
    "blind unmatched 0",
    "blind shifted 0",
    "blindness_total silence 1",
    "blindness_total stalled 0",
    "blindness_total headerless 0",
    "blindness_total mixed 0",
    "blindness_total tags 0",
    "blindness_total dateless 0",
    "blindness_total unmatched 0",
    "blindness_total shifted 0",
  ]);
});

test("formatMetrics escapes label values", async () => {
  const stream = 'a"b\\c\nd';
  const samples = parseExposition(formatMetrics(await livedEngine(), FIGURES, stream));
  assert.ok(samples.every(({ labels }) => labels.stream === stream));
});

test("streamOf takes the file's name", () => {
  assert.equal(streamOf("/var/lib/prometheus/node-exporter/f2b-sshd.prom"), "f2b-sshd");
  assert.equal(streamOf("metrics.txt"), "metrics.txt");
});

/** A folder that goes with the test. */
function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "f2b-metrics-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("MetricsFile replaces the file as a whole, for anybody to read", async (t) => {
  const folder = newFolder(t);
  const path = join(folder, "f2b.prom");
  writeFileSync(path, "# HELP f2b_stream_info\n", { mode: 0o600 });
  const before = statSync(path).ino;
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const told: string[] = [];
  await new MetricsFile(path, () => "after\n", new Report("test", (line) => told.push(line))).write();
  assert.equal(readFileSync(path, "utf8"), "after\n");
  assert.notEqual(statSync(path).ino, before, "another file: no reader sees half of it");
  assert.equal(statSync(path).mode & 0o777, 0o644);
  assert.deepEqual([readdirSync(folder), told], [["f2b.prom"], []]);
});

test("MetricsFile tells once that it can't write, goes on, and tells again when it fails anew", async (t) => {
  const folder = newFolder(t);
  const path = join(folder, "later", "f2b.prom");
  const told: string[] = [];
  const file = new MetricsFile(path, () => "text\n", new Report("test", (line) => told.push(line)));
  await file.write();
  await file.write();
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /^test: warning: --metrics: ENOENT: no such file or directory, open '.*later/);
  mkdirSync(join(folder, "later"));
  await file.write();
  assert.equal(readFileSync(path, "utf8"), "text\n");
  rmSync(join(folder, "later"), { recursive: true });
  await file.write();
  assert.equal(told.length, 2);
});

test("MetricsFile writes one text at a time", async (t) => {
  const folder = newFolder(t);
  let formatted = 0;
  const format = () => `# HELP f2b_stream_ ${++formatted}\n`;
  const file = new MetricsFile(join(folder, "f2b.prom"), format, new Report("test", () => assert.fail()));
  await Promise.all([file.write(), file.write(), file.write()]);
  assert.equal(formatted, 1);
  await file.end();
  assert.equal(readFileSync(join(folder, "f2b.prom"), "utf8"), "# HELP f2b_stream_ 2\n");
});

test("f2b-stream --metrics writes the file at the end, and survives that it can't", async (t) => {
  const path = join(newFolder(t), "f2b.prom");
  const args = ["-r", "test/fixtures/rules/app.yaml", "--replay"];
  const log = "2026-11-21T10:00:00Z web1 app[7]: login failed from 192.0.2.1\n".repeat(3);
  const { status, stdout } = await runProgram("f2b-stream", [...args, "--metrics", path], log);
  assert.equal(status, 0);
  const samples = parseExposition(readFileSync(path, "utf8"));
  const bans = samples.find(({ name, labels }) => name === "f2b_stream_bans_total" && labels.jail === "app");
  assert.equal(bans?.value, 1);
  const nowhere = await runProgram("f2b-stream", [...args, "--metrics", "/dev/full/f2b.prom"], log);
  assert.equal(nowhere.status, 0);
  assert.equal(nowhere.stdout, stdout);
  assert.match(nowhere.stderr, /^f2b-stream: warning: --metrics: ENOTDIR: [^\n]*\n$/);
});
