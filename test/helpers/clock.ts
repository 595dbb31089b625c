import type { Clock } from "../../src/shared/clock.ts";

/** A clock that a test moves. Like setTimeout, it fires at once for delays of 2^31 ms and more. */
export class FakeClock implements Clock {
  #now: number;
  #stepped = 0;
  #timers: { at: number; then: () => void }[] = [];

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  /** Timers that have not fired yet. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Monotonic milliseconds, as for the kernel's timeouts: a jump of the wall clock does not change them. */
  get uptime(): number {
    return this.#now - this.#stepped;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, then: () => void): () => void {
    const timer = { at: this.#now + (milliseconds >= 2 ** 31 ? 1 : milliseconds), then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Advances, firing the timers that are due on the way, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
    }
    this.#now = end;
  }

  /** Makes the wall clock jump; timers are monotonic and do not notice. */
  step(milliseconds: number): void {
    this.#now += milliseconds;
    this.#stepped += milliseconds;
    for (const timer of this.#timers) timer.at += milliseconds;
  }
}
