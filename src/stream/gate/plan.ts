import { type Prefilter, prefilterOf } from "../../filter/prefilter-literals.ts";
import type { Literals } from "../../python/analyse/literals.ts";
import { type Format, isContainer } from "../input/format.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";
import {
  ALL_PATTERNS,
  bitOf,
  type FilterPatterns,
  type GatePlan,
  type NeedlePatterns,
} from "./candidates.ts";
import { MARK } from "./journal-scan.ts";

/** Plans which lines of an input of this format the jails must see. The order of the jails gives filters their index. */
export function planGate(jails: readonly CompiledJail[], format: Format): GatePlan {
  const builder = new PlanBuilder();
  for (const [filter, jail] of jails.entries())
    if (jail.jail.on === "log") builder.add(filter, needsIn(jail, format));
  if (format === "journal")
    for (const filter of jails.keys()) builder.addNeedle(MARK, false, { filter, patterns: ALL_PATTERNS });
  return builder.build(format === "journal", fieldsAskedBy(jails), jails.length);
}

function fieldsAskedBy(jails: readonly CompiledJail[]): readonly string[] {
  const conditions = jails.flatMap(({ jail }) => jail.journalmatch ?? []);
  return [...new Set(conditions.flatMap((fields) => [...fields.keys()]))];
}

/** A text, whether case counts, and by filter and further sets the patterns that may match a line that holds it. */
interface PlannedNeedle {
  readonly text: string;
  readonly ignorecase: boolean;
  readonly opens: Map<string, NeedlePatterns>;
}

class PlanBuilder {
  /** By text and whether case counts. */
  readonly #needles = new Map<string, PlannedNeedle>();
  /** By their JSON. */
  readonly #further = new Map<string, readonly Literals[]>();
  readonly #always: number[] = [];
  readonly #foreign: FilterPatterns[] = [];
  readonly #follow = new Map<number, number>();

  /** Adds the needs of a filter. */
  add(filter: number, needs: Prefilter): void {
    if (needs.every) {
      this.#always.push(filter);
      return;
    }
    const isOneLine = needs.lines === 1;
    for (const [pattern, { literals, further }] of needs.patterns.entries()) {
      const patterns = isOneLine ? bitOf(pattern) : ALL_PATTERNS;
      const index = isOneLine && further.length > 0 ? this.#indexOf(further) : undefined;
      const opening = { filter, patterns, further: index };
      for (const text of literals.texts) this.addNeedle(text, literals.ignorecase, opening);
      if (literals.asciiOnly) this.#foreign.push({ filter, patterns });
    }
    if (needs.lines > 1) this.#follow.set(filter, needs.lines - 1);
  }

  addNeedle(text: string, ignorecase: boolean, { filter, patterns, further }: NeedlePatterns): void {
    const key = `${ignorecase} ${text}`;
    const needle = this.#needles.get(key) ?? { text, ignorecase, opens: new Map() };
    const opening = `${filter} ${further}`;
    const earlier = needle.opens.get(opening)?.patterns ?? 0;
    needle.opens.set(opening, { filter, patterns: earlier | patterns, further });
    this.#needles.set(key, needle);
  }

  build(isJournal: boolean, fields: readonly string[], filters: number): GatePlan {
    return {
      isJournal,
      fields,
      filters,
      needles: [...this.#needles.values()].map((each) => ({ ...each, opens: [...each.opens.values()] })),
      further: [...this.#further.values()],
      always: this.#always,
      follow: this.#follow,
      foreign: this.#foreign,
    };
  }

  #indexOf(sets: readonly Literals[]): number {
    const key = JSON.stringify(sets);
    this.#further.set(key, sets);
    return [...this.#further.keys()].indexOf(key);
  }
}

/** What a line must hold in an input of this format for a jail's filter to match. */
export function needsIn({ jail, filter }: CompiledJail, format: Format): Prefilter {
  const isRaw = jail.identifier === undefined;
  if (isContainer(format) && jail.filter.compat === undefined)
    return { every: true, why: "lines of a container are written otherwise, and in pieces" };
  if (format === "dovecot" && !isRaw)
    return { every: true, why: "dovecot's messages are no piece of its lines" };
  const needs = prefilterOf(filter, isRaw && format !== "journal" && format !== "none");
  if (needs.every) return needs;
  if (needs.lines > 1 && (!isRaw || (jail.journalmatch && format === "journal"))) {
    return { every: true, why: `maxlines is ${needs.lines}, of the lines of one program` };
  }
  return needs;
}
