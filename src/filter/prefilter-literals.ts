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

/** So many claims are checked of a line besides the one that is sought everywhere, each of so many texts, so rare at least. */
const MAX_FURTHER = 2;
const MAX_FURTHER_TEXTS = 16;
const LEAST_FURTHER = 1;

/** So much rarer must short texts be than longer ones. */
const SHORTNESS = 2;

/** What a line must hold for a filter to say anything of it. */
export type Prefilter =
  /** For one of the failregexes what it needs; `lines` lines around it belong to it. */
  | { readonly every: false; readonly patterns: readonly PatternPrefilter[]; readonly lines: number }
  /** Nothing: the filter must see every line. */
  | { readonly every: true; readonly why: string };

/** What a line must hold for a pattern to match. */
interface PatternPrefilter {
  /** One of these. */
  readonly literals: Literals;
  /** And one of each of these. */
  readonly further: readonly Literals[];
}

/**
 * Finds out which lines a filter can be spared.
 *
 * @param isCut whether dates are cut out of the lines: what the patterns see in one piece may then be torn in two
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
 * Texts of which one each stands in every line that the pattern matches, the date still in it. None is shorter than can be sought.
 */
function claimsOf(
  pattern: PythonPattern,
  date: DatePlace | undefined,
  dates: DateDetector,
): readonly Literals[] {
  const { literals, further, halves } = pattern.known ?? literalsOf(pattern.tree);
  const own = literals ? [literals, ...further] : further;
  const claims = date === "any" ? [] : own.flatMap((each) => untorn(each, date)).filter(isUseful);
  if (claims.length === 0) claims.push(...halves.filter(isUseful));
  if (literals && (date === "any" || claims.length === 0)) claims.push(...around(literals, dates));
  return claims;
}

/** For dates that stand anywhere: what a line holds whole, or a date, which then may have torn it. */
function around(literals: Literals, dates: DateDetector): readonly Literals[] {
  const all = [literals, ...(dates.literals ?? [])];
  return dates.literals && all.every(isUseful) ? [uniteLiterals(all)] : [];
}

function isUseful(literals: Literals): boolean {
  return lengthOf(literals) >= MIN_LITERAL;
}

/** How good a claim is: short texts are looked for at more places, which takes time. */
function rankOf(literals: Literals): number {
  return scoreOf(literals) - (lengthOf(literals) < SHORT_LITERAL ? SHORTNESS : 0);
}

/** Whether a claim is worth being checked of each line for which the first one holds. */
function isWorthwhile(literals: Literals): boolean {
  return literals.texts.length <= MAX_FURTHER_TEXTS && scoreOf(literals) >= LEAST_FURTHER;
}

/** What no date can stand in: of a single text all its parts, the rarest first, of several texts the rarest part of each. */
function untorn(literals: Literals, date: DatePlace | undefined): readonly Literals[] {
  const parts = literals.texts.map((text) => partsOf(text, date));
  const [only] = parts;
  if (parts.length === 1 && only) return only.map((text) => ({ ...literals, texts: [text] }));
  return [{ ...literals, texts: parts.map(([rarest = ""]) => rarest) }];
}

/** The parts of a text that no date can stand in, the rarest first. */
function partsOf(text: string, date: DatePlace | undefined): readonly string[] {
  if (date === "begin") return [text.replace(/^\W{1,2}/, "")];
  if (date === undefined) return [text];
  const rarity = (part: string) => scoreOf({ texts: [part] });
  return text.split(/(?=\W)/).sort((a, b) => rarity(b) - rarity(a));
}
