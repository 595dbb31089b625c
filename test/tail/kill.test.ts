import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { newFolder } from "../helpers/folder.ts";
import { program } from "../helpers/program.ts";
import { readByStream, readTagged } from "../helpers/tagged-reader.ts";

/** How often each log is rotated; `make kill-tail` has 1,000. */
const ROTATIONS = Number(process.env.F2B_ROTATIONS ?? 40);
const WRITER = fileURLToPath(new URL("../helpers/log-writer.js", import.meta.url));
/** Numbered parts that are kept. */
const KEPT = 100;

type Rotate = (log: string, round: number) => void;

/** As logrotate: `x.log.1` is the latest. */
const byNumber: Rotate = (log) => {
  for (let part = KEPT; part > 0; part--) {
    if (existsSync(`${log}.${part}`)) renameSync(`${log}.${part}`, `${log}.${part + 1}`);
  }
  rmSync(`${log}.${KEPT + 1}`, { force: true });
  renameSync(log, `${log}.1`);
};

/** As logrotate's dateext. */
const byDate: Rotate = (log, round) => renameSync(log, `${log}-${20260000000000 + round}`);

for (const [name, rotate] of Object.entries({ byNumber, byDate })) {
  test(`f2b-tail loses and doubles no line over ${ROTATIONS} rotations by rename and kill -9 (${name})`, async (t) => {
    const folder = newFolder(t);
    const log = join(folder, "x.log");
    const writer = startWriter(t, log, "line");
    const stream = await startKilled(t, folder, [log]);
    for (let round = 0; round < ROTATIONS; round++) {
      // What was not read before it is deleted nobody can read.
      if (round % (KEPT / 2) === 0) await stream.progress(log);
      await eventually(() => existsSync(log));
      await sleep(random(5, 40));
      rotate(log, round);
      await sleep(random(0, 15));
      writer.child.kill("SIGHUP");
    }
    await stream.progress(log);
    const count = await writer.stop();
    const bytes = await stream.stop(count);
    const { lines = [], repeated = 0 } = readTagged(bytes).get(log) ?? {};
    const numbers = lines.map((line) => Number(line.split(" ")[1]));
    t.diagnostic(`${count} lines, ${stream.kills} kills, ${repeated} bytes repeated`);
    if (faults(numbers, count).lost > 0) t.diagnostic(readFileSync(join(folder, "stderr"), "utf8"));
    assert.deepEqual(faults(numbers, count), { lost: 0, doubled: 0, firstLost: undefined });
    assert.deepEqual(readByStream(bytes, log), lines);
    assert.ok(stream.kills > 0);
  });
}

test(`f2b-tail reads over ${ROTATIONS} rotations by copying and truncating what the copies hold`, async (t) => {
  const folder = newFolder(t);
  const log = join(folder, "x.log");
  const writer = startWriter(t, log, "line");
  const stream = await startKilled(t, folder, [log]);
  const out = openSync(join(folder, "tail.out"), "w");
  const tail = spawn("tail", ["-n", "+1", "-F", log], { stdio: ["ignore", out, "ignore"] });
  closeSync(out);
  t.after(() => tail.kill("SIGKILL"));
  const kept = new Set<number>();
  const part = (round: number) => `${log}-${20260000000000 + round}`;
  for (let round = 0; round < ROTATIONS; round++) {
    if (round % (KEPT / 2) === 0) await stream.progress(log);
    await eventually(() => existsSync(log));
    await sleep(random(20, 60));
    copyFileSync(log, part(round));
    truncateSync(log, 0);
    for (const number of numbersIn(readFileSync(part(round), "utf8"))) kept.add(number);
    rmSync(part(round - KEPT), { force: true });
  }
  const count = await writer.stop();
  for (const number of numbersIn(readFileSync(log, "utf8"))) kept.add(number);
  const read = readTagged(await stream.stop(kept.size));
  tail.kill();
  await once(tail, "close");
  const numbers = numbersIn((read.get(log)?.lines ?? []).map((line) => `${line}\n`).join(""));
  const byTail = numbersIn(readFileSync(join(folder, "tail.out"), "utf8"));
  const { lost, doubled } = faults(numbers, count);
  const seen = new Set(numbers);
  const missed = [...kept].filter((number) => !seen.has(number)).length;
  const seenByTail = faults(byTail, count);
  t.diagnostic(
    `${count} lines, ${stream.kills} kills; in no copy: ${count - kept.size}; lost by f2b-tail: ${lost} (in a copy: ${missed}), doubled: ${doubled}; by tail -F, which was not killed: lost ${seenByTail.lost}, doubled ${seenByTail.doubled}`,
  );
  if (doubled + missed > 0) t.diagnostic(readFileSync(join(folder, "stderr"), "utf8"));
  assert.deepEqual({ doubled, missed }, { doubled: 0, missed: 0 });
});

