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
import { type InjectOptions, inject } from "./injection/inject.ts";

/** What a stranger could do to a jail with the lines that he has written. */
export interface Vulnerabilities {
  /** How many hostile lines were tried. */
  readonly lines: number;
  /** Proved, by such a line or in steps. */
  readonly errors: readonly RuleError[];
  /** That a client who may write line feeds into the log can have anybody banned, by such a text; undefined: he can't. */
  readonly framing: RuleError | undefined;
  /** It hangs on the service whether it writes such lines. */
  readonly doubts: readonly RuleError[];
  /** Patterns that no line could be made for. */
  readonly untried: readonly string[];
}

/**
 * Looks for holes in a jail's patterns. The same rules give the same holes. Where it must be quick, only those by which somebody else
 * is banned.
 */
export function findVulnerabilities(compiled: CompiledJail, options: InjectOptions): Vulnerabilities {
  const { lines, found, forgery, untried } = inject(compiled, options);
  const told = found.filter(({ harm }) => !options.isQuick || harm.kind === "names");
  const certain = told.filter(({ isCertain }) => isCertain);
  const doubtful = told.filter(({ isCertain }) => !isCertain);
  return {
    lines,
    errors: [...certain.map(toError), ...slowPatterns(compiled.jail.filter, compiled.filter)],
    framing: forgery && forgedError(forgery),
    doubts: doubtful.map(toError),
    untried: untried.map(({ name }) => name),
  };
}

function toError(found: Finding): RuleError {
  const { place, harm, line, where } = found;
  const message = `${place.name}: ${SAID[where]} ${consequence(found)} in ${JSON.stringify(printable(line, 400))}`;
  const at = placeInPattern(place.pattern, place.offset);
  return new RuleError("ERR_RULE_INJECTION", at, message, HINTS[where === "field" ? harm.kind : where]);
}

function forgedError({ place, text, found }: Forgery): RuleError {
  const said = JSON.stringify(printable(text, 400));
  const message = `${place.name}: a client who can write a line feed into this file gets ${JSON.stringify(found)} banned by a line of its own: ${said}`;
  return new RuleError(
    "ERR_RULE_INJECTION",
    placeInPattern(place.pattern, place.offset),
    message,
    FRAMING_HINT,
  );
}

const FRAMING_HINT =
  "read a log whose writer escapes line feeds, or take this one over syslog or the journal; framing: message says that it is so";

/** Where the text stood. */
const SAID: Readonly<Record<Finding["where"], string>> = {
  field: "a stranger's text here",
  tail: "a stranger's text behind the end of the pattern",
  other: "a stranger's text in a line that another pattern is made for",
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
      return `hides ${expected} (${harm.why})${isTaken ? "" : ", if the service writes what the pattern doesn't take,"}`;
    case "dates":
      return `changes the line's time, ${harm.found} instead of ${harm.expected},`;
  }
}

const CLOSED = "end the pattern with $ and what the service writes up to there";

/** How to mend it. */
const HINTS: Readonly<Record<Harm["kind"] | Exclude<Finding["where"], "field">, string>> = {
  names: `${CLOSED}, or let the class leave out what ends the text, as [^"]* does`,
  hides:
    "let the pattern take all that can stand there, as .* does with $ at the end; begin an ignoreregex with ^",
  dates: "let a datepattern say what stands around the date, or the class leave out what dates have",
  tail: CLOSED,
  other: `begin the pattern with ^ and what the service itself writes there; ${CLOSED}`,
  quoted: "begin the pattern with ^ and what the service itself writes there",
};

/** Patterns whose steps grow beyond quadratic. */
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
    ? "has no end"
    : "takes eight times as long, or longer, when it is twice as long";
  const place = placeInPattern(written, expandTags(written.source).offsetOf(found.offset));
  const message = `${name}: a line made to hurt this loop ${growth}`;
  const hint =
    "no two loops beside or inside each other that take the same characters; (?>…) and *+ give nothing back";
  return new RuleError("ERR_RULE_BACKTRACKING", place, message, hint);
}
