import { printable } from "../cli/report.ts";
import { successFilter } from "../filter/compile-filter.ts";
import type { Failure, Verdict } from "../filter/verdict.ts";
import { RuleError, type RuleTest } from "../rules/rule.ts";
import { formatNetwork, parseNetwork } from "../shared/address.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import { identify, isNumeric } from "../stream/jail/subject.ts";
import { inOneGo, runLines } from "./injection/run-lines.ts";
import { findVulnerabilities, type Vulnerabilities } from "./vulnerabilities.ts";

/** A RuleError as plain data, which can pass between threads. */
export type Mistake = Pick<RuleError, "code" | "place" | "message" | "hint">;

/** What was found in one jail: plain data. */
export interface JailFindings extends Pick<Vulnerabilities, "lines" | "untried"> {
  readonly errors: readonly Mistake[];
  readonly framing: Mistake | undefined;
  readonly doubts: readonly Mistake[];
  /** The tests that fail. */
  readonly tests: readonly Mistake[];
}

/**
 * Runs the tests of a jail, and looks for vulnerabilities in it.
 *
 * @param isImported whether it came from fail2ban: then no texts with line feeds, which its user cannot correct
 * @param now epoch milliseconds, for years that lines leave out
 */
export function checkJail(compiled: CompiledJail, isImported: boolean, now: number): JailFindings {
  const found = findVulnerabilities(compiled, { now, hasLineFeeds: !isImported });
  return {
    lines: found.lines,
    untried: found.untried,
    errors: found.errors.map(plain),
    framing: found.framing && plain(found.framing),
    doubts: found.doubts.map(plain),
    tests: runTests(compiled, now).map(plain),
  };
}

function plain({ code, place, message, hint }: RuleError): Mistake {
  return { code, place, message, hint };
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
  const failure = inOneGo(() => runLines(compiled, lines, now)).last;
  const isNumber = failure?.match && failure.kind === "host" && isNumeric(failure.id);
  if (isNumber && compiled.jail.usedns !== "raw")
    return [`the number ${JSON.stringify(failure.id)} is no host name in ${line}`];
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
