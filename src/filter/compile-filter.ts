import { PatternError, type PatternMatch, type PythonPattern } from "../python/pattern.ts";
import { compilePattern } from "../python/search/compile-pattern.ts";
import type { FilterRule, Pattern } from "../rules/rule.ts";
import { DateDetector } from "./date/date.ts";
import { expandTags, groupName } from "./filter-tags.ts";
import { groupIndices, type MatchGroups, matchGroupsOf, readGroups } from "./match-groups.ts";
import type { Groups } from "./verdict.ts";

/** The patterns of a filter, ready to search. */
export interface CompiledFilter {
  readonly prefregex: FilterPattern | undefined;
  readonly failregex: readonly FilterPattern[];
  readonly ignoreregex: readonly FilterPattern[];
  /** Patterns of a successful login: see `successFilter`. */
  readonly success: readonly FilterPattern[];
  readonly maxlines: number;
  readonly dates: DateDetector;
}

/** A pattern of the filter language. */
export interface FilterPattern {
  readonly pattern: PythonPattern;
  /** Reads the groups of a match, and of the prefregex before it, alternatives merged: `alt_user` fills an empty `user`. */
  read(match: PatternMatch, prefregex?: MatchGroups): MatchGroups;
}

/** A pattern that cannot be compiled, or that names no failure id. */
export class FilterError extends SyntaxError {
  readonly pattern: Pattern;
  /** Offset in the pattern as written, in UTF-16 units. */
  readonly offset: number;

  constructor(pattern: Pattern, offset: number, message: string) {
    super(message);
    this.name = "FilterError";
    this.pattern = pattern;
    this.offset = offset;
  }
}

/** Groups that name the address or id of a failure. */
const ID_GROUPS = ["fid", "ip4", "ip6", "dns"];

/**
 * Compiles a rule's patterns.
 *
 * @param hasSessions whether lines of one process are a session, so that another line may name the failure's id
 * @throws AggregateError of FilterErrors, one for each pattern that is wrong
 */
export function compileFilter(rule: FilterRule, hasSessions = false): CompiledFilter {
  const errors: FilterError[] = [];
  const compile = (patterns: readonly Pattern[], options: CompileOptions = {}) =>
    patterns.flatMap((pattern) => attempt(errors, () => compileOne(pattern, options)) ?? []);
  const [prefregex] = compile(rule.prefregex ? [rule.prefregex] : []);
  const isNamed = hasSessions || (prefregex !== undefined && namesOne(prefregex, SESSION_OR_ID));
  const failregex = compile(rule.failregex, {
    multiline: rule.maxlines > 1,
    needs: isNamed ? undefined : SESSION_OR_ID,
  });
  const ignoreregex = compile(rule.ignoreregex);
  const success = compile(rule.success, { needs: ID_GROUPS });
  const dates = attempt(errors, () => compileDates(rule));
  if (errors.length > 0 || dates === undefined) throw new AggregateError(errors);
  return { prefregex, failregex, ignoreregex, success, maxlines: rule.maxlines, dates };
}

/** The filter that finds successful logins: what it calls a failure is one. It sees each line by itself. */
export function successFilter({ success, dates }: CompiledFilter): CompiledFilter {
  return { prefregex: undefined, failregex: success, ignoreregex: [], success: [], maxlines: 1, dates };
}

/** Groups of which a failregex needs one: it names the id, or the session in which another line does. */
const SESSION_OR_ID = [...ID_GROUPS, "mlfid"];

interface CompileOptions {
  /** True: the text may be several lines. */
  readonly multiline?: boolean;
  /** Groups of which the pattern must have one. */
  readonly needs?: readonly string[] | undefined;
}

function attempt<T>(errors: FilterError[], make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    errors.push(error);
    return undefined;
  }
}

function compileOne(written: Pattern, { multiline = false, needs }: CompileOptions): FilterPattern {
  const expanded = expandTags(written.source);
  if (expanded.source.trim() === "") throw new FilterError(written, 0, "empty pattern");
  const pattern = positioned(written, expanded.offsetOf, () =>
    compilePattern(expanded.source, { multiline }),
  );
  const merges = alternatives(pattern.groupNames);
  const at = groupIndices(pattern.groupNames);
  if (needs && !namesOne({ pattern }, needs))
    throw new FilterError(written, 0, "no tag for an address or id, such as <HOST>, <ADDR> or <F-ID>");
  return {
    pattern,
    read:
      merges.length === 0
        ? (match, prefregex) => readGroups(match, at, prefregex)
        : ({ groups }, prefregex) => matchGroupsOf(merge(groups, merges), prefregex),
  };
}

/** Detectors by language and datepattern, since most filters share theirs. Weak: a detector goes with the last rules that use it. */
const detectors = new Map<string, WeakRef<DateDetector>>();
/** With more entries than this, those that no rules use any more are dropped. */
const MAX_DETECTORS = 100;

function dropDead(references: Map<string, WeakRef<object>>): void {
  for (const [key, reference] of references) if (reference.deref() === undefined) references.delete(key);
}

function compileDates({ datepattern, compat }: FilterRule): DateDetector {
  const source = datepattern?.source ?? "";
  const language = compat ?? "own";
  const key = `${language} ${source}`;
  const shared = detectors.get(key)?.deref();
  if (shared) return shared;
  const detector =
    datepattern === undefined
      ? new DateDetector("", language)
      : positioned(
          datepattern,
          () => 0,
          () => new DateDetector(source, language),
        );
  if (detectors.size >= MAX_DETECTORS) dropDead(detectors);
  detectors.set(key, new WeakRef(detector));
  return detector;
}

function positioned<T>(pattern: Pattern, offsetOf: (offset: number) => number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new FilterError(pattern, offsetOf(error.offset), error.message);
  }
}

function namesOne({ pattern }: Pick<FilterPattern, "pattern">, groups: readonly string[]): boolean {
  return groups.some((name) => pattern.groupNames.includes(name));
}

/** One group that fills (`alt_`) or adds to (`tuple_`) another. */
interface Merge {
  readonly kind: "alt" | "tuple";
  readonly from: string;
  readonly into: string;
}

/** `alt_user`, `alt_user_2`, …, and `tuple_id`, …, in the order of their names; fail2ban's COMPLNAME_CRE. */
function alternatives(names: readonly string[]): readonly Merge[] {
  const merges = names.flatMap((from): Merge[] => {
    const [, kind, into] = /^(alt|tuple)_(.*?)(?:_\d+)?$/.exec(from) ?? [];
    return into === undefined
      ? []
      : [{ kind: kind === "alt" ? "alt" : "tuple", from, into: groupName(into) }];
  });
  const rank = ({ kind, from }: Merge) => `${kind} ${from}`;
  return merges.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** A tuple becomes one text, its parts joined by a comma and a blank. */
function merge(groups: Groups, merges: readonly Merge[]): Groups {
  const merged: Record<string, string | undefined> = { ...groups };
  for (const { kind, from, into } of merges) {
    const value = merged[from];
    if (kind === "tuple") merged[into] = `${merged[into] ?? ""}, ${value ?? ""}`;
    else if (value && !merged[into]) merged[into] = value;
  }
  return merged;
}
