import type { Report } from "../../cli/report.ts";
import { type LoadedRules, loadRules } from "../../rules/load-rules.ts";
import { formatPlace, type Jail, RuleError } from "../../rules/rule.ts";
import { plural } from "../../shared/plural.ts";
import { type CompiledJail, compileJails } from "../jail/compile-jails.ts";
import type { Options } from "../options.ts";

/** Reads the rules that the options name, and reports their warnings. */
export async function readRules({ rules, sets }: Options, report: Report): Promise<LoadedRules> {
  const loaded = await loadRules({ specs: rules, sets });
  for (const warning of loaded.warnings) report.warning(warning);
  return loaded;
}

/**
 * Compiles the enabled jails.
 *
 * @throws RuleError when all of them were left out: f2b-stream would run and ban nobody
 */
export function enabledJails(loaded: LoadedRules, report: Report): readonly CompiledJail[] {
  return compileOrLeaveOut(
    loaded.jails.filter(({ enabled }) => enabled),
    loaded,
    report,
  );
}

/**
 * Compiles jails. One of fail2ban's with mistakes is left out with a warning; one of our own must be right.
 *
 * @throws AggregateError of RuleErrors; RuleError when none is left
 */
export function compileOrLeaveOut(
  jails: readonly Jail[],
  { exec, leftOut }: LoadedRules,
  report: Report,
): readonly CompiledJail[] {
  const imported = new Set(exec.map(({ jail }) => jail));
  const compiled = compileJails(jails, ({ name }: Jail, errors: readonly RuleError[]) => {
    if (!imported.has(name)) return false;
    for (const { place, message } of errors) {
      report.warning(`jail ${name}: left out: ${formatPlace(place)}: ${message}`);
    }
    return true;
  });
  const wanted = jails.length + leftOut.length;
  if (compiled.length > 0 || wanted === 0) return compiled;
  const file = jails[0]?.place.file ?? "-r";
  throw new RuleError(
    "ERR_RULE_VALUE",
    { file, line: 0, column: 0 },
    `${plural(wanted, "jail is enabled and was", "jails are enabled, and all were")} left out`,
    "the warnings say why; f2b-stream would ban nobody",
  );
}
