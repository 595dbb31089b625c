import { PatternError } from "../../python/pattern.ts";
import type { RuleTest } from "../../rules/rule.ts";
import { FormatDetector } from "../../stream/input/format.ts";
import { readEntry } from "../../stream/input/read-entry.ts";
import { FieldLocator, type LocatedTemplate } from "../hostile/field-locator.ts";
import type { HostilePattern } from "../hostile/hostile-pattern.ts";
import { isField, joined, type Template, textOf } from "../hostile/template.ts";
import { type BenignCase, type CaseLine, runTemplates } from "./benign-case.ts";
import { handsOnContent, type JailPatterns } from "./jail-patterns.ts";
import { inOneGo } from "./run-lines.ts";

/** The benign cases in the tests of a rule. */
export interface Samples {
  readonly cases: readonly BenignCase[];
  /** Lines without a failure. */
  readonly others: readonly string[];
  /**
   * Whether lines continue after the pattern, by the index of the failregex; undefined: no sample shows it. The author of the rule has
   * seen more lines than the pattern shows.
   */
  readonly goesOn: ReadonlyMap<number, boolean>;
}

/** Finds the fields in the sample lines of a rule. */
export function readSamples(patterns: JailPatterns, now: number): Samples {
  const reader = new SampleReader(patterns, now);
  const goesOn = new Map<number, boolean>();
  const cases: BenignCase[] = [];
  const others: string[] = [];
  for (const test of patterns.compiled.jail.tests) {
    const read = reader.read(test);
    for (const { regex, rest } of read) {
      if (regex !== undefined) goesOn.set(regex, goesOn.get(regex) === true || /\S/.test(rest));
    }
    const benign = test.match === false ? undefined : caseOf(patterns, read, now);
    if (benign) cases.push(benign);
    else if (test.lines.length === 1) others.push(...test.lines);
  }
  return { cases, others, goesOn };
}

function caseOf({ compiled }: JailPatterns, lines: readonly CaseLine[], now: number): BenignCase | undefined {
  const templates = lines.map(({ line }) => line);
  const outcome = inOneGo(() => runTemplates(compiled, templates, now));
  return outcome.failures.length > 0 ? { lines, outcome } : undefined;
}

/** A line, with its text after the match. */
interface SampleLine extends CaseLine {
  readonly rest: string;
}

class SampleReader {
  readonly #patterns: JailPatterns;
  readonly #now: number;
  readonly #locators = new Map<HostilePattern, FieldLocator | undefined>();

  constructor(patterns: JailPatterns, now: number) {
    this.#patterns = patterns;
    this.#now = now;
  }

  read({ lines }: RuleTest): readonly SampleLine[] {
    const detector = new FormatDetector();
    return lines.map((line) => this.#readLine(line, detector));
  }

  /** Reads the line as `runLines` does. */
  #readLine(line: string, detector: FormatDetector): SampleLine {
    const { jail, filter } = this.#patterns.compiled;
    if (jail.identifier !== undefined) {
      const text = `${line}\n`;
      const entry = readEntry(text, detector.formatOf(text, this.#now), this.#now);
      const message = entry?.identifier === undefined ? line : entry.message.slice(0, -1);
      const header = line.slice(0, line.length - message.length);
      return this.#located(message, ({ parts, fields }) => ({ parts: joined([header, ...parts]), fields }));
    }
    const date = filter.dates.find(line, this.#now);
    if (!date || date.inherits) return this.#located(line, (seen) => seen);
    const { start, end } = date;
    const seen = line.slice(0, start) + line.slice(end);
    return this.#located(seen, (template) => withDate(template, start, line.slice(start, end)));
  }

  #located(text: string, framed: (seen: Template) => Template): SampleLine {
    const { prefregex, compiled } = this.#patterns;
    let regex: number | undefined;
    const locateIn = (content: string) => {
      const found = this.#locate(content);
      regex = found?.regex;
      return found?.located;
    };
    const located =
      prefregex && handsOnContent(compiled)
        ? this.#locatorOf(prefregex)?.locate(text, locateIn)
        : locateIn(text);
    const seen: Template = located ?? { parts: [text], fields: [] };
    return { line: framed(seen), seen, regex, rest: located?.rest ?? "" };
  }

  /** The first failregex that matches a text, with the fields in it. */
  #locate(text: string): { readonly regex: number; readonly located: LocatedTemplate } | undefined {
    for (const [regex, pattern] of this.#patterns.failregex.entries()) {
      const located = this.#locatorOf(pattern)?.locate(text);
      if (located) return { regex, located };
    }
    return undefined;
  }

  #locatorOf(pattern: HostilePattern): FieldLocator | undefined {
    if (!this.#locators.has(pattern)) this.#locators.set(pattern, newLocator(pattern));
    return this.#locators.get(pattern);
  }
}

function newLocator(pattern: HostilePattern): FieldLocator | undefined {
  try {
    return new FieldLocator(pattern);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

/** The line with its date back in its place. A field that contains or touches it is text of the logger. */
function withDate({ parts, fields }: Template, at: number, date: string): Template {
  let end = 0;
  const pieces = parts.map((part) => {
    const text = textOf({ parts: [part], fields });
    end += text.length;
    return { part, text, start: end - text.length, end };
  });
  const touching = pieces.filter(({ start, end }) => at >= start && at <= end);
  const here =
    touching.find(({ part }) => isField(part)) ?? touching.find(({ part }) => typeof part === "string");
  if (!here) return { parts: [...parts, date], fields };
  const split = at - here.start;
  const filled = here.text.slice(0, split) + date + here.text.slice(split);
  return { parts: joined(pieces.map((piece) => (piece === here ? filled : piece.part))), fields };
}
