import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { internalError } from "../../src/cli/program.ts";
import { version } from "../../src/cli/version.ts";

test("internalError says what happened, line by line and escaped, and what to do", () => {
  const error = new TypeError("x\x1b[31m");
  error.stack = "TypeError: x\x1b[31m\n    at read (input.ts:1:1)";
  assert.equal(
    internalError("f2b-exec", "1.2.3", error),
    "f2b-exec: internal error: TypeError: x\\x1b[31m\n" +
      "    at read (input.ts:1:1)\n" +
      "f2b-exec: hint: this is a bug in f2b-exec: please report these lines with the version, 1.2.3\n",
  );
  assert.match(internalError("f2b-exec", "1.2.3", "a text"), /^f2b-exec: internal error: a text\n/);
});

test("runProgram exits with 70 on an exception that nothing catches, rejected or thrown", () => {
  const program = new URL("../../src/cli/program.js", import.meta.url).href;
  for (const fault of [
    "throw new Error('oops')",
    "setImmediate(() => { throw new Error('oops') }); return 0",
  ]) {
    const script = `import { runProgram } from ${JSON.stringify(program)};
      await runProgram("f2b-test", async () => { ${fault} });`;
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.equal(ran.status, 70, ran.stderr);
    assert.match(ran.stderr, /^f2b-test: internal error: Error: oops\n/);
    assert.ok(ran.stderr.endsWith(`report these lines with the version, ${version()}\n`), ran.stderr);
  }
});
