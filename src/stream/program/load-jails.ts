import type { Report } from "../../cli/report.ts";
import { type LoadedRules, loadRules } from "../../rules/load-rules.ts";
import { formatPlace, type Jail, type RuleError } from "../../rules/rule.ts";
import { type CompiledJail, compileJails } from "../jail/compile-jails.ts";
import type { Options } from "../options.ts";

/** Reads the rules that the options name, and reports their warnings. */
export async function readRules({ rules, sets }: Options, report: Report): Promise<LoadedRules> {
  const loaded = await loadRules({ specs: rules, sets });
  for (const warning of loaded.warnings) report.warning(warning);
  return loaded;
}

/** Compiles the enabled jails. */
export function enabledJails(loaded: LoadedRules, report: Report): readonly CompiledJail[] {
  const enabled = loaded.jails.filter(({ enabled }) => enabled);
  return compileJails(enabled, leaveOutImported(loaded, report));
}

/** For `compileJails`: a jail of fail2ban's with mistakes is left out with a warning; one of our own must be right. */
export function leaveOutImported({ exec }: LoadedRules, report: Report) {
  const imported = new Set(exec.map(({ jail }) => jail));
  return ({ name }: Jail, errors: readonly RuleError[]): boolean => {
    if (!imported.has(name)) return false;
    for (const { place, message } of errors) {
      report.warning(`jail ${name}: left out: ${formatPlace(place)}: ${message}`);
    }
    return true;
  };
}
