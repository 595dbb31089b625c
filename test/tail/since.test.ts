import assert from "node:assert/strict";
import { closeSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lineTimes, offsetOfTime } from "../../src/tail/since.ts";
import { newFolder } from "../helpers/folder.ts";

test("offsetOfTime finds the first line that is not before a time", (t) => {
  const path = join(newFolder(t), "x.log");
  const step = fc.record({
    later: fc.integer({ min: 0, max: 3 }),
    length: fc.integer({ min: 0, max: 300 }),
    isDated: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 60 }), (steps, time) => {
      let now = 0;
      let text = "";
      let wanted: number | undefined;
      for (const { later, length, isDated } of steps) {
        now += later;
        if (isDated && now >= time) wanted ??= text.length;
        text += `${isDated ? `t${now}` : ""} ${"x".repeat(length)}\n`;
      }
      writeFileSync(path, `${text}unfinished`);
      const fd = openSync(path, "r");
      const timeOf = (line: string) => {
        const [, digits] = /^t(\d+) /.exec(line) ?? [];
        return digits === undefined ? undefined : Number(digits);
      };
      const found = offsetOfTime(fd, statSync(path).size, time, timeOf);
      closeSync(fd);
      assert.equal(found, wanted ?? text.length);
    }),
  );
});

test("lineTimes reads the time of a header, of an entry, or the date in a line", () => {
  const timeOf = lineTimes(Date.UTC(2026, 10, 29));
  const at = Date.UTC(2026, 10, 28, 7, 8, 9);
  assert.equal(timeOf("2026-11-28T07:08:09Z gw sshd[1]: x"), at);
  assert.equal(timeOf('192.0.2.1 - - [28/Nov/2026:07:08:09 +0000] "GET / HTTP/1.1" 200'), at);
  assert.equal(timeOf(`{"__CURSOR":"c","__REALTIME_TIMESTAMP":"${at}000","MESSAGE":"x"}`), at);
  assert.equal(timeOf("no date"), undefined);
});
