import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "./helpers/program.ts";
import { ROOT } from "./helpers/root.ts";

// Each folder of test/golden is a case: input.log, args (a line each), and what must come out: expected.ndjson and
// expected.stderr. UPDATE_GOLDEN=1 writes these anew; the difference is to be reviewed like code.

const folder = fileURLToPath(new URL("test/golden/", `file://${ROOT}`));

for (const name of readdirSync(folder).sort()) {
  const path = (file: string) => `${folder}${name}/${file}`;
  test(`golden ${name}`, async () => {
    const args = readFileSync(path("args"), "utf8").split("\n").filter(Boolean);
    const input = existsSync(path("input.log")) ? readFileSync(path("input.log")) : "";
    const { status, stdout, stderr } = await runProgram("f2b-stream", args, input);
    const told = `${stderr}status ${status}\n`;
    if (process.env.UPDATE_GOLDEN) {
      writeFileSync(path("expected.ndjson"), stdout);
      writeFileSync(path("expected.stderr"), told);
    }
    assert.equal(stdout, readFileSync(path("expected.ndjson"), "utf8"));
    assert.equal(told, readFileSync(path("expected.stderr"), "utf8"));
  });
}
