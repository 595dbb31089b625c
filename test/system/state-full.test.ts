import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encode } from "../../src/protocol/command.ts";
import type { Decision } from "../../src/stream/state/decision.ts";
import { decodeHeader } from "../../src/stream/state/header.ts";
import { readSeen } from "../../src/stream/state/resume.ts";
import { FakeClock } from "../helpers/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { start } from "../helpers/program.ts";
import { ROOT } from "../helpers/root.ts";
import { ban, keepAll, linesOf, NOW, openLog, write } from "../helpers/state.ts";

const skip =
  process.getuid?.() !== 0
    ? "needs root to mount"
    : spawnSync("mount", ["--version"]).status !== 0 && "needs mount";

/** A small file system of its own, in memory, that goes with the test. */
class Disk {
  readonly path: string;

  constructor(t: TestContext, kilobytes: number) {
    this.path = mkdtempSync(join(tmpdir(), "f2b-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "f2b-test", this.path]);
    t.after(() => {
      execFileSync("umount", ["--lazy", this.path]);
      rmdirSync(this.path);
    });
  }

  get state(): string {
    return join(this.path, "state");
  }

  fill(): void {
    const block = Buffer.alloc(1024);
    try {
      for (;;) appendFileSync(join(this.path, "ballast"), block);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }

  empty(): void {
    rmSync(join(this.path, "ballast"));
  }

  remount(mode: "ro" | "rw"): void {
    execFileSync("mount", ["-o", `remount,${mode}`, this.path]);
  }

  /** Whether the state says of itself that it is whole. */
  get isWhole(): boolean | undefined {
    return decodeHeader(readFileSync(this.state, "utf8").split("\n")[0] ?? "")?.isWhole;
  }
}

const matches = ["x".repeat(1000)];
function linesIn(...decisions: readonly Decision[]): readonly string[] {
  return decisions.map((each) => encode(each).trimEnd());
}

/** More than fits into what a file has left of its last block. */
const several = [2, 3, 4, 5, 6, 7].map((last) => ban(last, { matches }));

test("BanLog on a full disk waits, says so once, and continues when there is room", { skip }, async (t) => {
  const disk = new Disk(t, 64);
  const clock = new FakeClock("2026-11-21T12:00:00.000Z");
  const { log, told } = await openLog(disk.state, keepAll, clock);
  write(log, ban(1));
  disk.fill();
  write(log, ...several);
  clock.step(500);
  write(log, ban(8));
  clock.step(500);
  write(log, ban(9));
  assert.deepEqual([log.isWhole, log.failures, disk.isWhole], [false, 2, false]);
  assert.deepEqual(linesOf(disk.state), linesIn(ban(1)), "nothing is torn");
  disk.empty();
  log.takeCare();
  assert.deepEqual(told, [
    `test: error: state ${disk.state}: ENOSPC: no space left on device, write: bans go on, but a restart would not know all of them\n`,
    `test: warning: state ${disk.state}: can be written again, and nothing is missing\n`,
  ]);
  assert.deepEqual([log.isWhole, disk.isWhole], [true, true]);
  assert.deepEqual(linesOf(disk.state), linesIn(ban(1), ...several, ban(8), ban(9)));
  await log.end();
});

test("BanLog on a full disk is created as soon as there is room", { skip }, async (t) => {
  const disk = new Disk(t, 64);
  disk.fill();
  const { log, told } = await openLog(disk.state);
  write(log, ban(1));
  assert.equal(log.isWhole, false);
  disk.empty();
  log.takeCare();
  assert.deepEqual([log.isWhole, disk.isWhole, told.length], [true, true, 2]);
  assert.deepEqual(linesOf(disk.state), linesIn(ban(1)));
  await log.end();
});

test("BanLog has the log read again from before the disk was full", { skip }, async (t) => {
  const disk = new Disk(t, 64);
  const { log } = await openLog(disk.state);
  log.noteSeen(NOW, NOW);
  disk.fill();
  write(log, ...several);
  log.noteSeen(NOW + 1000, NOW + 1000);
  await log.end();
  assert.equal(readSeen(disk.state), NOW);
});

test("BanLog is not whole when the last run died on a full disk, until it is compacted", {
  skip,
}, async (t) => {
  const disk = new Disk(t, 64);
  const first = await openLog(disk.state);
  write(first.log, ban(1));
  disk.fill();
  write(first.log, ...several);
  await first.log.end();
  const clock = new FakeClock("2026-11-21T12:00:00.000Z");
  const { log, held, told } = await openLog(disk.state, keepAll, clock);
  assert.deepEqual([held, log.isWhole], [[ban(1)], false]);
  assert.match(told[0] ?? "", /error: state \S+: the last run could not write all that it decided\n$/);
  disk.empty();
  write(log, ban(2));
  log.takeCare();
  assert.equal(log.isWhole, false, "for a minute, in which the log is read again");
  clock.step(60_000);
  log.takeCare();
  await eventually(() => log.isWhole);
  assert.equal(disk.isWhole, true);
  await log.end();
});

test("BanLog gives up what waits too long, and writes what is in force when there is room", {
  skip,
}, async (t) => {
  const disk = new Disk(t, 512);
  const clock = new FakeClock("2026-11-21T12:00:00.000Z");
  const inForce = [ban(1), ban(7)];
  const policy = { retentionOf: keepAll.retentionOf, inForce: () => inForce };
  const { log, told } = await openLog(disk.state, policy, clock);
  write(log, ban(1));
  disk.fill();
  const long = ban(2, { matches: ["x".repeat(60_000)] });
  for (let i = 0; i < 300; i++) write(log, long);
  assert.match(told[1] ?? "", /warning: state \S+: too many commands wait to be written/);
  disk.empty();
  clock.step(60_000);
  log.takeCare();
  await eventually(() => log.isWhole);
  assert.equal(disk.isWhole, true);
  assert.deepEqual(
    [linesOf(disk.state)[0], ...linesOf(disk.state).slice(-2)],
    linesIn(ban(1), ban(1), ban(7)),
  );
  await log.end();
});

test("BanLog that can't be compacted on a full disk says so, and continues as it is", { skip }, async (t) => {
  const disk = new Disk(t, 2048);
  const { log, told } = await openLog(disk.state);
  for (let i = 0; i < 1100; i++) write(log, ban(i % 250, { time: NOW + i, matches }));
  await eventually(() => told.length > 0);
  assert.match(told[0] ?? "", /warning: state \S+: cannot be compacted: ENOSPC/);
  write(log, ban(1, { time: NOW + 5000 }));
  assert.deepEqual([log.isWhole, existsSync(`${disk.state}.new`)], [true, false]);
  assert.equal(linesOf(disk.state).length, 1101);
  await log.end();
});

test("BanLog on a read-only disk keeps what it has", { skip }, async (t) => {
  const disk = new Disk(t, 64);
  const first = await openLog(disk.state);
  write(first.log, ban(1));
  await first.log.end();
  disk.remount("ro");
  const { log, held, told } = await openLog(disk.state);
  assert.deepEqual(held, [ban(1)]);
  write(log, ban(2));
  assert.equal(log.isWhole, false);
  assert.match(told.join(""), /^test: error: state \S+: EROFS: read-only file system, open .*: bans go on/);
  await log.end();
});

test("f2b-stream goes on banning when the disk is full, and sends no sync after that", {
  skip,
}, async (t) => {
  const disk = new Disk(t, 64);
  const args = [
    "-r",
    `${ROOT}test/fixtures/rules/app.yaml`,
    "--state",
    disk.state,
    "--set",
    "app.maxretry=1",
  ];
  const fail = (last: number) =>
    `${new Date().toISOString()} web1 app[7]: login failed from 192.0.2.${last}\n`;
  const first = start("f2b-stream", args);
  first.write(fail(1));
  await first.until(({ stdout }) => stdout.includes("192.0.2.1"));
  disk.fill();
  for (let last = 2; last <= 60; last++) first.write(fail(last));
  await first.until(({ stdout }) => stdout.includes("192.0.2.60"));
  first.child.kill("SIGKILL");
  const told = (await first.ended).stderr.split("\n").filter((line) => line.includes("state "));
  assert.equal(told.length, 1, told.join("\n"));
  assert.match(told[0] ?? "", /error: state \S+: ENOSPC/);
  const second = start("f2b-stream", args);
  second.child.stdin?.end();
  const { status, stdout, stderr } = await second.ended;
  assert.equal(status, 0);
  assert.match(stdout, /"ip":"192\.0\.2\.1".*"restored":true/);
  assert.doesNotMatch(stdout, /"cmd":"sync"/);
  assert.match(stderr, /the last run could not write all that it decided/);
});
