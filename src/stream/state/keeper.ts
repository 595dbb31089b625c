import type { Engine } from "../engine.ts";
import type { BanLog } from "./banlog.ts";

/** How often it is noted up to when the log was read, in milliseconds. */
const OFTEN = 10_000;

/** Keeps an engine's state: takes up what was known before, and sees to it that the next run can do the same. */
export class Keeper {
  readonly #log: BanLog;
  readonly #engine: Engine;
  #noted = Number.NEGATIVE_INFINITY;

  constructor(log: BanLog, engine: Engine) {
    this.#log = log;
    this.#engine = engine;
  }

  /**
   * Takes up the state: then the engine has written what became of it until `now`, in epoch milliseconds.
   *
   * @throws StateError when the file is something else
   */
  restore(now: number): void {
    const { tally } = this.#engine;
    this.#knowEnough();
    for (const decision of this.#log.restore()) tally.restore(decision);
    this.#log.start(tally, now);
    tally.resume({ isNew: this.#log.isNew });
  }

  /** Puts what was decided into the state: before anybody is told. */
  flush(): void {
    this.#log.flush();
  }

  /** Input was read; `now` in epoch milliseconds. */
  note(now: number): void {
    if (Math.abs(now - this.#noted) < OFTEN) return;
    this.#noted = now;
    this.#see(now);
  }

  /** The input has ended, or is not read any more. */
  async end(now: number): Promise<void> {
    this.#see(now);
    await this.#log.end();
  }

  #see(now: number): void {
    const time = this.#engine.readUpTo;
    if (time === undefined) return;
    this.#log.see(time, now);
    this.#knowEnough();
  }

  /** What ended since where the log may be read from again must be known, however short jails remember it. */
  #knowEnough(): void {
    const { seen } = this.#log;
    this.#engine.tally.knowSince(seen === undefined ? Number.NEGATIVE_INFINITY : seen - this.#engine.reach);
  }
}
