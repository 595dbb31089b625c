import { printable } from "../src/cli/report.ts";
import { isLinear } from "../src/filter/python/compile.ts";
import type { PythonPattern } from "../src/filter/python/pattern.ts";
import { absent, bundledPatterns, fail2banPatterns, hurt } from "./helpers/hostile.ts";

// make hostile: lines pumped for each loop of each pattern, and what the slowest of them cost.

const LENGTHS = [8192, 65_536];
const SHOWN = 5;

const bundled = (await bundledPatterns()).map(({ pattern }) => pattern);
report("bundled rules", bundled);
if (absent === undefined) report("fail2ban's filters", fail2banPatterns());
else process.stdout.write(`fail2ban's filters: skipped: ${absent}\n`);

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
    const turn = JSON.stringify(text?.turn ?? "");
    write(`    ${milliseconds.toFixed(1).padStart(6)} ms  ${turn} in ${printable(pattern.source, 90)}`);
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
