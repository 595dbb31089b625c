import type { Coverage } from "../coverage.ts";
import { pick, type Random, seededRandom, upTo } from "../random-pattern.ts";
import type { FuzzTarget } from "./target.ts";

/** Inputs kept for what they reached. */
const MOST = 1000;
/** So many runs pass between two looks at what was reached: a look takes longer than a run. */
const LOOK = 8;

/** A run that showed a fault, and the input that it takes. */
export class FuzzError extends Error {
  readonly input: Buffer;

  constructor(input: Buffer, cause: unknown) {
    super(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause), { cause });
    this.name = "FuzzError";
    this.input = input;
  }
}

/** Feeds a target inputs that are ever further from its seeds; those that reach code that none reached before are kept. */
export class FuzzLoop {
  readonly #target: FuzzTarget;
  readonly #random: Random;
  readonly #coverage: Coverage | undefined;
  readonly #corpus: Buffer[];
  #batch: Buffer[] = [];
  runs = 0;

  constructor(target: FuzzTarget, seed: number, coverage?: Coverage) {
    this.#target = target;
    this.#random = seededRandom(seed);
    this.#coverage = coverage;
    this.#corpus = [...target.seeds];
  }

  get corpus(): number {
    return this.#corpus.length;
  }

  /** Bytes that the corpus holds. */
  get corpusBytes(): number {
    return this.#corpus.reduce((sum, { length }) => sum + length, 0);
  }

  /** The next input. The seeds come first, as they are. */
  make(): Buffer {
    const seed = this.#target.seeds[this.runs];
    if (seed !== undefined) return seed;
    const other = () => pick(this.#random, this.#corpus);
    const input = this.#target.mutate(other(), this.#random, other);
    return Buffer.from(input.subarray(0, this.#target.longest));
  }

  /** @throws FuzzError */
  async run(input: Buffer): Promise<void> {
    try {
      await this.#target.run(Buffer.from(input));
    } catch (error) {
      throw new FuzzError(input, error);
    } finally {
      this.runs++;
    }
    this.#batch.push(input);
    if (this.#batch.length < LOOK) return;
    if (this.#coverage && this.#coverage.take() > 0) for (const each of this.#batch) this.#keep(each);
    this.#batch = [];
  }

  #keep(input: Buffer): void {
    if (this.#corpus.length < MOST) this.#corpus.push(input);
    else this.#corpus[upTo(this.#random, MOST)] = input;
  }
}
