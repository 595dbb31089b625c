import { type ChildProcess, fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { printable } from "../src/cli/report.ts";
import { cpuTime } from "./helpers/hostile.ts";
import {
  type Line,
  LineCost,
  matchingLines,
  type Searched,
  searchWorst,
  unrelatedLines,
  type Way,
  written,
} from "./helpers/worst-line.ts";
import { isBundled, jailsNamed, ruleNames } from "./helpers/worst-rules.ts";

// make worst: for each bundled rule, and for ten of fail2ban's, the line that costs most, of all that ten minutes of search find.
// F2B_WORST_MINUTES says how many minutes of CPU each is given, F2B_WORST_RULES which (their names, separated by semicolons), F2B_WORST_SEED
// which lines are tried, F2B_WORST_LINES a folder that gets each line in a file of its rule's name. A table as Markdown on stdout; status 1 if a bundled rule misses a target.

/** Microseconds for a line of an ordinary log, and for any line. */
const ORDINARY = 20;
const HOSTILE = 2000;
const WORKERS = 2;
const WAYS: readonly Way[] = ["file", "journal"];
const SHOWN = 100;

const minutes = Number(process.env.F2B_WORST_MINUTES ?? 10);
const seed = Number(process.env.F2B_WORST_SEED ?? 1);
const folder = process.env.F2B_WORST_LINES;

/** What was found of one rule. */
interface Row {
  readonly name: string;
  readonly matching: number;
  readonly unrelated: number;
  readonly worst: Searched;
  readonly givenUp: boolean;
}

if (process.argv[2] === undefined) await searchAll();
else process.send?.(await search(process.argv[2]));

async function searchAll(): Promise<void> {
  const wanted = process.env.F2B_WORST_RULES?.split(";").map((name) => name.trim());
  const names = (await ruleNames()).filter((name) => wanted?.includes(name) ?? true);
  process.stdout.write(
    `${minutes} minutes of CPU each, seed ${seed}; µs of CPU a line: of a line that matches, of an unrelated entry, of the worst line\n\n` +
      "| rule | matching | unrelated | worst | bytes | lines tried | the worst line | verdict |\n" +
      "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n",
  );
  const left = [...names];
  const work = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) tell(await inProcess(name));
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

/** Each rule in a process of its own, so that none is slowed down by what another has left behind. */
function inProcess(name: string): Promise<Row> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [name]);
  return new Promise((resolve, reject) => {
    child.once("message", (row) => resolve(row as Row));
    child.once("exit", (status) => reject(new Error(`${name}: ended with status ${status}`)));
  });
}

async function search(name: string): Promise<Row> {
  const jails = await jailsNamed(name);
  const cost = new LineCost(jails);
  const end = cpuTime() + minutes * 60_000;
  const found = searchWorst(jails, WAYS, {
    seed,
    costOf: (line) => cost.of([line]),
    goesOn: () => cpuTime() < end,
  });
  // The last word has a measurement that nothing hurried.
  const givenUp = cost.givenUp > 0;
  const worst = {
    ...found,
    cost: Math.min(...[1, 2, 3, 4, 5].map(() => new LineCost(jails).of([found.line], 30))),
  };
  return {
    name,
    matching: ordinary(cost, matchingLines(jails, WAYS)),
    unrelated: ordinary(cost, unrelatedLines(WAYS)),
    worst,
    givenUp,
  };
}

/** The dearer way of lines in turn. */
function ordinary(cost: LineCost, lines: readonly Line[]): number {
  const costs = WAYS.map((way) => lines.filter((line) => line.way === way)).filter(
    ({ length }) => length > 0,
  );
  return Math.max(0, ...costs.map((few) => Math.min(...Array.from({ length: 10 }, () => cost.of(few, 10)))));
}

function tell({ name, matching, unrelated, worst: { cost, tried, line }, givenUp }: Row): void {
  const text = written(line, 0);
  if (folder !== undefined) writeFileSync(`${folder}/${name.replaceAll(/\W+/g, "-")}.log`, `${text}\n`);
  const isGood = matching <= ORDINARY && unrelated <= ORDINARY && cost <= HOSTILE;
  const said = `${line.way}, ${line.origin}: ${shortened(line.body)}`;
  if (isBundled(name) && !isGood) process.exitCode = 1;
  const cells = [
    name,
    matching.toFixed(1),
    unrelated.toFixed(1),
    cost.toFixed(0),
    Buffer.byteLength(text),
    tried,
    `${givenUp ? "(searches were given up) " : ""}${said}`,
    isGood ? "met" : "**missed**",
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}

/** A long line with its repeats counted, fit for a table. */
function shortened(text: string): string {
  const counted = text.replace(
    /(.{1,40}?)\1{3,}/gsu,
    (all, turn: string) => `{${turn}}×${all.length / turn.length}`,
  );
  return `\`${printable(counted, SHOWN).replaceAll("|", "\\u{7c}").replaceAll("`", "'")}\``;
}
