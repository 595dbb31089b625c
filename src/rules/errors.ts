import type { Report } from "../cli/report.ts";
import { formatPlace, RuleError } from "./rule.ts";

/** Prints mistakes in rules, each with its place. False: the error is something else. */
export function tellRuleErrors(error: unknown, report: Report): boolean {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  if (!errors.every((each) => each instanceof RuleError)) return false;
  for (const { place, message, hint } of errors) {
    report.error(`${formatPlace(place)}: ${message}`);
    if (hint !== undefined) report.hint(hint);
  }
  return true;
}
