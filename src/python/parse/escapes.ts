import { PatternError } from "../pattern.ts";
import type { Category } from "../tree.ts";
import type { Scanner } from "./scanner.ts";

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The category that an escape such as `\D` names, if it names one. */
export function categoryOf(token: string): Category | undefined {
  const match = /^\\([dswDSW])$/.exec(token);
  if (match?.[1] === undefined) return undefined;
  const kind = match[1].toLowerCase() as Category["kind"];
  return { kind, negated: kind !== match[1] };
}

/**
 * The code point that an escape stands for, outside and inside classes: `\n`, `\x41`, `\u0041`, `\U00000041`, `\.`.
 * `token` was just read; the digits after it are read here. As in Python an unknown ASCII letter is refused.
 *
 * @throws PatternError
 */
export function escapedCodePoint(scanner: Scanner, token: string): number {
  const start = scanner.offset - token.length;
  const char = token.slice(1);
  const control = CONTROLS[char];
  if (control !== undefined) return control;
  const digits = HEX_DIGITS[char];
  if (digits !== undefined) return hexadecimal(scanner, start, digits);
  if (char === "N") {
    const message = "character names (\\N{…}) are not supported: use \\u and the number";
    throw new PatternError("ERR_PATTERN_UNSUPPORTED", start, message);
  }
  if (/^[A-Za-z0-9]$/.test(char)) scanner.fail(start, `unknown escape "${token}"`);
  return char.codePointAt(0) ?? 0;
}

/** An octal escape inside a class, `\0` to `\377`; undefined if the token is not one. */
export function classOctal(scanner: Scanner, token: string): number | undefined {
  if (!/^\\[0-7]$/.test(token)) return undefined;
  return octal(scanner, scanner.offset - 2, token.slice(1) + scanner.takeWhile(/[0-7]/, 2));
}

/**
 * What a backslash and a digit mean outside classes: `\0…` and three octal digits are a character, anything else
 * is the number of a group.
 */
export function octalOrGroup(
  scanner: Scanner,
  token: string,
): { code: number } | { group: number } | undefined {
  const first = token.slice(1);
  if (!/^[0-9]$/.test(first)) return undefined;
  const start = scanner.offset - token.length;
  if (first === "0") return { code: octal(scanner, start, first + scanner.takeWhile(/[0-7]/, 2)) };
  const digits = first + scanner.takeWhile(/[0-9]/, 1);
  if (!/^[0-7]{2}$/.test(digits)) return { group: Number(digits) };
  const third = scanner.takeWhile(/[0-7]/, 1);
  return third === "" ? { group: Number(digits) } : { code: octal(scanner, start, digits + third) };
}

function hexadecimal(scanner: Scanner, start: number, digits: number): number {
  const text = scanner.takeWhile(/[0-9A-Fa-f]/, digits);
  if (text.length < digits) scanner.fail(start, `expected ${digits} hexadecimal digits in an escape`);
  const code = Number.parseInt(text, 16);
  if (code > 0x10ffff) scanner.fail(start, "there is no character above U+10FFFF");
  return code;
}

function octal(scanner: Scanner, start: number, digits: string): number {
  const code = Number.parseInt(digits, 8);
  if (code > 0o377) scanner.fail(start, "an octal escape goes up to \\377");
  return code;
}
