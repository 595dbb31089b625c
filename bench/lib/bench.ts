import type { Figure } from "./figures.ts";
import type { LogFolder } from "./log-folder.ts";
import type { Record } from "./run.ts";
import type { Sizes } from "./sizes.ts";

/** What came of one benchmark. */
export interface Outcome {
  readonly records: readonly Record[];
  readonly figures: readonly Figure[];
}

/** Measures one thing. */
export type Bench = (sizes: Sizes, logs: LogFolder) => Outcome | Promise<Outcome>;
