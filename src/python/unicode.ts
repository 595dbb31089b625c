import { type CharSet, charSet } from "./charset.ts";
import type { Category } from "./tree.ts";

/**
 * Python's `\w`, `\d` and `\s` over all of Unicode. `\w` is `str.isalnum` and the underscore: letters and all
 * that has a numeric value. Characters younger than Python's or Node's tables may differ.
 */
export function unicodeCategory(kind: Category["kind"]): CharSet {
  if (kind === "s") return SPACE;
  categories ??= { d: scan(/\p{Nd}+/gu), w: scan(/[\p{L}\p{N}_]+/gu) };
  return categories[kind];
}

/** Python's lower case of one character, by its simple mapping. */
function lowerCase(code: number): number {
  if (code === DOTTED_CAPITAL_I) return 0x69;
  return String.fromCodePoint(code).toLowerCase().codePointAt(0) ?? code;
}

/**
 * Sets of characters that Python's `(?i)` takes for the same, by member; characters without case are in none. Two
 * characters are the same if their lower cases are, or if these have the same upper case (`s` and `ſ`).
 */
export function caseOrbits(): ReadonlyMap<number, readonly number[]> {
  orbits ??= collectOrbits();
  return orbits;
}

/** The same where the text is ASCII: its letters, with the other characters that match them. */
export const ASCII_ORBITS: ReadonlyMap<number, readonly number[]> = asciiOrbits({
  i: [0x130, 0x131],
  k: [0x212a],
  s: [0x17f],
});

/** The two cases of each ASCII letter: all the case there is under `(?a)`. */
export const ASCII_CASES: ReadonlyMap<number, readonly number[]> = asciiOrbits({});

/** İ: the one character whose lower case is two characters; its simple mapping is `i`. */
const DOTTED_CAPITAL_I = 0x130;

const SPACE: CharSet = [
  0x09, 0x0d, 0x1c, 0x20, 0x85, 0x85, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f,
  0x202f, 0x205f, 0x205f, 0x3000, 0x3000,
];

let categories: Record<"d" | "w", CharSet> | undefined;
let orbits: ReadonlyMap<number, readonly number[]> | undefined;

/** Beyond this there are no letters, digits or numbers: planes without characters, tags and private use. */
const LAST_LETTER_PLANE = 0x3ffff;

/** All characters in order up to the last that can matter, without the surrogates: those are in no category. */
function allCharacters(): string {
  let text = "";
  for (let start = 0; start < LAST_LETTER_PLANE; start += 0x800) {
    if (start === 0xd800) continue;
    text += String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => start + i));
  }
  return text;
}

/** The set of the runs that an expression finds; it must match unbroken runs. */
function scan(run: RegExp): CharSet {
  const runs: [number, number][] = [];
  for (const [text] of allCharacters().matchAll(run)) {
    const last = text.codePointAt(text.length - 2) ?? 0;
    runs.push([text.codePointAt(0) ?? 0, last > 0xffff ? last : text.charCodeAt(text.length - 1)]);
  }
  return charSet(runs);
}

function collectOrbits(): Map<number, readonly number[]> {
  const byUpper = new Map<string, number[]>();
  for (const [char] of allCharacters().matchAll(
    /[\p{Changes_When_Casemapped}\p{Changes_When_Uppercased}]/gu,
  )) {
    const code = char.codePointAt(0) ?? 0;
    const upper = String.fromCodePoint(lowerCase(code)).toUpperCase();
    byUpper.set(upper, [...(byUpper.get(upper) ?? []), code]);
  }
  const result = new Map<number, readonly number[]>();
  for (const orbit of byUpper.values()) for (const code of orbit) result.set(code, orbit);
  return result;
}

function asciiOrbits(others: Readonly<Record<string, readonly number[]>>): Map<number, readonly number[]> {
  const result = new Map<number, readonly number[]>();
  for (const letter of "abcdefghijklmnopqrstuvwxyz") {
    const lower = letter.charCodeAt(0);
    const orbit = [lower, lower - 0x20, ...(others[letter] ?? [])];
    for (const code of orbit) result.set(code, orbit);
  }
  return result;
}
