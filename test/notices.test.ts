import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { newFolder } from "./helpers/folder.ts";
import { ROOT } from "./helpers/root.ts";

let notices = "";

before(() => {
  notices = readFileSync(`${ROOT}dist/THIRD-PARTY-NOTICES`, "utf8");
});

/** Names of the packages that source maps say are in what was built: another witness than the one the notices are made from. */
function packagesInMaps(): Set<string> {
  const maps = ["bin", "chunks"].flatMap((folder) =>
    readdirSync(`${ROOT}dist/${folder}`)
      .filter((name) => name.endsWith(".js.map"))
      .map((name) => `${ROOT}dist/${folder}/${name}`),
  );
  const names = maps.flatMap((path) => {
    const { sources } = JSON.parse(readFileSync(path, "utf8")) as { sources: readonly string[] };
    return sources.map((source) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1]);
  });
  return new Set(names.filter((name) => name !== undefined));
}

/** The lines that name a package. */
function named(): string[] {
  return [...notices.matchAll(/^(\S+) (\d\S*) \(.+\)$/gm)].map(([, name = ""]) => name);
}

test("THIRD-PARTY-NOTICES names the packages whose code is in dist, and no other", () => {
  const packages = packagesInMaps();
  for (const name of ["minimist", "split2", "yaml", "zod"])
    assert.ok(packages.has(name), `${name} is bundled`);
  // The one writes helpers into the bundle, of the other's library there are pieces in gate.wasm.
  assert.deepEqual(named(), [...packages, "rolldown", "assemblyscript"].sort());
});

test("THIRD-PARTY-NOTICES holds the whole licence and notice of each package", () => {
  for (const name of named()) {
    const folder = `${ROOT}node_modules/${name}`;
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice)/i.test(file));
    assert.notEqual(files.length, 0, name);
    for (const file of files)
      assert.ok(notices.includes(readFileSync(join(folder, file), "utf8").trim()), `${name}: ${file}`);
  }
});

test("package.json ships THIRD-PARTY-NOTICES", () => {
  const { files } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { files: readonly string[] };
  assert.ok(files.includes("dist/THIRD-PARTY-NOTICES"));
});

test("notices.js refuses to build with a package without licence", (t) => {
  const folder = join(newFolder(t), "odd");
  mkdirSync(folder);
  const manifest = { name: "odd", version: "1.0.0", license: "MIT" };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const script = `import { noticesOf } from ${JSON.stringify(`${ROOT}scripts/notices.js`)}; noticesOf([${JSON.stringify(folder)}]);`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  assert.notEqual(status, 0);
  assert.match(stderr, /Error: odd: its code is in dist, and it has no licence file/);
});
