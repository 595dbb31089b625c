import type { Record } from "./run.ts";
import { median, type Spread } from "./statistics.ts";

/** What a measured number should be. */
export interface Target {
  readonly is: "at least" | "under";
  readonly value: number;
}

/** One measured number. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly spread: Spread;
  readonly target?: Target;
}

export const atLeast = (value: number): Target => ({ is: "at least", value });
export const under = (value: number): Target => ({ is: "under", value });

/** The median decides. A figure without target is always good. */
export function isMet({ spread, target }: Figure): boolean {
  if (target === undefined) return true;
  return target.is === "under" ? spread.median < target.value : spread.median >= target.value;
}

/** Markdown: figures and what they should be. `isJudged`: say which are not as they should be. */
export function figureTable(figures: readonly Figure[], isJudged: boolean): string {
  return table(
    ["figure", "median", "min", "max", "target", ...(isJudged ? [""] : [])],
    figures.map((figure) => {
      const { what, unit, spread, target } = figure;
      const show = (n: number) => `${round(n)}${unit}`;
      return [
        what,
        show(spread.median),
        ...(spread.min === spread.max ? ["", ""] : [show(spread.min), show(spread.max)]),
        target === undefined ? "" : `${target.is} ${target.value}${unit}`,
        ...(isJudged ? [target === undefined ? "" : isMet(figure) ? "met" : "**missed**"] : []),
      ];
    }),
  );
}

/** Markdown: what each program took. */
export function recordTable(records: readonly Record[]): string {
  return table(
    ["program", "lines", "lines/s", "start, s", "CPU, s", "resident, MB"],
    records.map(({ contender: { name, lines }, rates, start, runs }) => [
      name,
      group(lines),
      group(median(rates)),
      start.toFixed(2),
      median(runs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
      round(median(runs.map(({ bytes }) => bytes)) / 1e6),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map((_, i) => (i === 0 ? "---" : "---:"))) + rows.map(line).join("");
}

/** Three figures are all that a noisy machine gives. */
function round(n: number): string {
  return n >= 100 ? group(n) : String(Number(n.toPrecision(3)));
}

function group(n: number): string {
  return Math.round(n).toLocaleString("en");
}
