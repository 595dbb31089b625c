import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mark } from "../../src/tail/generation.ts";
import { Registry } from "../../src/tail/registry.ts";

const mark = (n: number) => ({ id: `8:${n}` }) as Mark;

test("Registry remembers the last 256 files", () => {
  const registry = new Registry(Array.from({ length: 300 }, (_, n) => mark(n)));
  assert.equal(registry.read.length, 256);
  assert.equal(registry.readBefore("8:43"), undefined);
  assert.deepEqual(registry.readBefore("8:44"), mark(44));
  registry.remember(mark(44));
  registry.remember(mark(300));
  assert.deepEqual(registry.readBefore("8:44"), mark(44));
  assert.equal(registry.readBefore("8:45"), undefined);
});
