import type { Report } from "../../cli/report.ts";

/** Bans that were not written, or ended early. */
export interface BanCounts {
  /** Bans not written because they had ended when they were found. */
  ended: number;
  /** Bans not written because the most bans were in force, none of a lower rank. */
  full: number;
  /** Bans ended early because the most bans were in force. */
  evicted: number;
}

export interface BanWarningsOptions {
  readonly report: Report;
  readonly maxBans: number;
  readonly maxRemembered: number;
  readonly hasState: boolean;
}

/** Counts, and warns of, bans that were not written, ended early or forgotten. */
export class BanWarnings {
  readonly counts: BanCounts = { ended: 0, full: 0, evicted: 0 };
  readonly #options: BanWarningsOptions;
  readonly #report: Report;
  /** Forgotten bans at the last warning. */
  #forgotten = 0;

  constructor(options: BanWarningsOptions) {
    this.#options = options;
    this.#report = options.report;
  }

  /** A ban had ended when it was found. */
  ended(): void {
    this.counts.ended++;
    if (this.counts.ended > 1) return;
    this.#report.warning("a ban was not written because it has ended already: the log is old");
    if (!this.#options.hasState)
      this.#report.hint("--replay goes by the time of the log; --stats counts such bans");
  }

  /** A ban of this jail was not written for want of room. */
  full(jail: string): void {
    this.counts.full++;
    const why = `${this.#options.maxBans} bans are in force`;
    this.#report.rareWarning("full", `[${jail}] a ban was not written: ${why}`);
  }

  /** A ban of this jail made room for another. */
  evicted(jail: string): void {
    this.counts.evicted++;
    const why = `${this.#options.maxBans} bans are in force: ended the weakest one early to make room`;
    this.#report.rareWarning("evicted ban", `[${jail}] ${why}`);
  }

  /** Takes the total of bans forgotten before their time. */
  forgotten(count: number): void {
    if (count === this.#forgotten) return;
    this.#forgotten = count;
    const { maxRemembered } = this.#options;
    this.#report.rareWarning(
      "forgotten",
      `${maxRemembered} ended bans are remembered: forgot one before its time to make room`,
    );
  }

  /** Restoring left out `count` bans for want of room. */
  leftOut(count: number): void {
    const { maxBans } = this.#options;
    const weakest = count === 1 ? "the weakest one" : `the ${count} weakest`;
    this.#report.warning(`the state holds more than ${maxBans} bans: left out ${weakest}`);
    this.#report.hint(`--max-keys ${maxBans + count} keeps all of them`);
  }

  /** A banned subject is still logging failures. */
  repeated(jail: string, subject: () => string): void {
    this.#report.rareWarning(
      `repeat ${jail}`,
      () => `[${jail}] ${subject()} is banned and still logs failures`,
    );
  }
}
