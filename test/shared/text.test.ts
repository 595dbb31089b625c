import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8 } from "../../src/shared/text.ts";

test("decodeUtf8 reads what Buffer.toString reads, of any bytes and any length", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom("é", "漢", "😀", "\ufeff", "a").map((text) => Buffer.from(text)),
  );
  const pieces = fc.array(fc.tuple(piece, fc.constantFrom(1, 2, 700)), { maxLength: 6 });
  fc.assert(
    fc.property(pieces, fc.nat(3), fc.nat(3), (all, from, less) => {
      const bytes = Buffer.concat(all.flatMap(([part, times]) => Array<Buffer>(times).fill(part)));
      const end = Math.max(0, bytes.length - less);
      assert.equal(decodeUtf8(bytes, from, end), bytes.toString("utf8", from, end));
    }),
    { numRuns: 500 },
  );
});
