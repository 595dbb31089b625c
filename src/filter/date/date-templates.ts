import type { DateLanguage } from "./date-directives.ts";
import { type DateTemplate, readTemplate } from "./date-pattern.ts";

const LINE_BEGIN = "{^LN-BEG}";
const DATE = /(?<!\\)\{DATE\}/gi;

/** The dates that are sought without a datepattern: fail2ban's, in its order. */
const DEFAULTS: readonly string[] = [
  // ISO 8601 and its looser forms: 2005-01-23T21:59:59.981Z, 2005/01/23  8:59:59, 2005.01.23 21:59:59,123 +0100
  String.raw`%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T| {1,2})%H:%M:%S(?:[.,]%f)?(?:\s*%z)?`,
  // syslog and asctime: Jan 23 21:59:59, Sun Jan 23 21:59:59.011 2005; with the year after the day
  String.raw`(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?`,
  String.raw`(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?`,
  // 23/01/2005 21:59:59, 23-01-05 21:59:59
  "%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S",
  // Web servers, named: 23/Jan/2005:21:59:59 +0100, 23-Jan-2005 21:59:59.252
  String.raw`%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?`,
  // Month first: 01/23/2005:21:59:59, 01-23-2005 21:59:59.252
  "%m/%d/%ExY:%H:%M:%S",
  String.raw`%m-%d-%ExY %k:%M:%S(?:\.%f)?`,
  "EPOCH",
  `${LINE_BEGIN}%H:%M:%S`,
  "^<%m/%d/%Exy@%H:%M:%S>",
  // MySQL: 050123 21:59:59
  "%Exy%Exm%Exd {1,2}%H:%M:%S",
  // Tomcat: Jan 23, 2005 9:59:59 PM
  "%b %d, %ExY %I:%M:%S %p",
  // ASSP: Jan-23-05 21:59:59
  "^%b-%d-%Exy %k:%M:%S",
  // 20050123T215959, 20050123-21:59:59
  String.raw`%ExY%Exm%Exd(?:[-T]| {1,2})%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?`,
  // monit: PDT Jan 23 21:59:59; +0100 Jan 23 21:59:59
  String.raw`(?:%Z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?`,
  String.raw`(?:%z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?`,
  "TAI64N",
];

/** Tried before them: the same bound to the beginning of the line, where a date takes precedence. */
const BOUND = DEFAULTS.filter((line) => !line.startsWith(LINE_BEGIN) && !line.startsWith("^")).map(
  (line) => LINE_BEGIN + line,
);

/**
 * Reads a datepattern: a template a line, or several where the line is `{DEFAULT}`, `{^LN-BEG}` (the default ones, bound to the
 * line's beginning) or a frame around `{DATE}`. An empty datepattern stands for the default ones. `decade` as for `readTemplate`.
 *
 * @throws PatternError for an unknown directive.
 */
export function readDatepattern(
  datepattern: string,
  decade: number,
  language: DateLanguage,
): readonly DateTemplate[] {
  const lines = datepattern
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const templates =
    lines.length === 0
      ? defaults(decade, language)
      : lines.flatMap((line) => readLine(line, decade, language));
  return [...new Map(templates.map((template) => [template.name, template])).values()];
}

function readLine(line: string, decade: number, language: DateLanguage): DateTemplate[] {
  const key = line.includes("%") ? line : line.toUpperCase();
  if (key === "{DEFAULT}") return defaults(decade, language);
  if (key === LINE_BEGIN) return defaults(decade, language).filter((template) => template.anchored);
  return key.includes("{DATE}") ? framed(line, decade, language) : [readTemplate(line, decade, language)];
}

/** True for the name of a default template: it is known to compile. */
export function isDefault(name: string): boolean {
  return DEFAULTS.includes(name) || BOUND.includes(name);
}

/** Where the date that is cut out can stand, as far as it matters to a literal that it can split. */
export type DatePlace =
  /** At the beginning of the line, after at most two characters that are not word characters. */
  | "begin"
  /** Also elsewhere, but not followed by a word character. */
  | "word"
  | "any";

/** Where the dates of a template can stand. */
export function placeOf({ name, atBegin, whole, endsFrame }: DateTemplate): DatePlace {
  if (atBegin && (whole || isDefault(name))) return "begin";
  return isDefault(name) || endsFrame ? "word" : "any";
}

function defaults(decade: number, language: DateLanguage): DateTemplate[] {
  return [...BOUND, ...DEFAULTS].map((line) => readTemplate(line, decade, language));
}

/** The default dates in a frame. As in fail2ban, EPOCH and TAI64N are left out unless the frame is just `^` or `{^LN-BEG}`. */
function framed(frame: string, decade: number, language: DateLanguage): DateTemplate[] {
  return DEFAULTS.flatMap((line) => {
    const date = line.startsWith(LINE_BEGIN) ? line.slice(LINE_BEGIN.length) : line;
    const template = readTemplate(
      frame.replace(DATE, () => date),
      decade,
      language,
    );
    const endsFrame = /(?<!\\)\(\{DATE\}\)$/i.test(frame);
    return line.includes("%") || template.kind !== "fields" ? [{ ...template, endsFrame }] : [];
  });
}
