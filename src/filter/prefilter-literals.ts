import {
  type Literals,
  lengthOf,
  literalsOf,
  MIN_LITERAL,
  SHORT_LITERAL,
  scoreOf,
  uniteLiterals,
} from "../python/analyse/literals.ts";
import type { PythonPattern } from "../python/pattern.ts";
import type { CompiledFilter } from "./compile-filter.ts";
import type { DateDetector } from "./date/date.ts";
import type { DatePlace } from "./date/date-templates.ts";

/** Further sets of literals that are checked for a line with a hit: how many, how many texts each has at most, and how rare they are at least. */
const MAX_FURTHER = 2;
const MAX_FURTHER_TEXTS = 16;
const LEAST_FURTHER = 1;

/** How much rarer short texts must be to be preferred to longer ones. */
const SHORTNESS = 2;

/** Which lines a filter must see. */
export type Prefilter =
  /** Lines with the literals of a failregex; `lines` lines around such a line belong to it. */
  | { readonly every: false; readonly patterns: readonly PatternPrefilter[]; readonly lines: number }
  /** Every line. */
  | { readonly every: true; readonly why: string };

/** The literals that a line must have for a pattern to match. */
interface PatternPrefilter {
  /** One of these. */
  readonly literals: Literals;
  /** And one of each of these sets. */
  readonly further: readonly Literals[];
}

/**
 * Finds out which lines a filter must see.
 *
 * @param isCut whether dates are cut out of the lines: a literal may then be in two pieces in the line
 */
export function prefilterOf(
  { prefregex, failregex, maxlines, dates }: CompiledFilter,
  isCut: boolean,
): Prefilter {
  const place = isCut ? dates.place : undefined;
  const ofPrefregex = prefregex ? claimsOf(prefregex.pattern, place, dates) : [];
  const patterns: PatternPrefilter[] = [];
  for (const [index, { pattern }] of failregex.entries()) {
    const claims = [...claimsOf(pattern, place, dates), ...ofPrefregex];
    const [literals, ...others] = claims.sort((a, b) => rankOf(b) - rankOf(a));
    if (literals === undefined)
      return { every: true, why: `failregex ${index + 1} has no fixed text to look for` };
    patterns.push({ literals, further: others.filter(isWorthwhile).slice(0, MAX_FURTHER) });
  }
  return { every: false, patterns, lines: maxlines };
}

/**
 * Sets of literals of which one each occurs in every line that the pattern matches, the date still in it. All are long enough to be
 * sought.
 */
function claimsOf(
  pattern: PythonPattern,
  date: DatePlace | undefined,
  dates: DateDetector,
): readonly Literals[] {
  const { literals, further, halves } = pattern.precompiled ?? literalsOf(pattern.tree);
  const own = literals ? [literals, ...further] : further;
  const claims = date === "any" ? [] : own.flatMap((each) => untorn(each, date)).filter(isUseful);
  if (claims.length === 0) claims.push(...halves.filter(isUseful));
  if (literals && (date === "any" || claims.length === 0)) claims.push(...around(literals, dates));
  return claims;
}

/** Where dates can stand anywhere: a line has one of the literals in one piece, or a date. */
function around(literals: Literals, dates: DateDetector): readonly Literals[] {
  const all = [literals, ...(dates.literals ?? [])];
  return dates.literals && all.every(isUseful) ? [uniteLiterals(all)] : [];
}

function isUseful(literals: Literals): boolean {
  return lengthOf(literals) >= MIN_LITERAL;
}

/** How well a set of literals serves: short ones are sought at more places, which takes time. */
function rankOf(literals: Literals): number {
  return scoreOf(literals) - (lengthOf(literals) < SHORT_LITERAL ? SHORTNESS : 0);
}

/** Whether a set of literals is worth a check of each line with a hit. */
function isWorthwhile(literals: Literals): boolean {
  return literals.texts.length <= MAX_FURTHER_TEXTS && scoreOf(literals) >= LEAST_FURTHER;
}

/** The parts of literals that no date can split: all parts of a single text, the rarest first; the rarest part of each of several texts. */
function untorn(literals: Literals, date: DatePlace | undefined): readonly Literals[] {
  const parts = literals.texts.map((text) => partsOf(text, date));
  const [only] = parts;
  if (parts.length === 1 && only) return only.map((text) => ({ ...literals, texts: [text] }));
  return [{ ...literals, texts: parts.map(([rarest = ""]) => rarest) }];
}

/** The parts of a text that no date can split, the rarest first. */
function partsOf(text: string, date: DatePlace | undefined): readonly string[] {
  if (date === "begin") return [text.replace(/^\W{1,2}/, "")];
  if (date === undefined) return [text];
  const rarity = (part: string) => scoreOf({ texts: [part] });
  return text.split(/(?=\W)/).sort((a, b) => rarity(b) - rarity(a));
}
