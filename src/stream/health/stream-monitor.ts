import type { Report } from "../../cli/report.ts";
import { Alerts } from "./alerts.ts";

export interface StreamMonitorOptions {
  readonly isLive: boolean;
  /** Warns after this time without input, in milliseconds; 0: never. */
  readonly silence: number;
  readonly report: Report;
}

/** A reader of stdout that takes nothing for this time, in milliseconds, has stalled. */
const STALLED = 60_000;

/** Notices when the whole stream stands still: nothing comes in, or nobody takes what goes out. */
export class StreamMonitor {
  readonly alerts: Alerts;
  readonly #options: StreamMonitorOptions;
  #lastInput: number | undefined;
  /** Milliseconds without input, and in which the reader of stdout took nothing. */
  #silent = 0;
  #stalled = 0;

  constructor(options: StreamMonitorOptions) {
    this.#options = options;
    this.alerts = new Alerts(options.report);
  }

  /** When input came last, in epoch milliseconds; undefined: never, or in a replay. */
  get lastInput(): number | undefined {
    return this.#lastInput;
  }

  /** Notes that there was input. `now` in epoch milliseconds. */
  read(now: number): void {
    if (this.#options.isLive) this.#lastInput = now;
    this.#silent = 0;
    this.alerts.end("silence");
  }

  /** Notes that the process ran for `elapsed` milliseconds. `isBlocked`: stdout took nothing, so nothing was read. */
  pass(elapsed: number, isBlocked: boolean): void {
    this.#stalled = isBlocked ? this.#stalled + elapsed : 0;
    if (this.#stalled >= STALLED) this.#warnStalled();
    else if (!isBlocked) this.alerts.end("stalled");
    if (isBlocked) return;
    const { silence } = this.#options;
    this.#silent += elapsed;
    if (silence > 0 && this.#silent >= silence) this.#warnSilence(silence);
  }

  #warnStalled(): void {
    this.alerts.begin("stalled", "the reader of stdout has stalled: no lines are read until it goes on");
  }

  #warnSilence(silence: number): void {
    this.alerts.begin(
      "silence",
      `no input for ${silence / 1000} s: is the log still written, and is the program that reads it still running?`,
      "--silence sets the time; 0 turns it off",
    );
  }
}
