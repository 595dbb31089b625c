import type { Verdict } from "../filter/verdict.ts";

/** One line of `--json`: what the filter says of line `number`, counted from 1. */
export function formatJson(number: number, verdict: Verdict): string {
  if (!verdict.match) return `${JSON.stringify({ line: number, match: false, why: verdict.why })}\n`;
  const { id, time, regex, lines, times } = verdict;
  const seconds = time === undefined ? null : time / 1000;
  const said = { line: number, match: true, id, time: seconds, regex, attempts: lines.length, times };
  return `${JSON.stringify({ ...said, groups: verdict.groups() })}\n`;
}
