import type { Tally } from "../ban/failure-counter.ts";
import type { EngineFigures } from "../health/figures.ts";

/** The engine, as far as clients of `--control` look into it and change it. */
export interface SteeredEngine extends EngineFigures {
  readonly tally: Tally;
  /** Lets time pass, to `now` in epoch milliseconds. */
  tick(now: number): void;
}
