import type { CompiledFilter } from "./compile.ts";
import type { DateDetector } from "./date.ts";
import type { DatePlace } from "./date-templates.ts";
import {
  furtherLiterals,
  type Literals,
  MIN_LITERAL,
  requiredLiterals,
  uniteLiterals,
} from "./python/literals.ts";
import type { PythonPattern } from "./python/pattern.ts";
import type { Tree } from "./python/tree.ts";

/** Shorter texts are looked for at every place of a line, longer ones at each second, third and so on. */
const SHORT = 5;

/** What a line must hold for a filter to say anything of it. */
export type Needs =
  /** For one of the failregexes what it needs; `lines` lines around it belong to it. */
  | { readonly every: false; readonly patterns: readonly PatternNeeds[]; readonly lines: number }
  /** Nothing: the filter must see every line. */
  | { readonly every: true; readonly why: string };

/** What a line must hold for a pattern to match. */
interface PatternNeeds {
  /** One of these. */
  readonly literals: Literals;
  /** And one of these. */
  readonly further?: Literals | undefined;
}

/**
 * Finds out which lines a filter can be spared.
 *
 * @param isCut whether dates are cut out of the lines: what the patterns see in one piece may then be torn in two
 */
export function needsOf({ prefregex, failregex, maxlines, dates }: CompiledFilter, isCut: boolean): Needs {
  const place = isCut ? dates.place : undefined;
  const ofPrefregex = prefregex && claimsOf(prefregex.pattern, place, dates);
  const patterns: PatternNeeds[] = [];
  for (const [index, { pattern }] of failregex.entries()) {
    const own = claimsOf(pattern, place, dates);
    const [literals = ofPrefregex?.[0], ...others] = own;
    if (literals === undefined)
      return { every: true, why: `failregex ${index + 1} has no fixed text to look for` };
    const further = others.find(({ asciiOnly }) => !asciiOnly);
    patterns.push({ literals, further: further ?? (own.length > 0 ? ofPrefregex?.[0] : undefined) });
  }
  return { every: false, patterns, lines: maxlines };
}

/**
 * Texts of which one each stands in every line that the pattern matches, the date still in it, those that are best to look for
 * first. None is shorter than can be sought.
 */
function claimsOf(
  pattern: PythonPattern,
  date: DatePlace | undefined,
  dates: DateDetector,
): readonly Literals[] {
  const { literals, further, halves } = pattern.known ?? literalsOf(pattern.tree);
  const untorn = date === "any" ? [] : [literals, further].map((each) => each && untearableOf(each, date));
  const claims = [...untorn, halves].filter(isUseful);
  if (literals && (date === "any" || claims.length === 0)) claims.push(...around(literals, dates));
  // Short ones are looked for at every place, which takes time.
  return claims.sort((a, b) => Number(isShort(a)) - Number(isShort(b)));
}

function literalsOf(tree: Tree) {
  const halves = requiredLiterals(tree, { cut: true });
  return { literals: requiredLiterals(tree), further: furtherLiterals(tree), halves };
}

/** For dates that stand anywhere: what a line holds whole, or a date, which then may have torn it. */
function around(literals: Literals, dates: DateDetector): readonly Literals[] {
  const all = [literals, ...(dates.literals ?? [])];
  return dates.literals && all.every(isUseful) ? [uniteLiterals(all)] : [];
}

function isUseful(literals: Literals | undefined): literals is Literals {
  return literals?.texts.every(({ length }) => length >= MIN_LITERAL) ?? false;
}

function isShort({ texts }: Literals): boolean {
  return texts.some(({ length }) => length < SHORT);
}

function untearableOf(literals: Literals, date: DatePlace | undefined): Literals {
  return { ...literals, texts: literals.texts.map((text) => untearable(text, date)) };
}

/** The longest part of a text that no date can stand in. */
function untearable(text: string, date: DatePlace | undefined): string {
  if (date === "begin") return text.replace(/^\W{1,2}/, "");
  if (date === undefined) return text;
  const parts = text.split(/(?=\W)/);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}
