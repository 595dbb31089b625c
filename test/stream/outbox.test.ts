import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../src/stream/outbox.ts";

test("Outbox gives what was written, in order, in pieces of whole lines", () => {
  const outbox = new Outbox();
  assert.equal(outbox.take(), "");
  const lines = Array.from({ length: 5000 }, (_, n) => `${n} ${"x".repeat(1000)}\n`);
  for (const line of lines) outbox.write(line);
  const pieces: string[] = [];
  for (let piece = outbox.take(); piece !== ""; piece = outbox.take()) pieces.push(piece);
  assert.equal(pieces.join(""), lines.join(""));
  assert.equal(pieces.length, 5);
  assert.ok(pieces.every((piece) => piece.endsWith("\n") && piece.length < 1_100_000));
  outbox.write("and on\n");
  assert.equal(outbox.take(), "and on\n");
});
