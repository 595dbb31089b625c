import type { Jail } from "../../rules/rule.ts";
import type { Format } from "../input/format.ts";
import type { Cause, CauseState } from "./alerts.ts";

// What health shows of the stream: no more of its parts than is named here.

/** What was counted while reading. */
export interface InputCounts {
  bytes: number;
  /** Lines dropped because they were too long. */
  overlong: number;
  /** Searches given up because they would have taken too long. */
  givenUp: number;
  /** Lines without the shape of the input's format, read as plain ones: all of a journal's, of other inputs the sampled ones. */
  stray: number;
}

/** What was counted for a jail. */
export interface JailFigures {
  readonly jail: Jail;
  readonly counts: {
    readonly failures: number;
    readonly ignored: number;
    readonly bans: number;
    readonly repeats: number;
    readonly unbans: number;
  };
  /** Addresses remembered, and those given up for want of room. */
  readonly window: { readonly size: number; readonly evicted: number };
}

/** What was decided. */
interface DecisionFigures {
  readonly counts: { readonly ended: number; readonly full: number; readonly evicted: number };
  readonly banlist: {
    /** Bans in force, and the same by jail. */
    readonly size: number;
    countByJail(): ReadonlyMap<string, number>;
  };
}

/** What was read of a source. */
interface SourceFigures {
  /** Undefined: the input has one source, without a name. */
  readonly name: string | undefined;
  readonly format: Format | undefined;
  readonly bytes: number;
  /** Entries looked at in full. */
  readonly judged: number;
  /** When input came last, in epoch milliseconds; -Infinity: never. */
  readonly lastInput: number;
}

/** How an engine is doing. */
export interface EngineFigures {
  readonly counts: Readonly<InputCounts>;
  /** Entries looked at in full. */
  readonly judged: number;
  /** `tagged`: that depends on the source; undefined: there was no line yet. */
  readonly format: Format | "tagged" | undefined;
  readonly sources: readonly SourceFigures[];
  readonly jails: ReadonlyMap<string, JailFigures>;
  readonly failures: { readonly counts: { readonly unbannable: number; readonly answered: number } };
  readonly decisions: DecisionFigures;
  readonly monitor: {
    readonly alerts: { of(cause: Cause): CauseState };
    /** When input came last, in epoch milliseconds; undefined: never, or in a replay. */
    readonly lastInput: number | undefined;
  };
}
