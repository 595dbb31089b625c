import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgressLine } from "../../src/cli/progress-line.ts";

function written(isTTY: boolean): string {
  let text = "";
  const stderr = {
    isTTY,
    write: (part: string) => {
      text += part;
      return true;
    },
  };
  const line = new ProgressLine(stderr as NodeJS.WriteStream);
  for (const shown of ["1 of 2", "1 of 2", "2 of 2"]) line.show(shown);
  line.end();
  line.end();
  return text;
}

test("ProgressLine overwrites its line, and erases it at the end", () => {
  assert.equal(written(true), "\r1 of 2\r2 of 2\r\x1b[K");
});

test("ProgressLine writes nothing where stderr is no terminal", () => {
  assert.equal(written(false), "");
});
