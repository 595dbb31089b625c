import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_COMMAND_BYTES } from "../../../src/protocol/command.ts";
import { LineCutter } from "../../../src/stream/state/line-cutter.ts";

/** What a cutter makes of bytes that come in pieces, which are overwritten when they have been used. */
function cut(bytes: Buffer, ends: readonly number[]): { lines: (string | undefined)[]; cutter: LineCutter } {
  const cutter = new LineCutter();
  const lines: (string | undefined)[] = [];
  const places = [...new Set([...ends, bytes.length])].sort((a, b) => a - b);
  let start = 0;
  for (const end of places) {
    const piece = Buffer.from(bytes.subarray(start, end));
    for (const line of cutter.push(piece)) {
      lines.push(line.bytes?.toString("latin1"));
      assert.equal(bytes[line.offset - 1] ?? 10, 10, "a line begins behind another");
    }
    piece.fill(0);
    start = end;
  }
  return { lines, cutter };
}

test("LineCutter gives the same lines however the bytes are cut, and knows where the last one ends", () => {
  const byte = fc.constantFrom(10, 97, 98);
  const property = fc.property(
    fc.array(byte, { maxLength: 60 }),
    fc.array(fc.nat(60), { maxLength: 8 }),
    (bytes, cuts) => {
      const all = Buffer.from(bytes);
      const { lines, cutter } = cut(
        all,
        cuts.filter((at) => at <= all.length),
      );
      const expected = all.toString("latin1").split("\n");
      const torn = expected.pop() ?? "";
      assert.deepEqual(lines, expected);
      assert.deepEqual([cutter.end, cutter.torn], [all.length - torn.length, torn.length]);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

for (const length of [MAX_COMMAND_BYTES - 1, MAX_COMMAND_BYTES, 3 * MAX_COMMAND_BYTES]) {
  test(`LineCutter ${length < MAX_COMMAND_BYTES ? "takes" : "skips"} a line of ${length} bytes`, () => {
    const bytes = Buffer.from(`a\n${"x".repeat(length)}\nb\n`);
    const { lines } = cut(
      bytes,
      [5, MAX_COMMAND_BYTES, 2 * MAX_COMMAND_BYTES].filter((at) => at < bytes.length),
    );
    const expected = length < MAX_COMMAND_BYTES ? "x".repeat(length) : undefined;
    assert.deepEqual(lines, ["a", expected, "b"]);
  });
}
