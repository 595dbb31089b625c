import type { CompiledFilter } from "./compile.ts";
import type { DateDetector } from "./date.ts";
import type { DatePlace } from "./date-templates.ts";
import { type Literals, MIN_LITERAL, requiredLiterals, uniteLiterals } from "./python/literals.ts";
import type { PythonPattern } from "./python/pattern.ts";

/** What a line must hold for a filter to say anything of it. */
export type Needs =
  /** One of these; `lines` lines around it belong to it. */
  | { readonly every: false; readonly literals: readonly Literals[]; readonly lines: number }
  /** Nothing: the filter must see every line. */
  | { readonly every: true; readonly why: string };

/**
 * Finds out which lines a filter can be spared.
 *
 * @param isCut whether dates are cut out of the lines: what the patterns see in one piece may then be torn in two
 */
export function needsOf({ prefregex, failregex, maxlines, dates }: CompiledFilter, isCut: boolean): Needs {
  const place = isCut ? dates.place : undefined;
  const literalsIn = (pattern: PythonPattern) => literalsOf(pattern, place) ?? literalsAround(pattern, dates);
  const ofPrefregex = prefregex && literalsIn(prefregex.pattern);
  const literals: Literals[] = [];
  for (const [index, { pattern }] of failregex.entries()) {
    const found = literalsIn(pattern) ?? ofPrefregex;
    if (found === undefined)
      return { every: true, why: `failregex ${index + 1} has no fixed text to look for` };
    literals.push(found);
  }
  return { every: false, literals, lines: maxlines };
}

/** Texts of which one stands in every line that the pattern matches, the date still in it. */
function literalsOf(pattern: PythonPattern, date: DatePlace | undefined): Literals | undefined {
  const whole = pattern.known ? pattern.known.literals : requiredLiterals(pattern.tree);
  const untorn =
    whole && date !== "any"
      ? { ...whole, texts: whole.texts.map((text) => untearable(text, date)) }
      : undefined;
  if (untorn && isLongEnough(untorn)) return untorn;
  const halves = pattern.known ? pattern.known.halves : requiredLiterals(pattern.tree, { cut: true });
  return halves && isLongEnough(halves) ? halves : undefined;
}

/** The same for dates that stand anywhere: what a line holds whole, or a date, which then may have torn it. */
function literalsAround(pattern: PythonPattern, dates: DateDetector): Literals | undefined {
  const whole = pattern.known ? pattern.known.literals : requiredLiterals(pattern.tree);
  const ofDates = whole && dates.literals;
  return ofDates && [whole, ...ofDates].every(isLongEnough) ? uniteLiterals([whole, ...ofDates]) : undefined;
}

function isLongEnough({ texts }: Literals): boolean {
  return texts.every(({ length }) => length >= MIN_LITERAL);
}

/** The longest part of a text that no date can stand in. */
function untearable(text: string, date: DatePlace | undefined): string {
  if (date === "begin") return text.replace(/^\W{1,2}/, "");
  if (date === undefined) return text;
  const parts = text.split(/(?=\W)/);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}
