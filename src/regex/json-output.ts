import type { Verdict } from "../filter/verdict.ts";
import { toJson } from "../shared/invisible.ts";

/** One line of `--json`: the verdict on line `number`, counted from 1. */
export function formatJson(number: number, verdict: Verdict): string {
  if (!verdict.match) return `${toJson({ line: number, match: false, why: verdict.why })}\n`;
  const { id, time, regex, lines, times } = verdict;
  const seconds = time === undefined ? null : time / 1000;
  const said = { line: number, match: true, id, time: seconds, regex, attempts: lines.length, times };
  return `${toJson({ ...said, groups: verdict.groups() })}\n`;
}
