import { isTrue } from "./calls.ts";
import { type LocatedText, placeOf } from "./located-text.ts";
import { parseSeconds } from "./seconds.ts";

/** The options of a jail, by name. */
export type JailOptions = ReadonlyMap<string, LocatedText>;

/** Takes the text of a warning; `loadFail2ban` adds the name of the jail. */
export type Warn = (message: string) => void;

/** Longest duration, in seconds, so that the end of a ban stays a valid date: a hundred years. */
const LONGEST = 100 * 31_557_600;

/** Milliseconds; undefined when not set, or invalid, with a warning. */
export function duration(options: JailOptions, key: string, warn: Warn): number | undefined {
  const text = options.get(key)?.text;
  if (text === undefined || text === "") return undefined;
  const seconds = parseSeconds(text);
  if (seconds !== undefined && seconds > 0) return Math.round(Math.min(seconds, LONGEST) * 1000);
  if (seconds === 0 && key === "bantime.rndtime") return 0;
  warn(`${key}: expected a duration such as "10m", got ${JSON.stringify(text)}: using the default`);
  return undefined;
}

/** A whole number; `fallback` when not set, or invalid, with a warning. */
export function wholeNumber(
  options: JailOptions,
  key: string,
  { min, fallback }: { readonly min: number; readonly fallback: number },
  warn: Warn,
): number {
  const value = options.get(key);
  if (value === undefined) return fallback;
  const number = /^\s*\+?\d{1,9}\s*$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (number >= min) return number;
  const { file, line } = placeOf(value);
  warn(
    `${key}: expected a whole number from ${min}, got ${JSON.stringify(value.text)} (${file}:${line}): using ${fallback}`,
  );
  return fallback;
}

/** Whether an option is true. Like fail2ban, takes any other text for false, but warns if it is no word for that. */
export function flag(options: JailOptions, key: string, fallback: boolean, warn: Warn): boolean {
  const value = options.get(key);
  return value === undefined ? fallback : isTrueOf(key, value, warn);
}

/** As `flag`, of one value. */
export function isTrueOf(key: string, value: LocatedText, warn: Warn): boolean {
  if (isTrue(value.text)) return true;
  if (!/^(?:0|off|false|no|)$/i.test(value.text.trim())) {
    const { file, line } = placeOf(value);
    const comment = /\s#/.test(value.text) ? '; after a value only " ;" begins a comment' : "";
    warn(
      `${key}: expected true or false, got ${JSON.stringify(value.text)} (${file}:${line}): using false, as fail2ban does${comment}`,
    );
  }
  return false;
}
