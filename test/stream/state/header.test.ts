import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHeader, encodeHeader, HEADER_BYTES } from "../../../src/stream/state/header.ts";

test("encodeHeader writes readable text", () => {
  assert.equal(
    encodeHeader({ seen: Date.UTC(2026, 10, 21, 12), isWhole: true }),
    '{"cmd":"state","seen":"2026-11-21T12:00:00.000Z","whole": true}\n',
  );
});

test("encodeHeader has a constant length, and decodeHeader reads it back", () => {
  const seen = fc.option(fc.integer({ min: 0, max: 253_402_300_799_999 }), { nil: undefined });
  fc.assert(
    fc.property(seen, fc.boolean(), (time, isWhole) => {
      const line = encodeHeader({ seen: time, isWhole });
      assert.equal(Buffer.byteLength(line), HEADER_BYTES);
      assert.deepEqual(decodeHeader(line), { seen: time, isWhole });
    }),
  );
});

for (const time of [-1, 1e15, Number.MAX_SAFE_INTEGER]) {
  test(`encodeHeader has the same length for the odd time ${time}`, () => {
    assert.equal(encodeHeader({ seen: time, isWhole: false }).length, HEADER_BYTES);
  });
}

for (const line of ["", "{", "null", "7", '{"cmd":"ban","ip":"192.0.2.1"}', "\0\0\0"]) {
  test(`decodeHeader refuses ${JSON.stringify(line)}`, () => {
    assert.equal(decodeHeader(line), undefined);
  });
}
