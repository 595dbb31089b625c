import type { Clock } from "../../shared/clock.ts";

/**
 * Looking at the kernel: `rules`, cheaply, whether somebody took them away; `all`, ban by ban; `clock`: the same, because
 * the clock was set or the machine slept.
 */
export interface KernelCheck {
  readonly kind: "rules" | "all" | "clock";
}

/** Milliseconds from one cheap look to the next. */
const EVERY = 1000;
/** Milliseconds from one whole look to the next at least, and how many times as long as it takes. */
const WHOLE_EVERY = 60_000;
const WHOLE_SHARE = 200;
/** Milliseconds from the start to the first whole look: a tool that a killed f2b-exec had started may still have worked. */
const FIRST_WHOLE = 5000;
/** Milliseconds by which a timer may be late without the clock having been set. */
const LATE = 5000;

/** Says when to look at the kernel. One look at a time. */
export class Watch {
  readonly #clock: Clock;
  readonly #look: (look: KernelCheck) => void;
  #cancel: (() => void) | undefined;
  #isRunning = false;
  /** When the timer that runs was set. */
  #armed = 0;
  #kind: KernelCheck["kind"] = "rules";
  #asked = 0;
  /** The next whole look. */
  #whole = 0;

  constructor(clock: Clock, look: (look: KernelCheck) => void) {
    this.#clock = clock;
    this.#look = look;
  }

  start(): void {
    this.#isRunning = true;
    this.#whole = this.#clock.now() + FIRST_WHOLE;
    this.#arm();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The look that was asked for is over. */
  looked(): void {
    const now = this.#clock.now();
    if (this.#kind !== "rules") this.#whole = now + Math.max(WHOLE_EVERY, WHOLE_SHARE * (now - this.#asked));
    if (this.#isRunning) this.#arm();
  }

  #arm(): void {
    this.#armed = this.#clock.now();
    this.#cancel = this.#clock.after(EVERY, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    const passed = now - this.#armed;
    const wasSet = passed < 0 || passed > EVERY + LATE;
    this.#kind = wasSet ? "clock" : now >= this.#whole ? "all" : "rules";
    this.#asked = now;
    this.#look({ kind: this.#kind });
  }
}
