import { RuleError } from "../rule.ts";
import { type LocatedText, located, placeOf } from "./located-text.ts";

/** Longest filter or action with its parameters, in characters. */
const MAX_CALL = 10_000;

/** `name[key=value, …][…]`: a filter or an action with its parameters. */
export interface Call {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, LocatedText>;
}

/**
 * Reads `sshd[mode=aggressive, logtype="short"]`. A value in quotes may hold commas, brackets and line breaks; several
 * groups in brackets count as one, and the last of a key wins.
 *
 * @throws RuleError for anything else in the brackets
 */
export function parseCall(value: LocatedText): Call {
  if (value.text.length > MAX_CALL) throw unexpected(value, value.text);
  const [, name = "", group] = /^([^[]+)(?:\[(.*)\])?$/s.exec(value.text.trimEnd()) ?? [];
  if (name.trim() === "") throw unexpected(value, value.text);
  const parameters = new Map<string, LocatedText>();
  let rest = (group ?? "").trim();
  while (rest !== "" && rest !== ",") {
    const [whole, key, double, single, bare] =
      /^\s*([\w.-]+)=(?:"([^"]*)"|'([^']*)'|((?!"[^"]*"|'[^']*')[^,\]]*))(?:\s*(?:,|\]\s*\[)|\s*$)/.exec(
        rest,
      ) ?? [];
    if (whole === undefined || key === undefined) throw unexpected(value, rest);
    parameters.set(key, located((double ?? single ?? bare ?? "").trim(), placeOf(value)));
    rest = rest.slice(whole.length);
  }
  return { name: name.trim(), parameters };
}

/** Splits a list of calls at blanks and line breaks outside of brackets; blanks may stand before a bracket. */
export function splitCalls(value: LocatedText): LocatedText[] {
  const calls: LocatedText[] = [];
  const { text } = value;
  let line = 0;
  let counted = 0;
  for (let at = skip(text, 0, /\s*/y); at < text.length; ) {
    const end = callEnd(text, at);
    line += text.slice(counted, at).split("\n").length - 1;
    counted = at;
    calls.push(located(text.slice(at, end), value.places[line] ?? placeOf(value)));
    at = skip(text, end, /\s*/y);
  }
  return calls;
}

/** Where the call that begins at `start` ends: after its last brackets, or at the next blank when those are invalid. */
function callEnd(text: string, start: number): number {
  let end = skip(text, start, /\S*/y);
  let at = skip(text, start, /[^\s[]*/y);
  if (at === start) return end;
  for (let next: number | undefined = at; next !== undefined; next = groupEnd(text, at)) {
    at = next;
    if (at === text.length || /\s/.test(text[at] as string)) end = at;
  }
  return end;
}

/** Where a group in brackets ends; blanks may stand before it. Undefined: there is no such group. */
function groupEnd(text: string, start: number): number | undefined {
  let at = skip(text, start, /\s*/y);
  if (text[at] !== "[") return undefined;
  at = skip(text, at + 1, /\s*/y);
  while (text[at] !== "]") {
    const value = skip(text, at, /[\w.-]+=/y);
    if (value === at) return undefined;
    const quoted = skip(text, value, /"[^"]*"|'[^']*'/y);
    at = skip(text, quoted > value ? quoted : skip(text, value, /[^,\]]*/y), /\s*/y);
    if (text[at] === ",") at = skip(text, at + 1, /\s*/y);
    else if (text[at] !== "]") return undefined;
  }
  return at + 1;
}

/** Where a match of `what`, sticky, at `at` ends; `at` without a match. */
function skip(text: string, at: number, what: RegExp): number {
  what.lastIndex = at;
  return what.test(text) ? what.lastIndex : at;
}

/** Splits text into words at blanks, commas and line breaks. */
export function splitWords(text: string): string[] {
  return text
    .split(/[ ,\n]+/)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** Whether fail2ban reads a text as true. */
export function isTrue(text: string): boolean {
  return ["1", "on", "true", "yes"].includes(text.trim().toLowerCase());
}

function unexpected(value: LocatedText, text: string): RuleError {
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  return new RuleError("ERR_RULE_VALUE", placeOf(value), `expected name[key="value", …], got ${shown}`);
}
