import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { ROOT } from "./helpers/root.ts";

interface Packed {
  readonly entryCount: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed;
let paths: ReadonlySet<string>;

before(() => {
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  [packed] = JSON.parse(stdout.toString()) as [Packed];
  paths = new Set(packed.files.map(({ path }) => path));
});

test("the npm package holds what runs: under 60 files, under 1.25 MiB", () => {
  assert.ok(packed.entryCount < 60, `${packed.entryCount} files`);
  assert.ok(packed.unpackedSize < 1.25 * 1024 * 1024, `${packed.unpackedSize} bytes`);
});

test("the npm package has the programs, all that they load, the manuals and the rules", () => {
  const { bin, man } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as {
    bin: Readonly<Record<string, string>>;
    man: readonly string[];
  };
  const loaded = [...paths]
    .filter((path) => path.endsWith(".js"))
    .flatMap((path) => {
      const text = readFileSync(ROOT + path, "utf8");
      return [...text.matchAll(/["'`](?:\.\.\/chunks|\.)\/([\w-]+\.js)["'`]/g)].map(
        ([, name]) => `dist/chunks/${name}`,
      );
    });
  assert.ok(loaded.length > 0);
  const wanted = [
    ...Object.values(bin),
    ...man,
    ...loaded,
    "dist/gate.wasm",
    "dist/rules.json",
    "rules/sshd.yaml",
  ];
  assert.deepEqual(
    wanted.filter((path) => !paths.has(path)),
    [],
  );
});

test("the npm package holds no sources, tests or maps", () => {
  assert.deepEqual(
    [...paths].filter((path) => /\.(?:map|ts)$|^(?:src|test|bench|dist\/(?:src|test|bench))\//.test(path)),
    [],
  );
});
