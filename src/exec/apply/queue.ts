/** Collects items while the last batch is carried out: a single one goes at once, many go together, in order. */
export class BatchQueue<T> {
  readonly #work: (items: readonly T[]) => Promise<void>;
  readonly #limit: number;
  #waiting: T[] = [];
  #weight = 0;
  #running: Promise<void> | undefined;

  /** `limit`: the waiting weight from which on `room` waits. */
  constructor(work: (items: readonly T[]) => Promise<void>, limit: number) {
    this.#work = work;
    this.#limit = limit;
  }

  push(item: T, weight = 1): void {
    this.#waiting.push(item);
    this.#weight += weight;
    this.#running ??= this.#run();
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#weight >= this.#limit) await this.#running;
  }

  /** Resolves when no item waits or is worked on. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** One batch. What was read in the same turn of the event loop belongs to it. */
  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const items = this.#waiting;
    this.#waiting = [];
    this.#weight = 0;
    try {
      await this.#work(items);
    } finally {
      this.#running = this.#waiting.length > 0 ? this.#run() : undefined;
    }
  }
}
