import assert from "node:assert/strict";
import { test } from "node:test";
import { TargetMap } from "../../../src/exec/decide/target-map.ts";

test("TargetMap keeps an address apart from an id of the same text, and jails apart", () => {
  const map = new TargetMap<number>();
  map.set({ jail: "sshd", id: "192.0.2.7" }, 1);
  map.set({ jail: "sshd", ip: "192.0.2.7" }, 2);
  map.set({ jail: "smtp", ip: "192.0.2.7" }, 3);
  map.set({ jail: "smtp", ip: "192.0.2.7" }, 4);
  assert.deepEqual([map.size, map.countOf("sshd"), map.countOf("smtp"), map.countOf("imap")], [3, 2, 1, 0]);
  assert.equal(map.get({ jail: "sshd", id: "192.0.2.7" }), 1);
  assert.equal(map.get({ jail: "smtp", ip: "192.0.2.7" }), 4);
  assert.deepEqual([...map.addressesOf("sshd")], [["192.0.2.7", 2]]);
  assert.deepEqual(
    [...map.targets()],
    [
      { jail: "sshd", ip: "192.0.2.7" },
      { jail: "sshd", id: "192.0.2.7" },
      { jail: "smtp", ip: "192.0.2.7" },
    ],
  );
});

test("TargetMap deletes a value once", () => {
  const map = new TargetMap<string>();
  map.set({ jail: "sshd", ip: "192.0.2.7" }, "x");
  assert.equal(map.delete({ jail: "sshd", id: "192.0.2.7" }), false);
  assert.equal(map.delete({ jail: "imap", ip: "192.0.2.7" }), false);
  assert.equal(map.delete({ jail: "sshd", ip: "192.0.2.7" }), true);
  assert.equal(map.delete({ jail: "sshd", ip: "192.0.2.7" }), false);
  assert.equal(map.size, 0);
});
