import type { JournalMatch } from "./rule.ts";

/**
 * Fields that name a program only as it names itself: whoever may start a process or a unit of his own chooses them.
 * journald fills in all fields that begin with `_`, but these from what the process says.
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
 * @throws SyntaxError for a word that is none of these, for a field that any local user can write into the journal
 * (those without `_` before them), and for an alternative without conditions
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
 * Splits a text into words as fail2ban does: at blanks, quotes hold blanks together, and each line is an alternative.
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
 * The fields of an alternative that anybody on the machine can meet by naming a program or a unit of his own; undefined
 * when every alternative has a condition that he can't.
 */
export function forgeableFields(match: JournalMatch): readonly string[] | undefined {
  const weak = match.find((terms) => [...terms.keys()].every((field) => SELF_CHOSEN.has(field)));
  return weak && [...weak.keys()];
}

function addTerm(terms: Map<string, Set<string>>, word: string): void {
  const [, field, value] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
  if (field === undefined || value === undefined || !/^[A-Z0-9_]{1,64}$/.test(field)) {
    throw new SyntaxError(`expected FIELD=VALUE, got ${JSON.stringify(word.slice(0, 60))}`);
  }
  if (!/^_[A-Z0-9]/.test(field)) {
    throw new SyntaxError(`any local user can write the field ${field}; take one such as _SYSTEMD_UNIT`);
  }
  terms.set(field, (terms.get(field) ?? new Set()).add(value));
}

function splitWords(line: string): readonly string[] {
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*'|["'])+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}
