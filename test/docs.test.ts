import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./helpers/root.ts";

const DOCUMENTS = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...["docs", "docs/architecture"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];

const SOURCES = ["src", "test", "bench", "scripts", "wasm"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => `/${folder}/${name}`),
);

for (const path of DOCUMENTS) {
  const text = readFileSync(join(ROOT, path), "utf8");

  test(`${path} names source files that exist`, () => {
    const named = [...text.matchAll(/`([\w./-]+\.(?:ts|js))`/g)].map(([, name = ""]) =>
      name.replace(/^\.+\//, ""),
    );
    const missing = named.filter((name) => !SOURCES.some((source) => source.endsWith(`/${name}`)));
    assert.deepEqual(missing, []);
  });

  test(`${path} links to files that exist`, () => {
    const linked = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = ""]) => link);
    assert.deepEqual(
      linked.filter((link) => !existsSync(join(ROOT, dirname(path), link))),
      [],
    );
  });
}
