import assert from "node:assert/strict";
import { test } from "node:test";
import { BacktrackingSimulator } from "../src/python/analyse/backtracking-simulator.ts";
import { compileJails } from "../src/stream/jail/compile-jails.ts";
import { RulesFolder } from "./helpers/rules.ts";
import {
  type Line,
  LineCost,
  matchingLines,
  searchWorst,
  unrelatedLines,
  written,
} from "./helpers/worst-line.ts";
import { jailsNamed } from "./helpers/worst-rules.ts";

// make worst goes on for minutes and counts CPU time; here steps are counted, which are the same on every machine.

const MAX_LINE = 1000;

test("searchWorst finds the line that a quadratic pattern takes long for, and not for one that is linear", async () => {
  const folder = new RulesFolder();
  const jailsWith = async (failregex: string) => {
    const { jails } = await folder.load([
      `jails:\n  a:\n    identifier: [a]\n    failregex: '${failregex}'\n`,
    ]);
    return compileJails(jails);
  };
  const stepsOf = async (failregex: string) => {
    const jails = await jailsWith(failregex);
    const counter = new BacktrackingSimulator(
      jails[0]?.filter.failregex[0]?.pattern.tree as ConstructorParameters<typeof BacktrackingSimulator>[0],
    );
    const costOf = ({ body }: Line) => counter.search(`${body}\n`, 10_000_000).steps;
    const { cost, line, tried } = searchWorst(jails, ["file", "journal"], {
      costOf,
      seed: 1,
      goesOn: (count) => count < 400,
      maxLine: MAX_LINE,
    });
    assert.equal(tried, 400);
    assert.ok(Buffer.byteLength(written(line, 0)) <= MAX_LINE);
    return cost;
  };
  try {
    assert.ok((await stepsOf("^bad: (?:x+)*y? from <ADDR>$")) > 100 * MAX_LINE, "a loop in a loop");
    assert.ok((await stepsOf("^bad: .*x.*z from <ADDR>$")) > 50 * MAX_LINE, "two loops that take the same");
    assert.ok((await stepsOf("^bad: [^ ]* from <ADDR>$")) < 20 * MAX_LINE, "one loop");
  } finally {
    folder.remove();
  }
});

test("LineCost measures bundled rules with the lines that they match, and others", async () => {
  const jails = await jailsNamed("sshd");
  const lines = matchingLines(jails, ["file", "journal"]);
  assert.ok(lines.length > 4, `${lines.length} lines`);
  for (const few of [lines.filter(({ way }) => way === "file"), unrelatedLines(["journal"])])
    assert.ok(new LineCost(jails).of(few, 1) > 0);
});
