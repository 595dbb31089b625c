import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FileInput } from "../../../src/stream/input/file-input.ts";
import { newFolder } from "../../helpers/folder.ts";

/** Bytes that are nowhere the same for long. */
function someBytes(length: number): Buffer {
  return Buffer.from(
    Uint32Array.from({ length: Math.ceil(length / 4) }, (_, n) => n * 2654435761).buffer,
  ).subarray(0, length);
}

/** What an input gives, in chunks; every `pausing`-th is followed by a pause. */
function read(t: TestContext, bytes: Buffer, pausing = Number.POSITIVE_INFINITY): Promise<readonly Buffer[]> {
  const path = join(newFolder(t), "log");
  writeFileSync(path, bytes);
  const file = openSync(path, "r");
  t.after(() => closeSync(file));
  const input = new FileInput(file);
  const chunks: Buffer[] = [];
  let isPaused = false;
  return new Promise((resolve, reject) => {
    input.on("data", (chunk) => {
      if (isPaused) reject(new Error("given while paused"));
      chunks.push(Buffer.from(chunk));
      if (chunks.length % pausing !== 0) return;
      isPaused = true;
      input.pause();
      setImmediate(() => {
        isPaused = false;
        input.resume();
      });
    });
    input.on("end", () => resolve(chunks));
    input.on("error", reject);
  });
}

for (const length of [0, 1, 262_144, 1_048_576, 5_000_001]) {
  test(`FileInput gives the ${length} bytes of a file, in chunks of 256 KiB at most`, async (t) => {
    const bytes = someBytes(length);
    for (const pausing of [undefined, 1, 3]) {
      const chunks = await read(t, bytes, pausing);
      assert.ok(Buffer.concat(chunks).equals(bytes));
      assert.ok(chunks.every((chunk) => chunk.length > 0 && chunk.length <= 262_144));
    }
  });
}

test("FileInput reads two buffers ahead at most", async (t) => {
  const path = join(newFolder(t), "log");
  writeFileSync(path, someBytes(12_000_000));
  const file = openSync(path, "r");
  t.after(() => closeSync(file));
  const input = new FileInput(file);
  let given = 0;
  let furthest = 0;
  await new Promise<void>((resolve, reject) => {
    input.on("data", async (chunk) => {
      const buffer = Math.floor(given / 1_048_576);
      given += chunk.length;
      input.pause();
      await sleep(1);
      const ahead = positionOf(file) - buffer * 1_048_576;
      furthest = Math.max(furthest, ahead);
      if (ahead > 2_097_152) reject(new Error(`has read ${ahead} bytes`));
      input.resume();
    });
    input.on("end", resolve);
  });
  assert.equal(given, 12_000_000);
  assert.equal(furthest, 2_097_152);
});

/** Where an open file is read from next. */
function positionOf(file: number): number {
  return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, "latin1"))?.[1]);
}

test("FileInput gives nothing more when it was destroyed", async (t) => {
  const path = join(newFolder(t), "log");
  writeFileSync(path, someBytes(3_000_000));
  const file = openSync(path, "r");
  const input = new FileInput(file);
  let chunks = 0;
  await new Promise<void>((resolve) => {
    input.on("data", () => {
      chunks++;
      input.destroy();
      setTimeout(resolve, 20);
    });
  });
  assert.equal(chunks, 1);
  closeSync(file);
});

test("FileInput tells an error of the file", async () => {
  const input = new FileInput(openSync("/", "r"));
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => input.on("error", resolve));
  assert.equal(error.code, "EISDIR");
});
