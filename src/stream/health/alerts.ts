import type { Report } from "../../cli/report.ts";

/** What keeps failures from being seen though the program runs: the values of the label `cause` in the metrics. */
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

/** A cause at the moment. */
export interface CauseState {
  readonly isOn: boolean;
  /** How often it has set in. */
  readonly times: number;
}

const NEVER: CauseState = { isOn: false, times: 0 };

/**
 * Which causes of blindness hold. Each is told when it sets in, not again while it lasts, and one that comes and goes ever
 * more rarely.
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

  /** The cause holds from now on. */
  begin(cause: Cause, message: string, hint?: string): void {
    const { isOn, times } = this.of(cause);
    if (isOn) return;
    this.#states.set(cause, { isOn: true, times: times + 1 });
    const isTold = this.#report.rareWarning(`blind ${cause}`, message);
    if (isTold && hint !== undefined) this.#report.hint(hint);
  }

  /** The cause holds no more. */
  end(cause: Cause): void {
    const { isOn, times } = this.of(cause);
    if (isOn) this.#states.set(cause, { isOn: false, times });
  }
}
