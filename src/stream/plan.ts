import { type Needs, needsOf } from "../filter/needs.ts";
import { type Literals, MIN_LITERAL } from "../filter/python/literals.ts";
import type { Format } from "./entry.ts";
import { ALL_PATTERNS, bitOf, type GatePlan, type Patterns } from "./gate.ts";
import type { CompiledJail } from "./jail.ts";

/** A text, how its letters count, and by filter the patterns that need it. */
interface Wanted {
  readonly text: string;
  readonly ignorecase: boolean;
  readonly opens: Map<number, number>;
}

/** Entries of a journal whose message is no plain text: bytes as numbers, several values, or left out as too long. */
const ODD_MESSAGES = ['"MESSAGE":[', '"MESSAGE": [', '"MESSAGE" : [', '"MESSAGE":null'];
/** Escapes with which JSON may write a character that needs none. journalctl uses them for control characters alone. */
const JSON_ESCAPES = ["\\u", "\\/"];

/** Which lines of an input of this format the jails can be spared. The order of the jails gives them their index. */
export function planGate(jails: readonly CompiledJail[], format: Format): GatePlan {
  const wanted = new Map<string, Wanted>();
  const always: number[] = [];
  const foreign: Patterns[] = [];
  const follow = new Map<number, number>();
  const want = (text: string, ignorecase: boolean, filter: number, patterns: number) => {
    const key = `${ignorecase} ${text}`;
    const { opens } = wanted.get(key) ?? { opens: new Map<number, number>() };
    opens.set(filter, (opens.get(filter) ?? 0) | patterns);
    wanted.set(key, { text, ignorecase, opens });
  };
  jails.forEach((jail, filter) => {
    if (jail.jail.on === "ban") return;
    const needs = needsIn(jail, format);
    if (needs.every) {
      always.push(filter);
      return;
    }
    needs.literals.forEach(({ texts, ignorecase, asciiOnly }, pattern) => {
      const patterns = needs.lines > 1 ? ALL_PATTERNS : bitOf(pattern);
      for (const text of texts) want(text, ignorecase, filter, patterns);
      if (asciiOnly) foreign.push({ filter, patterns });
    });
    if (needs.lines > 1) follow.set(filter, needs.lines - 1);
  });
  if (format === "journal") {
    for (const text of [...ODD_MESSAGES, ...JSON_ESCAPES])
      for (const filter of jails.keys()) want(text, false, filter, ALL_PATTERNS);
  }
  return {
    filters: jails.length,
    needles: [...wanted.values()].map(({ text, ignorecase, opens }) => ({
      text,
      ignorecase,
      opens: [...opens].map(([filter, patterns]) => ({ filter, patterns })),
    })),
    always,
    follow,
    foreign,
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
