import { findVulnerabilities } from "../src/check/vulnerabilities.ts";
import { printable } from "../src/cli/report.ts";
import type { PythonPattern } from "../src/python/pattern.ts";
import { isLinear } from "../src/python/search/compile-pattern.ts";
import { loadRules } from "../src/rules/load-rules.ts";
import { compileJails } from "../src/stream/jail/compile-jails.ts";
import { absent, bundledPatterns, fail2banPatterns, hurt } from "./helpers/hostile.ts";
import { ROOT } from "./helpers/root.ts";

// make hostile: lines pumped for each loop of each pattern, and what the slowest of them cost; and the hostile lines of --check.

const LENGTHS = [8192, 65_536];
const SHOWN = 5;

const bundled = (await bundledPatterns()).map(({ pattern }) => pattern);
report("bundled rules", bundled);
if (absent === undefined) report("fail2ban's filters", fail2banPatterns());
else process.stdout.write(`fail2ban's filters: skipped: ${absent}\n`);

await reportHoles("bundled rules", [`${ROOT}rules`]);
if (absent === undefined) {
  await reportHoles("fail2ban's jails", [`${ROOT}../shared/conformance/fail2ban/config[*]`]);
}

async function reportHoles(title: string, specs: readonly string[]): Promise<void> {
  const { jails } = await loadRules({ specs, sets: [] });
  const now = Date.UTC(2026, 10, 21, 20);
  const found = compileJails(jails, () => true).map((compiled) => ({
    name: compiled.jail.name,
    ...findVulnerabilities(compiled, { now }),
  }));
  const lines = found.reduce((sum, each) => sum + each.lines, 0);
  const untried = found.reduce((sum, each) => sum + each.untried.length, 0);
  write(
    `${title}: ${found.length} jails, ${lines} hostile lines, ${untried} patterns that none could be made for`,
  );
  for (const { name, errors, doubts } of found) {
    if (errors.length + doubts.length > 0)
      write(`  ${name}: ${errors.length} holes, ${doubts.length} doubts`);
  }
}

function report(title: string, patterns: readonly PythonPattern[]): void {
  const linear = patterns.filter((pattern) => isLinear(pattern));
  const others = patterns.filter((pattern) => !isLinear(pattern));
  write(`${title}: ${patterns.length} patterns, ${linear.length} of them for the linear engine`);
  for (const length of LENGTHS) {
    reportKind(`linear, ${length} characters`, linear, length);
    reportKind(`others, ${length} characters`, others, length);
  }
}

function reportKind(title: string, patterns: readonly PythonPattern[], length: number): void {
  const found = patterns.map((pattern) => hurt(pattern, length));
  const texts = found.reduce((sum, each) => sum + each.texts, 0);
  const gaveUp = found.reduce((sum, each) => sum + each.gaveUp, 0);
  const slowest = found.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, SHOWN);
  write(`  ${title}: ${texts} lines, ${gaveUp} searches given up; the slowest:`);
  for (const { milliseconds, pattern, slowest: text } of slowest) {
    const turn = JSON.stringify(text?.pump ?? "");
    write(`    ${milliseconds.toFixed(1).padStart(6)} ms  ${turn} in ${printable(pattern.source, 90)}`);
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
