import { type Literals, requiredLiterals } from "../../python/analyse/literals.ts";
import type { SearchBudget } from "../../python/search/budget.ts";
import { isAscii } from "../../python/search/compile-pattern.ts";
import { flat } from "../../shared/text.ts";
import type { Doubt } from "../../shared/time.ts";
import type { DateLanguage } from "./date-directives.ts";
import { type DateMatch, LineTemplate } from "./date-match.ts";
import { type DatePlace, isDefault, placeOf, readDatepattern } from "./date-templates.ts";
import { type DateView, viewOf } from "./date-view.ts";

/** The date of a line. */
export interface FoundDate {
  /** What is cut out of the line, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Epoch milliseconds; undefined for an impossible date, such as 30 February, and where it is inherited. */
  readonly time: number | undefined;
  /** What is ambiguous about it. */
  readonly doubt: Doubt | undefined;
  /** Index of the template that found it: see `DateDetector.describe`. */
  readonly template: number;
  /** The date is empty, as with `{NONE}` and `^WARNING:()**`: the line has the time of an earlier one. */
  readonly inherits?: true;
}

/** `Jan 23 21:59:59 ` without a digit after it, which could begin a year: no default template before syslog's matches there. */
const STAMP = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?!\d)/;
const STAMP_LENGTH = 15;

/**
 * Finds the date of a line, as fail2ban's DateDetector does in the first line that it sees: earlier lines have no influence. The first
 * template that is anchored or matches at column 0 or 1 wins; else the match that starts first.
 *
 * fail2ban also prefers the template that matched last, wherever it matches: a client that can put a date into the message could then
 * choose the time of the line.
 */
export class DateDetector {
  readonly #datepattern: string;
  readonly #language: DateLanguage;
  #templates: readonly LineTemplate[];
  /** The last digit but one of the latest year that `%ExY` takes: 2 for 2029. */
  #decade = 2;
  /** The last line: jails with the same datepattern share a detector, and see the same lines. */
  #last: { readonly line: string; readonly now: number; readonly found: FoundDate | undefined } | undefined;
  /** Whether the templates are the default ones, first those bound to the beginning. */
  readonly #isDefault: boolean;
  /** The last syslog stamp, with the blank after it: saves 2 µs for each line of the same second. */
  #stamp: { readonly stamp: string; readonly now: number; readonly found: FoundDate } | undefined;
  /** When the years of the next decade are accepted, in epoch milliseconds. */
  #decadeEnd = sight(2);

  /**
   * @param datepattern fail2ban's option; empty: the default templates
   * @param language what its directives mean
   * @throws PatternError for a line with an unknown directive or an invalid pattern; in the latter case the offset counts in the line
   * with its directives expanded
   */
  constructor(datepattern = "", language: DateLanguage = "fail2ban") {
    this.#datepattern = datepattern;
    this.#language = language;
    this.#templates = this.#newTemplates();
    this.#isDefault = /^\s*(?:\{\^LN-BEG\}|\{DEFAULT\})?\s*$/i.test(datepattern);
    for (const template of this.#templates) if (!isDefault(template.name)) template.compile();
  }

  /** The date of `line`, without its newline. `now`, in epoch milliseconds, completes a date without year or day. */
  find(line: string, now: number, ascii = isAscii(line), budget?: SearchBudget): FoundDate | undefined {
    const last = this.#last;
    if (last !== undefined && last.line === line && last.now === now) return last.found;
    const found = this.#search(line, now, ascii, budget);
    this.#last = { line, now, found };
    return found;
  }

  /** Most lines begin with a syslog stamp, and lines of one second follow each other: the result for the last stamp is used again. */
  #search(
    line: string,
    now: number,
    ascii: boolean,
    budget: SearchBudget | undefined,
  ): FoundDate | undefined {
    if (now >= this.#decadeEnd) this.#widen(now);
    const known = this.#stamp;
    if (
      known !== undefined &&
      known.now === now &&
      line.startsWith(known.stamp) &&
      !isDigitAt(line, STAMP_LENGTH + 1)
    )
      return known.found;
    if (!this.#isDefault || !STAMP.test(line))
      return this.#searchAll(this.#templates, line, now, ascii, budget);
    const template = known && this.#templates[known.found.template];
    const stamp = template && this.#searchAll([template], line, now, ascii, budget);
    const found =
      stamp?.end === STAMP_LENGTH ? stamp : this.#searchAll(this.#templates, line, now, ascii, budget);
    if (found?.end === STAMP_LENGTH)
      this.#stamp = { stamp: flat(line.slice(0, STAMP_LENGTH + 1)), now, found };
    return found;
  }

  #searchAll(
    templates: readonly LineTemplate[],
    line: string,
    now: number,
    ascii: boolean,
    budget: SearchBudget | undefined,
  ): FoundDate | undefined {
    let first: DateMatch | undefined;
    let view: DateView | undefined;
    for (const template of templates) {
      if (template.isDefault) view ??= viewOf(line, ascii);
      const match =
        template.isDefault && view
          ? template.match(view.text, view.ascii)
          : template.match(line, ascii, budget);
      if (match === undefined) continue;
      if (template.anchored || isNearBeginning(match.column, line)) return this.#found(match, now);
      if (first === undefined || match.column < first.column) first = match;
    }
    return first === undefined ? undefined : this.#found(first, now);
  }

  /** Where dates can stand, by all templates together. */
  get place(): DatePlace {
    const places = readDatepattern(this.#datepattern, this.#decade, this.#language).map(placeOf);
    return (["any", "word", "begin"] as const).find((place) => places.includes(place)) ?? "begin";
  }

  /**
   * For each template, literals of which one occurs in every line in which it finds a date; undefined unless all templates have some.
   */
  get literals(): readonly Literals[] | undefined {
    const all = this.#templates.map((template) => requiredLiterals(template.compile().tree));
    const known = all.filter((each) => each !== undefined);
    return known.length < all.length || /%Ex/i.test(this.#datepattern) ? undefined : known;
  }

  /** Whether an empty date is found in a line without a date. */
  get findsNothing(): boolean {
    return !this.#isDefault && this.find("", 0)?.inherits === true;
  }

  /** How the template with this index would be written in a datepattern. */
  describe(template: number): string {
    return this.#templates[template]?.name ?? "";
  }

  #found(match: DateMatch, now: number): FoundDate {
    const { start, end } = match;
    const template = this.#templates.indexOf(match.template);
    if (start === end) {
      return { start, end, time: undefined, template, doubt: undefined, inherits: true };
    }
    const time = match.template.time(match, now);
    return { start, end, time, template, doubt: match.template.doubt(match) };
  }

  /** Lets `%ExY` match the years of the next decade. */
  #widen(now: number): void {
    while (now >= this.#decadeEnd) this.#decadeEnd = sight(++this.#decade);
    this.#templates = this.#newTemplates();
  }

  #newTemplates(): readonly LineTemplate[] {
    const templates = readDatepattern(this.#datepattern, this.#decade, this.#language);
    return templates.map((template) => new LineTemplate(template));
  }
}

/** fail2ban's `%ExY` looks three years ahead. The last decade, 2090 to 2099, has no end. */
function sight(decade: number): number {
  return decade < 9 ? Date.UTC(2007 + 10 * decade, 0) : Number.POSITIVE_INFINITY;
}

function isDigitAt(line: string, at: number): boolean {
  const code = line.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Columns are code points. */
function isNearBeginning(column: number, line: string): boolean {
  return column <= 1 || (column === 2 && (line.codePointAt(0) ?? 0) > 0xffff);
}
