import type { Spot } from "../hostile/field.ts";
import type { Fault } from "./attack.ts";
import type { Cast } from "./jail-patterns.ts";
import type { Samples } from "./samples.ts";

/** A fault, and the place that is to be mended. */
export interface Found extends Fault {
  readonly place: Spot;
  /**
   * Where the text stood: in a field; behind the pattern; in a line that another pattern is made for; or in one of any kind, which
   * quotes it.
   */
  readonly where: "field" | "tail" | "other" | "quoted";
  /** False: whether such a line can come hangs on the service. */
  readonly isCertain: boolean;
}

/** Faults by the place that is to be mended: the first of each kind. */
export class Findings {
  readonly #cast: Cast;
  readonly #goesOn: Samples["goesOn"];
  readonly #found = new Map<string, Found>();

  constructor(cast: Cast, { goesOn }: Samples) {
    this.#cast = cast;
    this.#goesOn = goesOn;
  }

  get all(): readonly Found[] {
    return [...this.#found.values()];
  }

  add(fault: Fault): void {
    const found = this.#placed(fault);
    if (!found) return;
    const { harm, place } = found;
    const key = JSON.stringify([harm.kind, place.name, place.offset]);
    if (!this.#found.get(key)?.isCertain) this.#found.set(key, found);
  }

  #placed(fault: Fault): Found | undefined {
    const { spot, regex, by, harm, isTaken } = fault;
    const isOther = by !== undefined && by !== regex && spot?.name !== "prefregex";
    const pattern = this.#cast.failregex[(isOther ? by : regex) ?? -1];
    if (!pattern) return undefined;
    // Nobody knows what follows a pattern, save from samples.
    const canStand = regex === undefined || spot !== undefined || (this.#goesOn.get(regex) ?? true);
    if (isOther) {
      const where = regex === undefined ? "quoted" : "other";
      return { ...fault, place: pattern.spot(), where, isCertain: canStand };
    }
    if (!spot) return { ...fault, place: pattern.end, where: "tail", isCertain: canStand };
    return { ...fault, place: spot, where: "field", isCertain: isTaken || harm.kind === "names" };
  }
}
