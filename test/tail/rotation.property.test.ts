import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { TailModel } from "../helpers/tail-model.ts";

type Step = readonly [name: string, run: (model: TailModel) => void];

const step = (name: string, run: (model: TailModel) => void) => fc.constant<Step>([name, run]);

const ordinary = [
  fc
    .tuple(fc.integer({ min: 0, max: 30 }), fc.boolean())
    .map(([lines, isCut]): Step => [`append ${lines} ${isCut}`, (model) => model.append(lines, isCut)]),
  step("read", (model) => model.read()),
  step("take", (model) => model.take()),
  step("look", (model) => model.look()),
  step("save", (model) => model.save()),
  fc.integer({ min: 0, max: 400 }).map((less): Step => [`kill ${less}`, (model) => model.kill(less)]),
  step("start", (model) => model.start()),
];
const renaming = [
  fc.integer({ min: 0, max: 9 }).map((late): Step => [`rename ${late}`, (model) => model.rename(late)]),
  step("append late", (model) => model.appendLate()),
];

const cases = {
  "renamed, as its daemon writes on": [...ordinary, ...renaming],
  "copied and truncated": [...ordinary, step("copytruncate", (model) => model.copyTruncate())],
};

for (const [name, steps] of Object.entries(cases)) {
  test(`FileSource loses and doubles no line of a log that is ${name}, over restarts`, () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...steps), { maxLength: 40 }), (sequence) => {
        const folder = mkdtempSync(join(tmpdir(), "f2b-tail-"));
        try {
          const model = new TailModel(folder);
          for (const [, run] of sequence) run(model);
          const { read, written } = model.end();
          const byNumber = (a: string, b: string) => Number(a.split(" ")[1]) - Number(b.split(" ")[1]);
          assert.deepEqual(read.toSorted(byNumber), written, model.messages.join(""));
        } finally {
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: Number(process.env.F2B_RUNS ?? 150) },
    );
  });
}
