import { type Prefilter, prefilterOf } from "../../filter/prefilter-literals.ts";
import type { Literals } from "../../python/analyse/literals.ts";
import type { Format } from "../input/format.ts";
import type { CompiledJail } from "../jail/jail.ts";
import { ALL_PATTERNS, bitOf, type GatePlan, type Opening, type Patterns } from "./gate.ts";
import { MARK } from "./journal-scan.ts";

/** A text, how its letters count, and what it opens: by filter and by what else must stand there, the patterns that need all that. */
interface Wanted {
  readonly text: string;
  readonly ignorecase: boolean;
  readonly opens: Map<string, Opening>;
}

/** Which lines of an input of this format the jails can be spared. The order of the jails gives them their index. */
export function planGate(jails: readonly CompiledJail[], format: Format): GatePlan {
  const wanted = new Map<string, Wanted>();
  const further = new Map<string, readonly Literals[]>();
  const always: number[] = [];
  const foreign: Patterns[] = [];
  const follow = new Map<number, number>();
  const indexOf = (sets: readonly Literals[]) => {
    const key = JSON.stringify(sets);
    further.set(key, sets);
    return [...further.keys()].indexOf(key);
  };
  const want = (text: string, ignorecase: boolean, { filter, patterns, further }: Opening) => {
    const key = `${ignorecase} ${text}`;
    const { opens } = wanted.get(key) ?? { opens: new Map<string, Opening>() };
    const known = opens.get(`${filter} ${further}`)?.patterns ?? 0;
    opens.set(`${filter} ${further}`, { filter, patterns: known | patterns, further });
    wanted.set(key, { text, ignorecase, opens });
  };
  jails.forEach((jail, filter) => {
    if (jail.jail.on === "ban") return;
    const needs = needsIn(jail, format);
    if (needs.every) {
      always.push(filter);
      return;
    }
    needs.patterns.forEach(({ literals: { texts, ignorecase, asciiOnly }, further }, pattern) => {
      const isAlone = needs.lines === 1;
      const patterns = isAlone ? bitOf(pattern) : ALL_PATTERNS;
      const opening = {
        filter,
        patterns,
        further: isAlone && further.length > 0 ? indexOf(further) : undefined,
      };
      for (const text of texts) want(text, ignorecase, opening);
      if (asciiOnly) foreign.push({ filter, patterns });
    });
    if (needs.lines > 1) follow.set(filter, needs.lines - 1);
  });
  if (format === "journal") {
    for (const filter of jails.keys()) want(MARK, false, { filter, patterns: ALL_PATTERNS });
  }
  return {
    isJournal: format === "journal",
    filters: jails.length,
    needles: [...wanted.values()].map((each) => ({ ...each, opens: [...each.opens.values()] })),
    further: [...further.values()],
    always,
    follow,
    foreign,
  };
}

/** What a line must hold in an input of this format for a jail to say anything of it. */
export function needsIn({ jail, filter }: CompiledJail, format: Format): Prefilter {
  const isRaw = jail.identifier === undefined;
  const needs = prefilterOf(filter, isRaw && format !== "journal" && format !== "none");
  if (needs.every) return needs;
  if (needs.lines > 1 && (!isRaw || (jail.journalmatch && format === "journal"))) {
    return { every: true, why: `maxlines is ${needs.lines}, of the lines of one program` };
  }
  return needs;
}
