import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { isCompressed, namesBefore, oldParts } from "../../src/tail/old-parts.ts";
import { expand, filePattern } from "../../src/tail/patterns.ts";
import { newFolder } from "../helpers/folder.ts";

test("expand finds files, in folders that match too, and no hidden ones", (t) => {
  const folder = newFolder(t);
  for (const name of ["a", "b"]) mkdirSync(join(folder, name));
  for (const name of ["a/x.log", "b/x.log", "b/y.log", "b/.z.log", "b/x.log.1"])
    writeFileSync(join(folder, name), "");
  const expanded = (pattern: string) =>
    expand(filePattern(join(folder, pattern))).paths.map((path) => path.slice(folder.length + 1));
  assert.deepEqual(expanded("*/x.log"), ["a/x.log", "b/x.log"]);
  assert.deepEqual(expanded("b/*"), ["b/x.log", "b/y.log"]);
  assert.deepEqual(expanded("b/[y-z].log"), ["b/y.log"]);
  assert.deepEqual(expanded("b/.*"), ["b/.z.log"]);
  assert.deepEqual(expanded("nosuch/*"), []);
});

test("filePattern takes a file that is named like a pattern for a file", (t) => {
  const folder = newFolder(t);
  writeFileSync(join(folder, "a[1].log"), "");
  assert.equal(filePattern(join(folder, "a[1].log")).isGlob, false);
  assert.equal(filePattern(join(folder, "a[2].log")).isGlob, true);
});

const names = [
  { name: "x.log.1", before: ["x.log"] },
  { name: "x.log-20261129", before: ["x.log"] },
  { name: "x.log-20261129-1795910400", before: ["x.log"] },
  { name: "x.log.2026-11-29", before: ["x.log"] },
  { name: "x.log.old", before: ["x.log"] },
  { name: "x.log", before: [] },
  { name: "app-2026-11-29.log", before: [] },
  { name: "vhost2.log", before: [] },
];

for (const { name, before } of names) {
  test(`namesBefore: ${name}`, () => {
    assert.ok(before.every((each) => namesBefore(name).includes(each)));
    if (before.length === 0) assert.deepEqual(namesBefore(name), []);
  });
}

test("isCompressed knows compressed files by their names", () => {
  assert.deepEqual(["x.gz", "x.zst", "x.xz", "x.bz2", "x.log", "gz"].map(isCompressed), [
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("oldParts gives the oldest first, by number or by date", (t) => {
  const parts = (names: readonly string[]) => {
    const folder = newFolder(t);
    for (const name of [...names, "x.log", "x.log.9.gz", "y.log.1", "x.logger"])
      writeFileSync(join(folder, name), "");
    return oldParts(join(folder, "x.log")).map(({ path }) => basename(path));
  };
  assert.deepEqual(parts(["x.log.1", "x.log.10", "x.log.2"]), ["x.log.10", "x.log.2", "x.log.1"]);
  assert.deepEqual(parts(["x.log-20261129", "x.log-20261127"]), ["x.log-20261127", "x.log-20261129"]);
});
