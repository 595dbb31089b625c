import type { Clock } from "../../src/shared/clock.ts";

/** A clock that stands still until it is told to go on. Like setTimeout, it fires at once for delays of 2^31 ms. */
export class FakeClock implements Clock {
  #now: number;
  #stepped = 0;
  #timers: { at: number; then: () => void }[] = [];

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  /** Timers that have been set and not fired. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Milliseconds that go by what passes, as the kernel's timeouts do: setting the clock does not change it. */
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

  /** Moves on, firing what is due on the way, in order. */
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

  /** Sets the wall clock; timers go by the time that passes and do not notice. */
  step(milliseconds: number): void {
    this.#now += milliseconds;
    this.#stepped += milliseconds;
    for (const timer of this.#timers) timer.at += milliseconds;
  }
}
