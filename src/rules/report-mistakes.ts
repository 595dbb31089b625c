import { UsageError } from "../cli/args.ts";
import { EXIT } from "../cli/exit.ts";
import type { Report } from "../cli/report.ts";
import { formatPlace, RuleError } from "./rule.ts";

/** Prints mistakes in rules, each with its place, and returns them. Undefined: the error is something else. */
export function tellRuleErrors(error: unknown, report: Report): readonly RuleError[] | undefined {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  if (!errors.every((each) => each instanceof RuleError)) return undefined;
  for (const { place, message, hint } of errors) {
    report.error(`${formatPlace(place)}: ${message}`);
    if (hint !== undefined) report.hint(hint);
  }
  return errors;
}

/**
 * Prints a mistake of the user, on the command line or in rules, and returns the exit status.
 *
 * @throws the error itself when it is something else
 */
export function tellMistake(error: unknown, program: string, report: Report): number {
  if (error instanceof UsageError) {
    report.error(error.message);
    report.hint(`${program} --help lists the options`);
    return EXIT.USAGE;
  }
  if (tellRuleErrors(error, report)) return EXIT.CONFIG;
  throw error;
}
