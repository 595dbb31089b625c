import { printable, type Report } from "../cli/report.ts";
import { successFilter } from "../filter/compile-filter.ts";
import type { Failure, Verdict } from "../filter/verdict.ts";
import { formatPlace, type Jail, RuleError, type RuleTest } from "../rules/rule.ts";
import { formatNetwork, parseNetwork } from "../shared/address.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import { identify } from "../stream/jail/subject.ts";
import { runLines } from "./injection/run-lines.ts";
import { findVulnerabilities } from "./vulnerabilities.ts";

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
export function checkJails(
  jails: readonly CompiledJail[],
  imported: ReadonlySet<string>,
  now: number,
  report: Report,
): Checked {
  const errors: RuleError[] = [];
  let lines = 0;
  for (const each of jails) {
    const { name } = each.jail;
    const isImported = imported.has(name);
    const vulnerabilities = findVulnerabilities(each, { now, hasLineFeeds: !isImported });
    lines += vulnerabilities.lines;
    errors.push(...runTests(each, now));
    const forgeable = isImported ? undefined : forgeableBy(each.jail);
    if (forgeable !== undefined) {
      report.warning(`${formatPlace(each.jail.place)}: ${name}: ${forgeable}`);
      report.hint(TRUSTED_HINT);
    }
    if (!isImported)
      errors.push(...vulnerabilities.errors, ...(vulnerabilities.framing ? [vulnerabilities.framing] : []));
    else if (vulnerabilities.framing) report.warning(`[${name}] ${OPEN_FILE.replace("NAME", () => name)}`);
    for (const { place, message, hint } of isImported ? vulnerabilities.errors : vulnerabilities.doubts) {
      report.warning(`${formatPlace(place)}: ${message}`);
      if (hint !== undefined && !isImported) report.hint(hint);
    }
    for (const pattern of vulnerabilities.untried) {
      report.hint(`[${name}] ${pattern}: no hostile line could be generated; add a sample line under tests`);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors);
  return { tests: jails.reduce((sum, { jail }) => sum + jail.tests.length, 0), lines };
}

/**
 * Runs the tests of a jail, each with a new filter.
 *
 * @param now epoch milliseconds, for years that lines leave out
 * @returns the tests that fail
 */
export function runTests(compiled: CompiledJail, now: number): readonly RuleError[] {
  return compiled.jail.tests.flatMap((test) => {
    return mistakesOf(test, compiled, now).map(
      (mistake) => new RuleError("ERR_RULE_TEST", test.place, `${compiled.jail.name}: test: ${mistake}`),
    );
  });
}

function mistakesOf(
  { lines, match, success }: RuleTest,
  compiled: CompiledJail,
  now: number,
): readonly string[] {
  const line = JSON.stringify(printable(lines.at(-1) ?? "", 100));
  const failure = runLines(compiled, lines, now).last;
  const mistakes = [mistakeOf(match, failure, "failure")];
  if (success !== undefined) {
    const login = runLines({ ...compiled, filter: successFilter(compiled.filter) }, lines, now).last;
    mistakes.push(mistakeOf(success, login, "success"));
  }
  return mistakes.flatMap((mistake) => (mistake === undefined ? [] : `${mistake} in ${line}`));
}

/** How a verdict differs from what a test expects. */
function mistakeOf(
  expected: RuleTest["match"],
  verdict: Verdict | undefined,
  what: "failure" | "success",
): string | undefined {
  if (expected === false) {
    return verdict?.match ? `expected no ${what}, got one of ${JSON.stringify(verdict.id)}` : undefined;
  }
  if (!verdict?.match) return `expected a ${what}, got none (${verdict?.why ?? "not read by this jail"})`;
  const found: Readonly<Record<string, string | undefined>> = {
    ...identityOf(verdict),
    user: verdict.groups().user,
  };
  const ip = expected.ip && canonical(expected.ip);
  const wanted = Object.entries({ ...expected, ...(ip && { ip }) });
  const different = wanted.find(([key, value]) => found[key] !== value);
  if (different === undefined) return undefined;
  const [key, value] = different;
  return `expected ${key} ${JSON.stringify(value)}, got ${JSON.stringify(found[key] ?? null)}`;
}

function identityOf(failure: Failure): { ip?: string; id?: string } {
  const identity = identify(failure);
  return identity.kind === "address" ? { ip: formatNetwork(identity.network) } : { id: failure.id };
}

function canonical(ip: string): string {
  const network = parseNetwork(ip);
  return network ? formatNetwork(network) : ip;
}
