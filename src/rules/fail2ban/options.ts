import { RuleError } from "../rule.ts";
import { placeOf, type Sourced, sourced } from "./sourced.ts";

/** `name[key=value, …][…]`: a filter or an action with its parameters. */
export interface Call {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, Sourced>;
}

/**
 * Reads `sshd[mode=aggressive, logtype="short"]`. A value in quotes may hold commas, brackets and line breaks; several
 * groups in brackets count as one, and the last of a key wins.
 *
 * @throws RuleError when the brackets hold something else
 */
export function parseCall(value: Sourced): Call {
  const [, name = "", group] = /^([^[]+)(?:\[(.*)\])?\s*$/s.exec(value.text) ?? [];
  if (name.trim() === "") throw unexpected(value, value.text);
  const parameters = new Map<string, Sourced>();
  let rest = (group ?? "").trim();
  while (rest !== "" && rest !== ",") {
    const [whole, key, double, single, bare] =
      /^\s*([\w.-]+)=(?:"([^"]*)"|'([^']*)'|((?!"[^"]*"|'[^']*')[^,\]]*))(?:\s*(?:,|\]\s*\[)|\s*$)/.exec(
        rest,
      ) ?? [];
    if (whole === undefined || key === undefined) throw unexpected(value, rest);
    parameters.set(key, sourced((double ?? single ?? bare ?? "").trim(), placeOf(value)));
    rest = rest.slice(whole.length);
  }
  return { name: name.trim(), parameters };
}

const PARAMETER = String.raw`[\w.-]+=(?:"[^"]*"|'[^']*'|(?!"[^"]*"|'[^']*')[^,\]]*)\s*`;
const GROUP = String.raw`\s*\[\s*(?:${PARAMETER}(?:,\s*${PARAMETER})*,?\s*)?\]`;

/** Cuts a list of calls at blanks and line breaks outside of brackets; blanks may stand before a bracket. */
export function splitCalls(value: Sourced): Sourced[] {
  const calls = value.text.matchAll(new RegExp(String.raw`[^\s[]+(?:${GROUP})*(?=\s|$)|\S+`, "g"));
  return [...calls].map(({ 0: text, index }) => {
    const line = value.text.slice(0, index).split("\n").length - 1;
    return sourced(text, value.places[line] ?? placeOf(value));
  });
}

/** Cuts words at blanks, commas and line breaks. */
export function splitWords(text: string): string[] {
  return text
    .split(/[ ,\n]+/)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** What fail2ban takes for true. */
export function isTrue(text: string): boolean {
  return ["1", "on", "true", "yes"].includes(text.trim().toLowerCase());
}

function unexpected(value: Sourced, text: string): RuleError {
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  return new RuleError("ERR_RULE_VALUE", placeOf(value), `expected name[key="value", …], got ${shown}`);
}
