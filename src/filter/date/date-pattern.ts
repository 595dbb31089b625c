import { PatternError } from "../../python/pattern.ts";
import { type DateLanguage, directives, inLanguage } from "./date-directives.ts";

/** A date format: the Python pattern that finds it, and what its groups mean. */
export interface DateTemplate {
  /** As it would be written in a datepattern. */
  readonly name: string;
  /** What gives the time: groups named like strptime's directives, the group `epoch`, or all that is cut out. */
  readonly kind: "fields" | "epoch" | "tai64n";
  readonly source: string;
  /** Anchored at the beginning or end of the line: its match ends the search. */
  readonly anchored: boolean;
  /** Anchored at the beginning. */
  readonly atBegin: boolean;
  /** A default date at the end of a frame, `…({DATE})`: what is cut out ends in a word, and the word ends there. */
  readonly endsFrame?: boolean;
  /**
   * True: what is cut out is group `date_`, which ends where the match ends, and the time follows from its text alone. False: what is
   * cut out is group 1, anywhere in the match.
   */
  readonly whole: boolean;
}

const LINE_BEGIN = "{^LN-BEG}";
const UNBOUND = "{UNB}";
const EPOCH = /(?<!\\)\{L?EPOCH\}/i;

/** Not inside a word. V8 finds it several times as fast as `\b`. */
const WORD_BOUND = String.raw`(?<!\w(?=\w))`;

/** A date that begins or ends with punctuation, such as brackets, is not inside a word: no further check is needed. */
const BEGINS_ALONE = /^\\[!-/:-@[-^`{-~](?![?*{])/;
const ENDS_ALONE = /(?<=(?<!\\)(?:\\\\)*\\)[!-/:-@[-^`{-~]$/;

/**
 * Reads one line of a datepattern that stands for one template: a Python pattern with strptime's directives, `{EPOCH}`,
 * `TAI64N` or `{NONE}`. `decade` is the last digit but one of the latest year that `%ExY` takes: 2 for 2000 to 2029.
 *
 * @throws PatternError for an unknown directive.
 */
export function readTemplate(line: string, decade: number, language: DateLanguage): DateTemplate {
  const name = line.includes("%") ? line : line.toUpperCase();
  const special = /^(\{\^LN-BEG\}|\^)?(?:(L?EPOCH)|TAI64N)$/.exec(name);
  if (special !== null) {
    const begin = special[1] === undefined ? "none" : "line";
    if (special[2] === undefined) return tai64n(name, begin);
    return epoch(name, begin, special[2] === "LEPOCH");
  }
  if (name.includes("EPOCH") && EPOCH.test(line)) return framedEpoch(line, name.includes("LEPOCH"));
  return name === "{NONE}" ? { ...fields("{UNB}^", decade, language), name } : fields(line, decade, language);
}

type Begin = "word" | "line" | "none";

function tai64n(name: string, begin: Begin): DateTemplate {
  return { name, kind: "tai64n", ...bounded("@[0-9a-f]{24}", begin, true) };
}

function epoch(name: string, begin: Begin, long: boolean): DateTemplate {
  // Unless bound to the beginning, only at places where timestamps stand: `[1138049999]`, SELinux's `audit(1138049999`.
  const place = begin === "line" ? "" : String.raw`(?:^|(?<=^\[)|(?<=\baudit\())`;
  return { name, kind: "epoch", ...bounded(`${place}(?P<epoch>${epochDigits(long)})`, begin, true) };
}

function framedEpoch(line: string, long: boolean): DateTemplate {
  const frame = line.replace(EPOCH, () => `(?P<epoch>${epochDigits(long)})`);
  return { name: line, kind: "epoch", ...bounded(`(${frame})`, "word", true) };
}

/** Seconds; the long form also takes milliseconds, with a fraction or without, and microseconds. */
function epochDigits(long: boolean): string {
  return long ? String.raw`\d{10,11}(?:\d{3}(?:\.\d{1,6}|\d{3})?)?` : String.raw`\d{10,11}\b(?:\.\d{3,6})?`;
}

function fields(line: string, decade: number, language: DateLanguage): DateTemplate {
  const begin = line.startsWith(UNBOUND) ? "none" : line.startsWith(LINE_BEGIN) ? "line" : "word";
  const skipped = { none: UNBOUND.length, line: LINE_BEGIN.length, word: 0 }[begin];
  const ignorecase = /(?<!%)%[aAbBpc]/.test(line) ? "(?iu)" : "";
  const regex = ignorecase + translate(inLanguage(line, language), skipped, directives(decade, language));
  return { name: line, kind: "fields", ...bounded(regex, begin, begin !== "none") };
}

/** Expands the directives of `line` from `start` on. */
function translate(line: string, start: number, known: ReturnType<typeof directives>): string {
  return line.slice(start).replace(/%(Ex.|.?)/gsu, (text, directive: string, offset: number) => {
    const regex = known[directive];
    if (regex !== undefined) return regex;
    throw new PatternError(
      "ERR_PATTERN_SYNTAX",
      start + offset,
      `unknown directive ${JSON.stringify(text)} in datepattern`,
    );
  });
}

/**
 * Binds a date to the beginning of the line or to word boundaries, unless it has bounds of its own (`^`, `$`, `**`), and puts a group
 * around one that has none. As fail2ban's DateTemplate.setRegex, it looks only at the text of the pattern.
 */
function bounded(
  regex: string,
  begin: Begin,
  end: boolean,
): Pick<DateTemplate, "source" | "anchored" | "atBegin" | "whole"> {
  let flags = "";
  let body = regex.trim().replace(/(?<!\\)\(\?[aiLmsux]+\)/g, (flag) => {
    flags += flag;
    return "";
  });
  const bindBegin = begin !== "none" && !/^\(*(?:\^|\*\*|\(\?:\^)/.test(body);
  const bindEnd = end && !/(?<!\\)(?:\$\)?|\\b|\\s|\*\*\)*)$/.test(body);
  body = body.replace(/^(\(*)\*\*/, "$1").replace(/(?<!\\)\*\*(\)*)$/, "$1");
  const grouped = /(?<!\\|\(\?)\((?!\?)/.test(body);
  const whole = !grouped && !/\(\?<?[=!]/.test(body);
  if (!grouped) body = body.replace(/^(\^?)(.*?)((?:(?<!\\)\$)?)$/s, "$1(?P<date_>$2)$3");
  const atBegin = bindBegin ? begin === "line" : /^(?:\^|\((?:\?:)?\^(?!\|))/.test(body);
  const atEnd = !bindEnd && /(?<![\\|])\$\)?$/.test(body);
  const endBound = bindEnd && !ENDS_ALONE.test(body) ? WORD_BOUND : "";
  if (bindBegin && begin === "line") body = String.raw`^\W{0,2}${body}`;
  else if (bindBegin && !BEGINS_ALONE.test(body)) body = WORD_BOUND + body;
  return { source: flags + body + endBound, anchored: atBegin || atEnd, atBegin, whole };
}
