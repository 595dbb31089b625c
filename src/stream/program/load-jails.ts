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

/** Warns when jails read different logs and nothing says which one stdin is. */
export function warnOfSources(jails: readonly CompiledJail[], { source }: Options, report: Report): void {
  if (source !== undefined) return;
  const paths = new Set(
    jails.map(({ jail }) => jail.logpath?.join(" ")).filter((path) => path !== undefined),
  );
  if (paths.size < 2) return;
  report.warning("the jails name different logs, and every jail sees every line of this one");
  report.hint("--source /var/log/auth.log says which log stdin is");
}
