import type { Clock } from "../../shared/clock.ts";

/**
 * A check of the kernel. `rules`: a cheap one, whether someone removed rules; `all`: ban by ban; `clock`: the same, because the
 * wall clock jumped or the machine slept.
 */
export interface KernelCheck {
  readonly kind: "rules" | "all" | "clock";
}

/** Milliseconds from one cheap check to the next. */
const RULES_EVERY = 1000;
/** Least milliseconds from one full check to the next, also as a multiple of the time that the check took. */
const ALL_EVERY = 60_000;
const ALL_SHARE = 200;
/** Milliseconds from the start to the first full check: a tool that a killed f2b-exec had started may still be at work. */
const FIRST_ALL = 5000;
/** Milliseconds by which a timer may be late before the wall clock counts as having jumped. */
const LATE = 5000;

/** Decides when to check the kernel. One check at a time. */
export class Watch {
  readonly #clock: Clock;
  readonly #onCheck: (check: KernelCheck) => void;
  #cancel: (() => void) | undefined;
  #isRunning = false;
  /** When the running timer was started. */
  #armed = 0;
  #kind: KernelCheck["kind"] = "rules";
  #requested = 0;
  /** When the next full check is due. */
  #nextAll = 0;

  constructor(clock: Clock, onCheck: (check: KernelCheck) => void) {
    this.#clock = clock;
    this.#onCheck = onCheck;
  }

  start(): void {
    this.#isRunning = true;
    this.#nextAll = this.#clock.now() + FIRST_ALL;
    this.#arm();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The requested check is done. */
  checked(): void {
    const now = this.#clock.now();
    if (this.#kind !== "rules")
      this.#nextAll = now + Math.max(ALL_EVERY, ALL_SHARE * (now - this.#requested));
    if (this.#isRunning) this.#arm();
  }

  #arm(): void {
    this.#armed = this.#clock.now();
    this.#cancel = this.#clock.after(RULES_EVERY, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    const passed = now - this.#armed;
    const hasJumped = passed < 0 || passed > RULES_EVERY + LATE;
    this.#kind = hasJumped ? "clock" : now >= this.#nextAll ? "all" : "rules";
    this.#requested = now;
    this.#onCheck({ kind: this.#kind });
  }
}
