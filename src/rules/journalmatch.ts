import type { JournalMatch } from "./rule.ts";

/**
 * Fields that journald fills in from names that a user can choose: anyone who can start a program or a unit of their own controls them.
 */
const SELF_CHOSEN: ReadonlySet<string> = new Set([
  "_COMM",
  "_CMDLINE",
  "_SYSTEMD_USER_UNIT",
  "_SYSTEMD_USER_SLICE",
]);

/**
 * Reads journalctl's matches, one a word: `FIELD=VALUE`, and `+` between alternatives. The same field again: either
 * value; different fields: both.
 *
 * @throws SyntaxError for any other word, and for an alternative without conditions
 */
export function parseJournalMatch(words: readonly string[]): JournalMatch {
  const alternatives: Map<string, Set<string>>[] = [new Map()];
  for (const word of words) {
    if (word === "+") alternatives.push(new Map());
    else addTerm(alternatives.at(-1) ?? new Map(), word);
  }
  if (words.length > 0 && alternatives.some((terms) => terms.size === 0)) {
    throw new SyntaxError('expected FIELD=VALUE before and after "+"');
  }
  return words.length === 0 ? [] : alternatives;
}

/**
 * Splits a text into words as fail2ban does: at blanks outside of quotes; each line is an alternative.
 */
export function splitJournalMatch(text: string): readonly string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.flatMap((line, index) => (index === 0 ? splitWords(line) : ["+", ...splitWords(line)]));
}

/** The words that `parseJournalMatch` reads the same match from. */
export function formatJournalMatch(match: JournalMatch): readonly string[] {
  return match.flatMap((terms, index) => [
    ...(index === 0 ? [] : ["+"]),
    ...[...terms].flatMap(([field, values]) => [...values].map((value) => `${field}=${value}`)),
  ]);
}

/**
 * The fields of an alternative that any local user can match with an entry of their own: none begins with `_`, as those do that journald
 * fills in. Undefined when there is no such alternative.
 */
export function writableFields(match: JournalMatch): readonly string[] | undefined {
  return alternativeOf(match, (field) => !isTrusted(field));
}

/**
 * The fields of an alternative that a local user can match with a program or a unit named accordingly, or with an entry of their own.
 * Undefined when there is no such alternative.
 */
export function nameableFields(match: JournalMatch): readonly string[] | undefined {
  return alternativeOf(match, (field) => !isTrusted(field) || SELF_CHOSEN.has(field));
}

function alternativeOf(match: JournalMatch, has: (field: string) => boolean): readonly string[] | undefined {
  const found = match.find((terms) => [...terms.keys()].every(has));
  return found && [...found.keys()];
}

function isTrusted(field: string): boolean {
  return /^_[A-Z]/.test(field);
}

function addTerm(terms: Map<string, Set<string>>, word: string): void {
  const [, field, value] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
  if (field === undefined || value === undefined || !/^[A-Z0-9_]{1,64}$/.test(field)) {
    throw new SyntaxError(`expected FIELD=VALUE, got ${JSON.stringify(word.slice(0, 60))}`);
  }
  terms.set(field, (terms.get(field) ?? new Set()).add(value));
}

function splitWords(line: string): readonly string[] {
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*'|["'])+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}
