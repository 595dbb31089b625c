import { printable, type Report } from "../cli/report.ts";
import { formatPlace, type Jail, RuleError } from "../rules/rule.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import type { JailFindings, Mistake } from "./check-jail.ts";
import { checkEach } from "./check-threads.ts";

/** How much was checked. */
export interface Checked {
  readonly tests: number;
  /** Generated attack lines. */
  readonly lines: number;
}

/** Warning about an imported jail, whose `framing` is not known. */
const OPEN_FILE =
  "whoever can write a line feed into this log can get any address banned: check whether its writer escapes line feeds (then --set NAME.framing=message), or log to syslog instead";

/** Warning about an identifier without journalmatch, which any local user can give to journal entries; undefined: there is none. */
function forgeableBy({ identifier, journalmatch, on }: Jail): string | undefined {
  if (on === "ban" || identifier?.[0] === undefined || journalmatch !== undefined) return undefined;
  return `identifier without journalmatch: any local user can write such journal entries (logger -t ${printable(identifier[0])})`;
}

const TRUSTED_HINT =
  "add journalmatch: _UID=0 if the service logs as root, or else its unit, such as _SYSTEMD_UNIT=app.service; it applies to the journal alone";

/**
 * Runs the tests of jails, looks for vulnerabilities in them, and reports warnings.
 *
 * @param imported names of jails that came from fail2ban: their vulnerabilities are warnings, not errors
 * @param now epoch milliseconds, for years that lines leave out
 * @throws AggregateError of RuleErrors
 */
export async function checkJails(
  jails: readonly CompiledJail[],
  imported: ReadonlySet<string>,
  now: number,
  report: Report,
): Promise<Checked> {
  const findings = await checkEach(jails, { imported, now });
  const errors = findings.flatMap((found, index) => {
    const { jail } = jails[index] as CompiledJail;
    return reportJail(jail, imported.has(jail.name), found, report);
  });
  if (errors.length > 0) throw new AggregateError(errors.map(toRuleError));
  return {
    tests: jails.reduce((sum, { jail }) => sum + jail.tests.length, 0),
    lines: findings.reduce((sum, { lines }) => sum + lines, 0),
  };
}

/** Reports the warnings for a jail, and gives the errors. */
function reportJail(
  jail: Jail,
  isImported: boolean,
  found: JailFindings,
  report: Report,
): readonly Mistake[] {
  const { name } = jail;
  const forgeable = isImported ? undefined : forgeableBy(jail);
  if (forgeable !== undefined) {
    report.warning(`${formatPlace(jail.place)}: ${name}: ${forgeable}`);
    report.hint(TRUSTED_HINT);
  }
  if (isImported && found.framing) report.warning(`[${name}] ${OPEN_FILE.replace("NAME", () => name)}`);
  for (const { place, message, hint } of isImported ? found.errors : found.doubts) {
    report.warning(`${formatPlace(place)}: ${message}`);
    if (hint !== undefined && !isImported) report.hint(hint);
  }
  for (const pattern of found.untried) {
    report.hint(`[${name}] ${pattern}: no hostile line could be generated; add a sample line under tests`);
  }
  return [
    ...found.tests,
    ...(isImported ? [] : [...found.errors, ...(found.framing ? [found.framing] : [])]),
  ];
}

function toRuleError({ code, place, message, hint }: Mistake): RuleError {
  return new RuleError(code, place, message, hint);
}
