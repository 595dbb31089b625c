import type { PatternMatch, PythonPattern } from "../../python/pattern.ts";
import type { SearchBudget } from "../../python/search/budget.ts";
import { compilePattern } from "../../python/search/compile-pattern.ts";
import { type Doubt, LAST_TIME } from "../../shared/time.ts";
import type { DateTemplate } from "./date-pattern.ts";
import { isDefault } from "./date-templates.ts";
import { asciiDigits, fieldsTime } from "./date-value.ts";

/** A date that one template found in a line. */
export interface DateMatch {
  readonly template: LineTemplate;
  /** Where the template matched: the date may start later. */
  readonly column: number;
  /** The date itself, which is cut out. */
  readonly start: number;
  readonly end: number;
  /** Its named groups. */
  readonly groups: PatternMatch["groups"];
}

/** A template that searches lines. */
export class LineTemplate {
  readonly name: string;
  readonly anchored: boolean;
  /** Whether it is a default template: those see the beginning of a line (`viewOf`), where they are fast without a budget. */
  readonly isDefault: boolean;
  readonly #template: DateTemplate;
  #pattern: PythonPattern | undefined;
  /** The last text and its time: lines of one second follow each other. */
  #lastText: string | undefined;
  #lastNow = 0;
  #lastTime: number | undefined;

  constructor(template: DateTemplate) {
    this.name = template.name;
    this.anchored = template.anchored;
    this.#template = template;
    this.isDefault = isDefault(template.name);
  }

  /**
   * Compiles the pattern, which otherwise happens at the first use: most templates are never used.
   *
   * @throws PatternError
   */
  compile(): PythonPattern {
    this.#pattern ??= sharedPattern(this.#template.source);
    return this.#pattern;
  }

  /** Finds the date in a line. `ascii`: whether the line is ASCII. */
  match(line: string, ascii: boolean, budget?: SearchBudget): DateMatch | undefined {
    return this.#template.whole
      ? this.#matchWhole(line, ascii, budget)
      : this.#matchGroup(line, ascii, budget);
  }

  /** The group ends where the match ends, so its start follows from its length: spans would take longer than the match. */
  #matchWhole(line: string, ascii: boolean, budget: SearchBudget | undefined): DateMatch | undefined {
    const pattern = this.compile();
    const match = budget ? budget.search(pattern, line, 0, ascii) : pattern.search(line, 0, ascii);
    if (match === undefined) return undefined;
    const { start: column, end, groups } = match;
    return { template: this, column, start: end - (groups.date_ ?? "").length, end, groups };
  }

  #matchGroup(line: string, ascii: boolean, budget: SearchBudget | undefined): DateMatch | undefined {
    const pattern = this.compile();
    const match = budget ? budget.searchSpans(pattern, line, 0, ascii) : pattern.searchSpans(line, 0, ascii);
    if (match === undefined) return undefined;
    const [start, end] = match.spans[1] ?? [0, 0];
    return { template: this, column: match.start, start, end, groups: match.groups };
  }

  /** Epoch milliseconds; undefined for an impossible date. */
  time({ groups }: DateMatch, now: number): number | undefined {
    const text = this.#template.whole ? groups.date_ : undefined;
    if (text !== undefined && text === this.#lastText && now === this.#lastNow) return this.#lastTime;
    const time = this.#read(groups, now);
    this.#lastText = text;
    this.#lastNow = now;
    this.#lastTime = time;
    return time;
  }

  /** What is ambiguous about the date. */
  doubt({ groups }: DateMatch): Doubt | undefined {
    if (this.#template.kind !== "fields" || groups.z !== undefined || groups.Z !== undefined)
      return undefined;
    return groups.Y === undefined && groups.y === undefined ? "year" : "zone";
  }

  #read(groups: PatternMatch["groups"], now: number): number | undefined {
    switch (this.#template.kind) {
      case "fields":
        return fieldsTime(groups, this.compile().groupNames, now);
      case "epoch":
        return groups.epoch === undefined ? undefined : epochTime(groups.epoch);
      case "tai64n":
        return tai64nTime(groups.date_ ?? "");
    }
  }
}

/** Seconds, milliseconds or microseconds, by the number of digits, with or without a fraction. */
function epochTime(text: string): number {
  const digits = asciiDigits(text);
  const whole = digits.split(".", 1)[0]?.length ?? 0;
  return Math.round(Number(digits) * (whole < 13 ? 1000 : whole < 16 ? 1 : 0.001));
}

/** TAI64N's seconds as fail2ban reads them: leap seconds between TAI and UTC, and nanoseconds, are ignored. */
function tai64nTime(text: string): number | undefined {
  const time = Number.parseInt(text.slice(2, 17), 16) * 1000;
  return time <= LAST_TIME ? time : undefined;
}

/** Patterns by source: most jails share theirs, and the default templates. */
const patterns = new Map<string, PythonPattern>();
const MAX_PATTERNS = 1000;

function sharedPattern(source: string): PythonPattern {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    pattern = compilePattern(source);
    if (patterns.size >= MAX_PATTERNS) patterns.clear();
    patterns.set(source, pattern);
  }
  return pattern;
}
