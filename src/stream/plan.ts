import { MIN_LITERAL, type Needs, needsOf } from "../filter/needs.ts";
import type { Literals } from "../filter/python/literals.ts";
import type { Format } from "./entry.ts";
import type { GatePlan } from "./gate.ts";
import type { CompiledJail } from "./jail.ts";

/** A text, how its letters count, and the filters that need it. */
interface Wanted {
  readonly text: string;
  readonly ignorecase: boolean;
  readonly filters: Set<number>;
}

/** Entries of a journal whose message is no plain text: bytes as numbers, several values, or left out as too long. */
const ODD_MESSAGES = ['"MESSAGE":[', '"MESSAGE": [', '"MESSAGE" : [', '"MESSAGE":null'];
/** Escapes with which JSON may write a character that needs none. journalctl uses them for control characters alone. */
const JSON_ESCAPES = ["\\u", "\\/"];

/** Which lines of an input of this format the jails can be spared. The order of the jails gives them their index. */
export function planGate(jails: readonly CompiledJail[], format: Format): GatePlan {
  const wanted = new Map<string, Wanted>();
  const always: number[] = [];
  const foreign: number[] = [];
  const follow = new Map<number, number>();
  const want = (text: string, ignorecase: boolean, filters: readonly number[]) => {
    const key = `${ignorecase} ${text}`;
    const before = wanted.get(key) ?? { text, ignorecase, filters: new Set() };
    for (const filter of filters) before.filters.add(filter);
    wanted.set(key, before);
  };
  jails.forEach((jail, index) => {
    if (jail.jail.on === "ban") return;
    const needs = needsIn(jail, format);
    if (needs.every) always.push(index);
    else {
      for (const { texts, ignorecase } of needs.literals)
        for (const text of texts) want(text, ignorecase, [index]);
      if (needs.literals.some(({ asciiOnly }) => asciiOnly)) foreign.push(index);
      if (needs.lines > 1) follow.set(index, needs.lines - 1);
    }
  });
  if (format === "journal") for (const text of ODD_MESSAGES) want(text, false, [...jails.keys()]);
  return {
    filters: jails.length,
    needles: [...wanted.values()].map((each) => ({ ...each, filters: [...each.filters] })),
    always,
    follow,
    foreign,
    escapes: format === "journal" ? JSON_ESCAPES : [],
  };
}

/** What a line must hold in an input of this format for a jail to say anything of it. */
export function needsIn({ jail, filter }: CompiledJail, format: Format): Needs {
  const isRaw = jail.identifier === undefined;
  const needs = needsOf(filter, isRaw && format !== "journal" && format !== "none");
  if (needs.every) return needs;
  if (needs.lines > 1 && (!isRaw || (jail.journalmatch && format === "journal"))) {
    return { every: true, why: `maxlines is ${needs.lines}, of the lines of one program` };
  }
  if (!isRaw || format !== "journal") return needs;
  const literals = needs.literals.map(withinFields);
  const short = literals.flatMap(({ texts }) => texts).find((text) => text.length < MIN_LITERAL);
  if (short === undefined) return { ...needs, literals };
  return { every: true, why: "its fixed texts may stand across the fields of a journal entry" };
}

/** A raw jail sees a journal entry as `host ident[pid]: message`: what joins them stands in no field. */
function withinFields(literals: Literals): Literals {
  return { ...literals, texts: literals.texts.map(longestPiece) };
}

function longestPiece(text: string): string {
  return text.split(/[ [\]:]+/).reduce((best, piece) => (piece.length > best.length ? piece : best), "");
}
