/** Where time comes from: the machine in the program, the test in a test. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `then` once, `milliseconds` from now. Returns what takes that back. */
  after(milliseconds: number, then: () => void): () => void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
};
