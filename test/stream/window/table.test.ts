import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JailKeys, keyOf } from "../../../src/stream/window/key.ts";
import { NONE, Table } from "../../../src/stream/window/table.ts";

test("Table agrees with a map, however rows come and go", () => {
  const step = fc.record({ name: fc.nat(400), isDeleted: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000, size: "max" }), (steps) => {
      const table = new Table({ maxRows: 10_000, words: 2 });
      const model = new Map<number, number>();
      for (const [turn, { name, isDeleted }] of steps.entries()) {
        const key = keyOf(`192.0.2.${name % 256}/${name < 256 ? 32 : 31}`);
        const row = table.find(key);
        if (isDeleted && row !== NONE) table.delete(row);
        if (isDeleted) model.delete(key.a * 64 + key.kind);
        else {
          table.set(row === NONE ? table.insert(key) : row, 1, turn);
          model.set(key.a * 64 + key.kind, turn);
        }
        assert.equal(table.size, model.size);
      }
      for (let name = 0; name <= 400; name++) {
        const key = keyOf(`192.0.2.${name % 256}/${name < 256 ? 32 : 31}`);
        const row = table.find(key);
        assert.equal(row === NONE ? undefined : table.get(row, 1), model.get(key.a * 64 + key.kind));
      }
    }),
    { numRuns: 50 },
  );
});

test("Table keeps many rows through growth and deletion", () => {
  const table = new Table({ maxRows: 50_000, words: 1 });
  const key = (n: number) => keyOf(`2001:db8:${(n >> 16).toString(16)}:${(n & 65535).toString(16)}::/64`);
  for (let n = 0; n < 50_000; n++) table.set(table.insert(key(n)), 0, n);
  for (let n = 0; n < 50_000; n += 3) table.delete(table.find(key(n)));
  for (let n = 0; n < 50_000; n++) {
    const row = table.find(key(n));
    if (n % 3 === 0) assert.equal(row, NONE);
    else assert.equal(table.get(row, 0), n);
  }
});

test("Table gives a new row words of zero, though another had it before", () => {
  const table = new Table({ maxRows: 1, words: 2 });
  const row = table.insert(keyOf("a"));
  table.set(row, 0, -1);
  table.set(row, 1, 0xffffffff);
  assert.equal(table.get(row, 1), -1);
  table.delete(row);
  assert.equal(table.insert(keyOf("b")), row);
  assert.deepEqual([table.get(row, 0), table.get(row, 1)], [0, 0]);
});

test("Table victim is the highest of the few next in turn, free rows left out", () => {
  const table = new Table({ maxRows: 20, words: 1 });
  const rows = Array.from({ length: 20 }, (_, n) => table.insert(keyOf(`192.0.2.${n}`)));
  for (const row of rows) if (row % 2 === 1) table.delete(row);
  const seen: number[] = [];
  const rank = (row: number) => {
    seen.push(row);
    return row % 8;
  };
  assert.equal(table.victim(rank), 6);
  assert.deepEqual(seen.splice(0), [0, 2, 4, 6, 8, 10, 12, 14]);
  assert.equal(table.victim(rank), 6);
  assert.deepEqual(seen, [16, 18, 0, 2, 4, 6, 8, 10]);
  assert.equal(new Table({ maxRows: 1, words: 1 }).victim(rank), NONE);
});

const distinct = [
  "192.0.2.1",
  "192.0.2.1/31",
  "192.0.2.0/24",
  "2001:db8::",
  "2001:db8::/64",
  "2001:db8:0:0:1::/80",
  "::c000:201",
  "id 192.0.2.1",
  "id x",
  "",
];

test("keyOf tells subjects apart, whatever their kind and jail", () => {
  const jails = new JailKeys();
  const keys = distinct.flatMap((name) => [keyOf(name), jails.of("web", name), jails.of("mail", name)]);
  assert.equal(new Set(keys.map((key) => JSON.stringify(key))).size, keys.length);
  assert.deepEqual(keyOf("192.0.2.1"), { a: 0xc0000201 | 0, b: 0, c: 0, d: 0, kind: 32 });
  assert.deepEqual(keyOf("2001:db8::/64"), { a: 0x20010db8, b: 0, c: 0, d: 0, kind: 128 });
  assert.deepEqual(keyOf("2001:db8::ffff:0:1"), { a: 0x20010db8, b: 0, c: 0xffff, d: 1, kind: 192 });
  assert.deepEqual(jails.all("id x"), [jails.of("web", "id x"), jails.of("mail", "id x")]);
});
