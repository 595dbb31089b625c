import type { Report } from "../../cli/report.ts";

/** Causes that keep failures from being seen while the program runs: the values of the label `cause` in the metrics. */
export const CAUSES = [
  "silence",
  "stalled",
  "headerless",
  "mixed",
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

const NEVER: CauseState = { isOn: false, times: 0 };

/**
 * Which causes are on. Warns when one sets in, not again while it lasts, and ever more rarely of one that comes and goes.
 */
export class Alerts {
  readonly #report: Report;
  readonly #states = new Map<Cause, CauseState>();

  constructor(report: Report) {
    this.#report = report;
  }

  of(cause: Cause): CauseState {
    return this.#states.get(cause) ?? NEVER;
  }

  /** Turns a cause on. */
  begin(cause: Cause, message: string, hint?: string): void {
    const { isOn, times } = this.of(cause);
    if (isOn) return;
    this.#states.set(cause, { isOn: true, times: times + 1 });
    const isShown = this.#report.rareWarning(`blind ${cause}`, message);
    if (isShown && hint !== undefined) this.#report.hint(hint);
  }

  /** Turns a cause off. */
  end(cause: Cause): void {
    const { isOn, times } = this.of(cause);
    if (isOn) this.#states.set(cause, { isOn: false, times });
  }
}
