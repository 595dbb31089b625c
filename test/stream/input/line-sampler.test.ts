import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineSampler } from "../../../src/stream/input/line-sampler.ts";

/** The samples of an input that comes in these chunks. */
function samples(chunks: readonly Buffer[]): string[] {
  const taken: string[] = [];
  const sampler = new LineSampler((line) => taken.push(line.toString("latin1")));
  for (const chunk of chunks) sampler.push(chunk);
  return taken;
}

/** So many numbered lines of `length` bytes each, newline included. */
function numbered(count: number, length: number): Buffer {
  return Buffer.from(
    Array.from({ length: count }, (_, n) => `${String(n).padStart(length - 1, "0")}\n`).join(""),
  );
}

test("LineSampler takes the first line and then one behind each 4096 bytes", () => {
  assert.deepEqual(samples([numbered(130, 100)]).map(Number), [0, 42, 84, 126]);
});

test("LineSampler takes a line each 256 KiB when it has taken 64", () => {
  const taken = samples([numbered(20_000, 100)]).map(Number);
  assert.deepEqual(taken.slice(62, 67), [
    62 * 42,
    63 * 42,
    63 * 42 + 2623,
    63 * 42 + 2 * 2623,
    63 * 42 + 3 * 2623,
  ]);
});

test("LineSampler takes no line of more than 4096 bytes, nor one that has no end", () => {
  const line = (length: number) => `${"x".repeat(length)}\n`;
  assert.deepEqual(samples([Buffer.from(line(4096))]), ["x".repeat(4096)]);
  const long = Buffer.from(`${line(4097)}short\n${line(4097)}unended`);
  assert.deepEqual(
    samples([long]),
    [],
    "the short one is no sample: it stands less than 4096 bytes behind one",
  );
});

test("LineSampler takes the same lines however the input is cut", () => {
  const length = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.integer({ min: 4000, max: 9000 }));
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(length, { maxLength: 300, size: "max" }), cuts, (lengths, places) => {
      const input = Buffer.from(lengths.map((n, at) => `${String(at).padStart(n, " ")}\n`).join(""));
      const ends = [...new Set(places.map((place) => place % (input.length + 1)))].sort((a, b) => a - b);
      const chunks = [0, ...ends].map((start, n) => input.subarray(start, ends[n] ?? input.length));
      assert.deepEqual(samples(chunks), samples([input]));
    }),
    { numRuns: 100 },
  );
});
