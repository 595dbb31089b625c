import { Worker } from "node:worker_threads";

/** Seconds between two looks. */
const EVERY = 10;

/** Words before the input: how many runs began, and its length. */
const WORDS = 2;

/**
 * Ends the process when one run does not: a loop without end lets nothing else of the process have its turn. A thread of its
 * own looks, and leaves the input in a file.
 */
export class Watchdog {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #worker: Worker;

  /**
   * @param longest most bytes of an input
   * @param seconds how much computing time a run may take
   * @param path where the input of a run that does not end is left
   */
  constructor(longest: number, seconds: number, path: string) {
    const shared = new SharedArrayBuffer(4 * WORDS + longest);
    this.#words = new Int32Array(shared, 0, WORDS);
    this.#bytes = Buffer.from(shared, 4 * WORDS, longest);
    this.#worker = new Worker(LOOK, {
      eval: true,
      workerData: { shared, seconds, path, every: EVERY, words: WORDS },
    });
    this.#worker.unref();
  }

  /** A run begins. */
  watch(input: Buffer): void {
    this.#words[1] = input.copy(this.#bytes);
    Atomics.add(this.#words, 0, 1);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

const LOOK = `
  const { workerData } = require("node:worker_threads");
  const { writeFileSync, writeSync } = require("node:fs");
  const { shared, seconds, path, every, words } = workerData;
  const state = new Int32Array(shared, 0, words);
  let run = -1;
  let since = 0;
  const computed = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
  setInterval(() => {
    const now = Atomics.load(state, 0);
    if (now !== run) { run = now; since = computed(); return; }
    if (computed() - since < seconds) return;
    writeFileSync(path, Buffer.from(shared, 4 * words, state[1]));
    writeSync(1, "run " + run + " does not end: its input is in " + path + "\\n");
    process.kill(process.pid, "SIGKILL");
  }, every * 1000);
`;
