import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { forPeople, MAX_WAITING } from "../../src/cli/stderr.ts";

/** A stderr whose reader has stopped until `goOn`. */
class Stopped extends Writable {
  readonly taken: string[] = [];
  #done: (() => void) | undefined;
  #isGoing = false;

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.taken.push(chunk.toString());
    if (this.#isGoing) done();
    else this.#done = done;
  }

  async goOn(): Promise<void> {
    this.#isGoing = true;
    this.#done?.();
    while (this.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("forPeople drops messages while 16 MiB wait, and writes how many", async () => {
  const stderr = new Stopped();
  const write = forPeople("test", stderr);
  const line = `${"x".repeat(65_535)}\n`;
  for (let n = 0; n < 300; n++) write(line);
  assert.ok(stderr.writableLength > MAX_WAITING && stderr.writableLength <= MAX_WAITING + line.length);
  await stderr.goOn();
  write("and on\n");
  await stderr.goOn();
  assert.deepEqual(stderr.taken.slice(-2), [
    "test: warning: 43 messages dropped: stderr was not read\n",
    "and on\n",
  ]);
  assert.equal(stderr.taken.length, 257 + 2);
});

test("forPeople survives a reader that is gone", async () => {
  const stderr = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const write = forPeople("test", stderr);
  for (let n = 0; n < 3; n++) {
    write("line\n");
    await new Promise((resolve) => setImmediate(resolve));
  }
});
