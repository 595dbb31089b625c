import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./helpers/root.ts";

/** What the check says of a copy of the package into which files were put, by path. */
function check(planted: Readonly<Record<string, string>>): { status: number | null; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), "f2b-import-order-"));
  try {
    cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
    cpSync(join(ROOT, "docs/ARCHITECTURE.md"), join(folder, "docs/ARCHITECTURE.md"), { recursive: true });
    for (const [path, text] of Object.entries(planted)) writeFileSync(join(folder, path), text);
    const script = join(ROOT, "scripts/import-order.js");
    const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
    return { status, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("imports go only upwards in the table of rooms", () => {
  assert.deepEqual(check({}), { status: 0, stderr: "" });
});

test("the check finds an import against the order", () => {
  const { status, stderr } = check({ "src/shared/planted.ts": 'import "../stream/engine.ts";\n' });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^import-order: src\/shared\/planted\.ts imports src\/stream\/engine\.ts, against the order/m,
  );
});

test("the check finds a circle of files", () => {
  const { status, stderr } = check({
    "src/shared/a.ts": 'import type { B } from "./b.ts";\n',
    "src/shared/b.ts": 'export type { A as B } from "./c.ts";\n',
    "src/shared/c.ts": 'const a = await import("./a.ts");\n',
  });
  assert.equal(status, 1);
  assert.equal(
    stderr,
    "import-order: circle: src/shared/a.ts -> src/shared/b.ts -> src/shared/c.ts -> src/shared/a.ts\n",
  );
});

test("the check finds a file that is in no room", () => {
  const { status, stderr } = check({ "src/planted.ts": "export {};\n" });
  assert.equal(status, 1);
  assert.match(stderr, /src\/planted\.ts is in no room of the table/);
});