/** The numbers of whole lines: a copy may end inside of one, and a truncated file may begin there. */
function numbersIn(text: string): readonly number[] {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.flatMap((line) => {
    const [, number] = /^line (\d+) x*$/.exec(line) ?? [];
    return number === undefined ? [] : Number(number);
  });
}

function faults(numbers: readonly number[], count: number) {
  const seen = new Map<number, number>();
  for (const number of numbers) seen.set(number, (seen.get(number) ?? 0) + 1);
  const lost = Array.from({ length: count }, (_, number) => number).filter((number) => !seen.has(number));
  const doubled = [...seen.values()].filter((times) => times > 1).length;
  return { lost: lost.length, doubled, firstLost: lost[0] };
}

function random(from: number, to: number): number {
  return from + Math.random() * (to - from);
}

function startWriter(t: TestContext, log: string, name: string) {
  const child = spawn(process.execPath, [WRITER, log, name], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let count = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    count += text;
  });
  return {
    child,
    /** Gives how many lines it has written. */
    async stop(): Promise<number> {
      child.kill();
      await once(child, "close");
      return Number(count);
    },
  };
}

/** f2b-tail into a FIFO, killed at random moments and started again. */
async function startKilled(t: TestContext, folder: string, args: readonly string[]) {
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  const input = new Socket({
    fd: openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  input.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
  });
  t.after(() => input.destroy());
  const log = openSync(join(folder, "stderr"), "a");
  let child = start();
  // Only the file that it finds at the path is known to it at first.
  await eventually(() => chunks.length > 0 && linesIn(chunks) > 0);
  let kills = 0;
  let isStopped = false;
  const killing = keepKilling();
  t.after(() => child.kill("SIGKILL"));
  return {
    get kills() {
      return kills;
    },
    /** Waits until it has written what is in the log now. */
    async progress(log: string): Promise<void> {
      await eventually(() => existsSync(log) && readFileSync(log).includes("\n"));
      const line = readFileSync(log, "utf8").split("\n").at(-2) ?? "";
      // It may have come a while ago.
      let at = Math.max(chunks.length - 1_000, 0);
      for (let wait = 0; !Buffer.concat(chunks.slice(at)).includes(`${line}\n`); wait++) {
        if (wait > 1_200) throw new Error(`never came: ${line}`);
        at = Math.max(chunks.length - 2, at);
        await sleep(50);
      }
    },
    /** Waits for so many lines, or for silence, and ends it. */
    async stop(count: number) {
      isStopped = true;
      await killing;
      for (let silent = 0, before = -1; silent < 100; silent++) {
        await sleep(100);
        if (bytes !== before) silent = 0;
        before = bytes;
        if (silent === 5 && linesIn(chunks) >= count) break;
      }
      child.kill();
      const [status] = await once(child, "close");
      assert.equal(status, 0, readFileSync(join(folder, "stderr"), "utf8"));
      return Buffer.concat(chunks);
    },
  };

  function start(): ChildProcess {
    const out = openSync(fifo, "w");
    const child = spawn(
      process.execPath,
      [program("f2b-tail"), "-v", "--from-start", "--state", join(folder, "state"), ...args],
      { stdio: ["ignore", out, log] },
    );
    closeSync(out);
    return child;
  }

  async function keepKilling(): Promise<void> {
    for (;;) {
      // At any moment, most often after it has done something: a busy machine takes long to start it.
      const before = bytes;
      const isAnyMoment = Math.random() < 0.2;
      for (let wait = 0; wait < 500 && !isAnyMoment && !isStopped && bytes === before; wait++)
        await sleep(10);
      await sleep(random(0, 500));
      if (isStopped) return;
      child.kill("SIGKILL");
      await once(child, "close");
      kills++;
      await sleep(random(0, 150));
      child = start();
    }
  }
}

function linesIn(chunks: readonly Buffer[]): number {
  return [...readTagged(Buffer.concat(chunks)).values()].reduce((sum, { lines }) => sum + lines.length, 0);
}
