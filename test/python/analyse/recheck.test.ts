import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { check } from "recheck";
import { findBacktracking } from "../../../src/python/analyse/backtracking.ts";
import { emitPattern } from "../../../src/python/emit/emit.ts";
import { bundledPatterns } from "../../helpers/hostile.ts";
import { ROOT } from "../../helpers/root.ts";

// What recheck says of the bundled patterns. It takes seconds for each, so its answers are kept, by what they are about: a pattern
// that is not among them is checked anew, and UPDATE_RECHECK=1 keeps the answers to the patterns of today.

const FILE = `${ROOT}test/fixtures/recheck.json`;

/** How a pattern's time grows with a text made to hurt it. */
type Answer = "linear" | "polynomial 2" | "unknown" | "too slow";

const kept: Readonly<Record<string, Answer>> = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};
const answers: Record<string, Answer> = {};

for (const { name, pattern } of await bundledPatterns()) {
  const { source } = emitPattern(pattern.tree, "ascii", "names");
  test(`${name} is quadratic at most, and anchored`, async () => {
    const answer = await ask(source);
    assert.notEqual(answer, "too slow");
    assert.equal(findBacktracking(pattern.tree), undefined);
    assert.match(source, /^\^/);
  });
}

test("recheck tells an exponential and a cubic pattern", async () => {
  assert.equal(await ask("^(?:a|a)*$"), "too slow");
  assert.equal(await ask("^a*a*a*$"), "too slow");
});

after(() => {
  if (process.env.UPDATE_RECHECK) writeFileSync(FILE, `${JSON.stringify(answers, undefined, 2)}\n`);
});

async function ask(source: string): Promise<Answer> {
  const key = createHash("sha256").update(source).digest("hex");
  const answer = kept[key] ?? (await answerOf(source));
  answers[key] = answer;
  return answer;
}

async function answerOf(source: string): Promise<Answer> {
  const found = await check(source, "", { timeout: 10_000 });
  if (found.status === "unknown") return "unknown";
  if (found.status === "safe") return "linear";
  return found.complexity.type === "polynomial" && found.complexity.degree <= 2 ? "polynomial 2" : "too slow";
}
