import assert from "node:assert/strict";
import { appendFileSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { atOffset, Generation } from "../../src/tail/generation.ts";
import { newFolder } from "../helpers/folder.ts";

const MAX_LINE = 20;

/** A file, and a reader of it with room for 64 bytes. */
function open(t: TestContext, text: string, hasHole = false) {
  const path = join(newFolder(t), "x.log");
  writeFileSync(path, text);
  let dropped = 0;
  const from = atOffset("8:1", 0, hasHole);
  const generation = new Generation(openSync(path, "r"), "8:1", from, MAX_LINE, () => {
    dropped++;
  });
  t.after(() => generation.close());
  const buffer = Buffer.alloc(64);
  return {
    path,
    generation,
    dropped: () => dropped,
    /** The next lines, taken; or why there are none. */
    read(): string {
      for (;;) {
        const reading = generation.read(buffer);
        if (reading === "begun") continue;
        if (typeof reading === "string") return reading;
        const text = `${reading.at.offset}:${reading.bytes.toString()}`;
        generation.take(reading);
        return text;
      }
    },
  };
}

test("Generation gives whole lines, with their offsets", (t) => {
  const { read, path } = open(t, "one\ntwo\nthr");
  assert.equal(read(), "0:one\ntwo\n");
  assert.equal(read(), "nothing");
  appendFileSync(path, "ee");
  assert.equal(read(), "nothing");
  appendFileSync(path, "\nfour\n");
  assert.equal(read(), "8:three\nfour\n");
  assert.equal(read(), "nothing");
});

test("Generation gives as many lines as fit", (t) => {
  const { read } = open(t, `${"a".repeat(15)}\n`.repeat(6));
  assert.equal(read(), `0:${`${"a".repeat(15)}\n`.repeat(4)}`);
  assert.equal(read(), `64:${`${"a".repeat(15)}\n`.repeat(2)}`);
});

test("Generation drops a line that is too long, and goes on after it", (t) => {
  const { read, dropped } = open(t, `one\n${"x".repeat(21)}\ntwo\n${"y".repeat(500)}\nthree\n`);
  assert.equal(read(), "0:one\n");
  assert.equal(read(), "26:two\n");
  assert.equal(read(), "531:three\n");
  assert.equal(dropped(), 2);
});

test("Generation drops a line that becomes too long as it grows, and remembers that", (t) => {
  const { read, path, generation, dropped } = open(t, "one\n");
  read();
  appendFileSync(path, "x".repeat(15));
  assert.equal(read(), "nothing");
  appendFileSync(path, "x".repeat(15));
  assert.equal(read(), "nothing");
  assert.equal(dropped(), 1);
  assert.equal(generation.mark.isSkipping, true);
  appendFileSync(path, "x\ntwo\n");
  assert.equal(read(), "36:two\n");
  assert.equal(generation.mark.isSkipping, false);
});

test("Generation's mark is what was taken", (t) => {
  const { generation } = open(t, "one\ntwo\n");
  const lines = generation.read(Buffer.alloc(64));
  assert.equal(generation.mark.offset, 0);
  assert.ok(typeof lines !== "string");
  generation.take(lines);
  assert.equal(generation.mark.offset, 8);
});

test("Generation tells that a file is shorter than it was", (t) => {
  const { read, path } = open(t, "one\ntwo\n");
  read();
  truncateSync(path, 4);
  assert.equal(read(), "replaced");
});

test("Generation tells that a file begins with other bytes, however long it is", (t) => {
  const { read, path } = open(t, "one\ntwo\n");
  read();
  writeFileSync(path, "another one\nand two\nand three\n");
  assert.equal(read(), "replaced");
});

test("Generation passes the hole that a writer leaves who goes on where he was", (t) => {
  const { read } = open(t, `${"\0".repeat(1000)}one\ntwo\n`, true);
  assert.equal(read(), "1000:one\ntwo\n");
});

test("Generation gives the unfinished line when no more comes", (t) => {
  const { read, generation } = open(t, "one\ntwo");
  read();
  read();
  assert.deepEqual(generation.readUnfinished(), {
    at: { place: generation.mark.place, offset: 4 },
    bytes: Buffer.from("two"),
  });
});
