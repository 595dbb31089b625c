import type { PatternPlace } from "../hostile/field-kinds.ts";
import type { Fault } from "./attack.ts";
import type { JailPatterns } from "./jail-patterns.ts";
import type { Samples } from "./samples.ts";

/** A fault, and the place in a pattern to correct. */
export interface Finding extends Fault {
  readonly place: PatternPlace;
  /**
   * Where the text stood: in a field; after the pattern; in a line of another pattern; or in any other line that quotes it.
   */
  readonly where: "field" | "tail" | "other" | "quoted";
  /** False: it depends on the service whether there can be such a line. */
  readonly isCertain: boolean;
}

/** Faults by the place to correct: the first of each kind. */
export class Findings {
  readonly #patterns: JailPatterns;
  readonly #goesOn: Samples["goesOn"];
  readonly #found = new Map<string, Finding>();

  constructor(patterns: JailPatterns, { goesOn }: Samples) {
    this.#patterns = patterns;
    this.#goesOn = goesOn;
  }

  get all(): readonly Finding[] {
    return [...this.#found.values()];
  }

  add(fault: Fault): void {
    const found = this.#placed(fault);
    if (!found) return;
    const { harm, place } = found;
    const key = JSON.stringify([harm.kind, place.name, place.offset]);
    if (!this.#found.get(key)?.isCertain) this.#found.set(key, found);
  }

  #placed(fault: Fault): Finding | undefined {
    const { fieldPlace, regex, by, harm, isTaken } = fault;
    const isOther = by !== undefined && by !== regex && fieldPlace?.name !== "prefregex";
    const pattern = this.#patterns.failregex[(isOther ? by : regex) ?? -1];
    if (!pattern) return undefined;
    // Only samples show what follows a pattern.
    const canStand = regex === undefined || fieldPlace !== undefined || (this.#goesOn.get(regex) ?? true);
    if (isOther) {
      const where = regex === undefined ? "quoted" : "other";
      return { ...fault, place: pattern.placeAt(), where, isCertain: canStand };
    }
    if (!fieldPlace) return { ...fault, place: pattern.end, where: "tail", isCertain: canStand };
    return { ...fault, place: fieldPlace, where: "field", isCertain: isTaken || harm.kind === "names" };
  }
}
