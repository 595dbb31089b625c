import { printable, type Report } from "../../cli/report.ts";

/** Causes that keep failures from being seen while the program runs: the values of the label `cause` in the metrics. */
export const CAUSES = [
  "silence",
  "stalled",
  "headerless",
  "mixed",
  "tags",
  "dateless",
  "unmatched",
  "shifted",
] as const;

export type Cause = (typeof CAUSES)[number];

/** The state of a cause. */
export interface CauseState {
  readonly isOn: boolean;
  /** How often it has set in. */
  readonly times: number;
}

/** Longest name of a source in a message, in characters. */
const LONGEST_NAME = 200;

const NEVER: CauseState = { isOn: false, times: 0 };

/**
 * Which causes are on, of the stream or of one of its sources. Warns when one sets in, not again while it lasts, and ever more rarely of
 * one that comes and goes.
 */
export class Alerts {
  readonly #report: Report;
  /** By cause, and by source: `""` for the stream, or the one source of an input. */
  readonly #states = new Map<Cause, Map<string, CauseState>>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** A cause is on while it is on for some source. */
  of(cause: Cause): CauseState {
    const states = [...(this.#states.get(cause)?.values() ?? [])];
    return {
      isOn: states.some(({ isOn }) => isOn),
      times: states.reduce((sum, { times }) => sum + times, 0),
    };
  }

  /** Turns a cause on. `source`: the name of the one that it concerns, if sources have names. */
  begin(cause: Cause, message: string, hint?: string, source = ""): void {
    const { isOn, times } = this.#stateOf(cause, source);
    if (isOn) return;
    this.#set(cause, source, { isOn: true, times: times + 1 });
    const where = source === "" ? "" : `${printable(source, LONGEST_NAME)}: `;
    const isShown = this.#report.rareWarning(`blind ${cause} ${source}`, where + message);
    if (isShown && hint !== undefined) this.#report.hint(hint);
  }

  /** Turns a cause off. */
  end(cause: Cause, source = ""): void {
    const { isOn, times } = this.#stateOf(cause, source);
    if (isOn) this.#set(cause, source, { isOn: false, times });
  }

  #stateOf(cause: Cause, source: string): CauseState {
    return this.#states.get(cause)?.get(source) ?? NEVER;
  }

  #set(cause: Cause, source: string, state: CauseState): void {
    const states = this.#states.get(cause) ?? new Map<string, CauseState>();
    states.set(source, state);
    this.#states.set(cause, states);
  }
}
