import { type Profiler, Session } from "node:inspector";

/** Which blocks of our compiled sources have run, as V8 counts them. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  }

  /** Blocks that have ever run. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** How many blocks ran for the first time since the last call. */
  take(): number {
    const before = this.#seen.size;
    this.#session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error) throw error;
      for (const script of coverage.result) this.#note(script);
    });
    return this.#seen.size - before;
  }

  stop(): void {
    this.#session.disconnect();
  }

  #note({ url, scriptId, functions }: Profiler.ScriptCoverage): void {
    if (!url.includes("/dist/src/")) return;
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        if (count > 0) this.#seen.add(`${scriptId} ${startOffset} ${endOffset}`);
      }
    }
  }
}
