/** Where time comes from: the machine in the programs, the test in a test. */
export interface Clock {
  /** Milliseconds: since 1970, or of a monotonic clock since some start. */
  now(): number;
  /** Calls `then` once, `milliseconds` from now. Returns a function that cancels the timer. */
  after(milliseconds: number, then: () => void): () => void;
}

/** The machine's wall clock. */
export const systemClock: Clock = {
  now: Date.now,
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** The machine's monotonic clock. Its timers do not keep the process alive. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
