import type { PatternFlags } from "../pattern.ts";
import type { Scanner } from "./scanner.ts";

/** Flags in force at a place of a pattern. */
export type Flags = Required<PatternFlags>;

export const NO_FLAGS: Flags = {
  ignorecase: false,
  multiline: false,
  dotall: false,
  verbose: false,
  ascii: false,
};

const LETTERS: Readonly<Record<string, keyof Flags>> = {
  i: "ignorecase",
  m: "multiline",
  s: "dotall",
  x: "verbose",
};

/**
 * Reads the flags of `(?i)` and `(?i-s:`, from after the question mark to after `)` or `:`.
 * `u` is the default; `a` makes `\w`, `\d`, `\s`, `\b` and case ASCII's.
 *
 * @throws PatternError for letters that Python does not have, or does not allow there
 */
export function readFlags(scanner: Scanner, outer: Flags): { flags: Flags; end: ")" | ":" } {
  const { offset } = scanner;
  const on = scanner.takeWhile(/[a-zA-Z]/);
  const minus = scanner.accept("-");
  const off = minus ? scanner.takeWhile(/[a-zA-Z]/) : "";
  const end = scanner.next();
  if ((end !== ")" && end !== ":") || (minus && end === ")") || (minus && off === "")) {
    scanner.fail(offset, 'expected flags and then ")" or ":"');
  }
  if (
    (on.includes("a") && on.includes("u")) ||
    /[au]/.test(off) ||
    [...on].some((flag) => off.includes(flag))
  ) {
    scanner.fail(offset, "these flags are mutually exclusive");
  }
  return { flags: withFlags(scanner, offset, withFlags(scanner, offset, outer, on, true), off, false), end };
}

function withFlags(scanner: Scanner, offset: number, flags: Flags, letters: string, value: boolean): Flags {
  const result: { -readonly [Key in keyof Flags]: boolean } = { ...flags };
  for (const letter of letters) {
    const key = LETTERS[letter];
    if (key) result[key] = value;
    else if (letter === "a" || letter === "u") result.ascii = letter === "a";
    else scanner.fail(offset, `unknown flag "${letter}"`);
  }
  return result;
}
