import type { Tally } from "../ban/failure-counter.ts";
import type { Format } from "../input/format.ts";
import type { RunningJail } from "../jail/jail.ts";
import type { Sight } from "./input-monitor.ts";

/** What was counted while reading. */
export interface InputCounts {
  bytes: number;
  /** Lines dropped because they were too long. */
  overlong: number;
  /** Searches given up because they would have taken too long. */
  givenUp: number;
  /** Lines without the shape of the input's format, read as plain ones: all of a journal's, of other inputs those that were samples. */
  stray: number;
}

/** What an engine knows of how it is doing. */
export interface EngineFigures {
  readonly counts: Readonly<InputCounts>;
  /** Entries looked at in full. */
  readonly judged: number;
  /** Undefined: there was no line yet. */
  readonly format: Format | undefined;
  readonly jails: ReadonlyMap<string, RunningJail>;
  readonly tally: Pick<Tally, "counts" | "bans" | "bansByJail">;
  readonly sight: Pick<Sight, "blindness" | "lastInput">;
}
