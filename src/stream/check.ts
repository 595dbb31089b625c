import { formatNetwork, parseNetwork } from "../address.ts";
import { printable } from "../cli/report.ts";
import { Matcher } from "../filter/matcher.ts";
import { cpuTime } from "../filter/python/within.ts";
import type { Failure, Verdict } from "../filter/verdict.ts";
import { findWeaknesses } from "../filter/weakness.ts";
import { placeInPattern } from "../rules/place.ts";
import { formatPlace, RuleError, type RuleTest } from "../rules/rule.ts";
import { FormatDetector, readEntry } from "./entry.ts";
import { type CompiledJail, judge } from "./jail.ts";
import { identify } from "./subject.ts";

/**
 * Runs the sample lines of a jail, each test with a filter that knows nothing yet.
 *
 * @param now epoch milliseconds, for years that lines leave out
 * @returns what is wrong
 */
export function runTests(compiled: CompiledJail, now: number): readonly RuleError[] {
  return compiled.jail.tests.flatMap((test) => {
    const wrong = mistakeOf(test, verdictOn(compiled, test, now));
    return wrong === undefined
      ? []
      : [new RuleError("ERR_RULE_TEST", test.place, `${compiled.jail.name}: ${wrong}`)];
  });
}

/** What in a jail's patterns a stranger could abuse, each with its place. */
export function weaknessesIn({ jail }: CompiledJail): readonly string[] {
  return findWeaknesses(jail.filter, cpuTime).map(
    ({ pattern, offset, message }) => `${formatPlace(placeInPattern(pattern, offset))}: ${message}`,
  );
}

/** The verdict on the last line. A line without a header is the message alone, for jails that see only that. */
function verdictOn({ jail, filter }: CompiledJail, test: RuleTest, now: number): Verdict | undefined {
  const matcher = new Matcher(filter);
  const detector = new FormatDetector();
  const clock = { now, clock: now };
  let verdict: Verdict | undefined;
  for (const line of test.lines) {
    const text = `${line}\n`;
    const entry = readEntry(text, detector.formatOf(text, now), now);
    const isMessage = jail.identifier !== undefined && entry?.identifier === undefined;
    if (isMessage) verdict = matcher.match({ text, whole: line, hasDate: false, time: now }, clock);
    else verdict = entry && judge(jail, matcher, entry, clock);
  }
  return verdict;
}

function mistakeOf({ lines, match }: RuleTest, verdict: Verdict | undefined): string | undefined {
  const line = JSON.stringify(printable(lines.at(-1) ?? "", 100));
  if (match === false) {
    return verdict?.match
      ? `test: expected no failure, got one of ${JSON.stringify(verdict.id)} in ${line}`
      : undefined;
  }
  if (!verdict?.match)
    return `test: expected a failure, got none (${verdict?.why ?? "not this jail's"}) in ${line}`;
  const found: Readonly<Record<string, string | undefined>> = {
    ...identityOf(verdict),
    user: verdict.groups().user,
  };
  const wanted = Object.entries({ ...match, ...(match.ip !== undefined && { ip: canonical(match.ip) }) });
  const different = wanted.find(([key, value]) => found[key] !== value);
  if (different === undefined) return undefined;
  const [key, value] = different;
  return `test: expected ${key} ${JSON.stringify(value)}, got ${JSON.stringify(found[key] ?? null)} in ${line}`;
}

function identityOf(failure: Failure): { ip?: string; id?: string } {
  const identity = identify(failure);
  return identity.kind === "address" ? { ip: formatNetwork(identity.network) } : { id: failure.id };
}

function canonical(ip: string): string {
  const network = parseNetwork(ip);
  return network ? formatNetwork(network) : ip;
}
