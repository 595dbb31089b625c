import { type Needs, needsOf } from "../filter/needs.ts";
import type { Format } from "./entry.ts";
import { ALL_PATTERNS, bitOf, type GatePlan, type Patterns } from "./gate.ts";
import type { CompiledJail } from "./jail.ts";
import { MARK } from "./journal-scan.ts";

/** A text, how its letters count, and by filter the patterns that need it. */
interface Wanted {
  readonly text: string;
  readonly ignorecase: boolean;
  readonly opens: Map<number, number>;
}

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
  if (format === "journal") for (const filter of jails.keys()) want(MARK, false, filter, ALL_PATTERNS);
  return {
    isJournal: format === "journal",
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
  return needs;
}
