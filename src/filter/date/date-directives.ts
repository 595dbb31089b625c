import { MONTHS, WEEKDAYS } from "./date-value.ts";

/**
 * What dates mean: exactly what fail2ban's do, or, for our own rules, with two differences. A fraction of a second may have nine digits, as Go's
 * programs write it: fail2ban takes six and, where more follow, drops the zone behind them. And a year after a time is none when it is the
 * beginning of a host name, such as `2024-web` or `2001:db8::1`.
 */
export type DateLanguage = "fail2ban" | "own";

/**
 * The Python patterns that stand for the directives of a datepattern: those of strptime, `%k` and `%l` (blank instead of a
 * leading zero), and the exact ones of fail2ban, `%Ex…`, which want all digits, a year from 2000 to the end of `decade` (2:
 * 2029), or zones by their abbreviations too.
 */
export function directives(decade: number, language: DateLanguage): Readonly<Record<string, string>> {
  const year = String.raw`(?P<Y>20[0-${decade}]\d)`;
  return language === "own" ? { ...COMMON, ExY: year, f: NANOSECONDS } : { ...COMMON, ExY: year };
}

const NANOSECONDS = "(?P<f>[0-9]{1,9})";

/** A year after a time, and the same where it does not begin a host name. */
const LAST_YEAR = "(?: %ExY)?";
const LAST_YEAR_ALONE = String.raw`(?: %ExY(?![-.]\w|:[\w:]))?`;

/** A template as a language reads it, its directives not expanded. */
export function inLanguage(template: string, language: DateLanguage): string {
  return language === "own" ? template.replaceAll(LAST_YEAR, LAST_YEAR_ALONE) : template;
}

const ZONE = "[A-Z](?:[A-Z]{2,4})?";
const OFFSET = String.raw`[+-][01]\d(?::?\d{2})?`;
const either = (names: readonly string[]) => names.join("|");
const short = (names: readonly string[]) => either(names.map((name) => name.slice(0, 3)));

const BASIC = {
  "%": "%",
  a: `(?P<a>${short(WEEKDAYS)})`,
  A: `(?P<A>${either(WEEKDAYS)})`,
  b: `(?P<b>${short(MONTHS)})`,
  B: `(?P<B>${either(MONTHS)})`,
  d: String.raw`(?P<d>[12]\d|[0 ]?[1-9]|3[01])`,
  f: "(?P<f>[0-9]{1,6})",
  G: String.raw`(?P<G>\d{4})`,
  H: String.raw`(?P<H>[01]?\d|2[0-3])`,
  I: "(?P<I>1[0-2]|0?[1-9])",
  j: String.raw`(?P<j>36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0?[1-9])`,
  k: String.raw` ?(?P<H>[0-2]?\d)`,
  l: String.raw` ?(?P<I>1?\d)`,
  m: "(?P<m>0?[1-9]|1[0-2])",
  M: String.raw`(?P<M>[0-5]?\d)`,
  p: "(?P<p>am|pm)",
  S: String.raw`(?P<S>[0-5]?\d|6[01])`,
  u: "(?P<u>[1-7])",
  U: String.raw`(?P<U>5[0-3]|[0-4]\d|\d)`,
  V: String.raw`(?P<V>5[0-3]|0[1-9]|[1-4]\d|\d)`,
  w: "(?P<w>[0-6])",
  W: String.raw`(?P<W>5[0-3]|[0-4]\d|\d)`,
  y: String.raw`(?P<y>\d{2})`,
  Y: String.raw`(?P<Y>\d{4})`,
  z: `(?P<z>Z|UTC|GMT|${OFFSET})`,
  Z: "(?P<Z>Z|[A-Z]{3,5})",
};

const COMMON: Readonly<Record<string, string>> = {
  ...BASIC,
  e: BASIC.d,
  c: String.raw`${BASIC.a}\s+${BASIC.b}\s+${BASIC.d}\s+${BASIC.H}:${BASIC.M}:${BASIC.S}\s+${BASIC.Y}`,
  x: `${BASIC.m}/${BASIC.d}/${BASIC.y}`,
  X: `${BASIC.H}:${BASIC.M}:${BASIC.S}`,
  Exd: String.raw`(?P<d>[12]\d|0[1-9]|3[01])`,
  Exm: "(?P<m>0[1-9]|1[0-2])",
  ExH: String.raw`(?P<H>[01]\d|2[0-3])`,
  Exk: String.raw` ?(?P<H>[01]?\d|2[0-3])`,
  Exl: String.raw` ?(?P<I>1[0-2]|\d)`,
  ExM: String.raw`(?P<M>[0-5]\d)`,
  ExS: String.raw`(?P<S>[0-5]\d|6[01])`,
  Exy: BASIC.y,
  Exz: `(?P<z>(?:${ZONE})?${OFFSET}|${ZONE})`,
  ExZ: `(?P<Z>${ZONE})`,
};
