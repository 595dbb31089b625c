import { printable } from "../cli/report.ts";
import type { CompiledFilter } from "../filter/compile-filter.ts";
import { expandTags } from "../filter/filter-tags.ts";
import { findBacktracking } from "../python/analyse/backtracking.ts";
import type { PythonPattern } from "../python/pattern.ts";
import { placeInPattern } from "../rules/pattern-place.ts";
import { type FilterRule, type Pattern, RuleError } from "../rules/rule.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import type { Harm } from "./injection/attack.ts";
import type { Finding } from "./injection/findings.ts";
import type { Forgery } from "./injection/forge.ts";
import { type Injection, type InjectOptions, inject } from "./injection/inject.ts";

/** What a client can do to a jail with the text that it sends. */
export interface Vulnerabilities {
  /** How many attack lines were tried. */
  readonly lines: number;
  /** Proved by such a line, or by counting steps. */
  readonly errors: readonly RuleError[];
  /** A client that can write line feeds into the log can get any address banned; undefined: it cannot. */
  readonly framing: RuleError | undefined;
  /** Vulnerabilities only if the service writes such lines. */
  readonly doubts: readonly RuleError[];
  /** Patterns for which no line could be generated. */
  readonly untried: readonly string[];
}

/** Looks for vulnerabilities in a jail's patterns. The same rules give the same result. */
export function findVulnerabilities(compiled: CompiledJail, options: InjectOptions): Vulnerabilities {
  const { lines, found, forgery, untried, numbers } = inject(compiled, options);
  const isRaw = compiled.jail.usedns === "raw";
  const certain = found.filter(({ isCertain }) => isCertain);
  const doubtful = found.filter(({ isCertain }) => !isCertain);
  return {
    lines,
    errors: [
      ...certain.map(toError),
      ...(isRaw ? [] : numbers.map(numberError)),
      ...slowPatterns(compiled.jail.filter, compiled.filter),
    ],
    framing: forgery && forgedError(forgery),
    doubts: doubtful.map(toError),
    untried: untried.map(({ name }) => name),
  };
}

function toError(found: Finding): RuleError {
  const { place, harm, line, where } = found;
  const message = `${place.name}: ${SUBJECT[where]} ${consequence(found)} in ${JSON.stringify(printable(line, 400))}`;
  const at = placeInPattern(place.pattern, place.offset);
  return new RuleError("ERR_RULE_INJECTION", at, message, HINTS[where === "field" ? harm.kind : where]);
}

function numberError({ place, number, line }: Injection["numbers"][number]): RuleError {
  const shown = JSON.stringify(printable(line, 400));
  const message = `${place.name}: takes the number ${JSON.stringify(number)} for a host name in ${shown}`;
  const at = placeInPattern(place.pattern, place.offset);
  return new RuleError("ERR_RULE_INJECTION", at, message, NUMBER_HINT);
}

const NUMBER_HINT =
  "write <ADDR> instead of <HOST>, or exclude the characters of addresses from the text before it, as [^.:]* does";

function forgedError({ place, text, found }: Forgery): RuleError {
  const shown = JSON.stringify(printable(text, 400));
  const message = `${place.name}: a client who can write a line feed into this file gets ${JSON.stringify(found)} banned with a forged line: ${shown}`;
  return new RuleError(
    "ERR_RULE_INJECTION",
    placeInPattern(place.pattern, place.offset),
    message,
    FRAMING_HINT,
  );
}

const FRAMING_HINT =
  "read a log whose writer escapes line feeds, or read this one through syslog or the journal; then set framing: message";

/** The beginning of a message, by where the text stood. */
const SUBJECT: Readonly<Record<Finding["where"], string>> = {
  field: "text from a client here",
  tail: "text from a client after the end of the pattern",
  other: "text from a client in a line of another pattern",
  quoted:
    "not anchored: text anywhere in a line can match, so whoever writes into the log can choose the address:",
};

function consequence({ harm, where, isTaken }: Finding): string {
  const expected = JSON.stringify(harm.expected);
  switch (harm.kind) {
    case "names": {
      const found = JSON.stringify(harm.found);
      return where === "quoted"
        ? `${found} instead of ${expected}`
        : `gets ${found} banned instead of ${expected}`;
    }
    case "hides":
      return `hides ${expected} (${harm.why})${isTaken ? "" : ", if the service writes text that the pattern does not match,"}`;
    case "dates":
      return `changes the line's time, ${harm.found} instead of ${harm.expected},`;
  }
}

const CLOSED = "end the pattern with the service's own text up to the end of the line, and $";

/** How to correct the pattern. */
const HINTS: Readonly<Record<Harm["kind"] | Exclude<Finding["where"], "field">, string>> = {
  names: `${CLOSED}, or exclude the character that ends the text, as [^"]* does`,
  hides: "match all text that can stand there, as .* does with $ after it; begin an ignoreregex with ^",
  dates:
    "write a datepattern with the text around the date, or exclude the characters of dates from the class",
  tail: CLOSED,
  other: `begin the pattern with ^ and the service's own text; ${CLOSED}`,
  quoted: "begin the pattern with ^ and the service's own text",
};

/** Patterns whose steps grow faster than quadratically. */
function slowPatterns(rule: FilterRule, filter: CompiledFilter): readonly RuleError[] {
  const { prefregex, failregex, ignoreregex, success } = filter;
  const check = (written: Pattern | undefined, name: string, pattern: PythonPattern | undefined) =>
    (written && pattern && slowPattern(written, name, pattern)) ?? [];
  return [
    check(rule.prefregex, "prefregex", prefregex?.pattern),
    ...failregex.map(({ pattern }, i) => check(rule.failregex[i], `failregex ${i + 1}`, pattern)),
    ...ignoreregex.map(({ pattern }, i) => check(rule.ignoreregex[i], `ignoreregex ${i + 1}`, pattern)),
    ...success.map(({ pattern }, i) => check(rule.success[i], `success ${i + 1}`, pattern)),
  ].flat();
}

function slowPattern(written: Pattern, name: string, { tree }: PythonPattern): RuleError | undefined {
  const found = findBacktracking(tree);
  if (!found) return undefined;
  const growth = found.isEndless
    ? "keeps this loop busy for ever"
    : "takes this loop at least eight times as long when it is twice as long";
  const place = placeInPattern(written, expandTags(written.source).offsetOf(found.offset));
  const message = `${name}: a crafted line ${growth}`;
  const hint =
    "avoid two loops beside or inside each other that match the same characters; (?>…) and *+ do not backtrack";
  return new RuleError("ERR_RULE_BACKTRACKING", place, message, hint);
}
