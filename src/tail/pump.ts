import type { Clock } from "../shared/clock.ts";
import type { Block, BlockSource } from "./block.ts";
import type { Output } from "./output.ts";

export interface PumpOptions {
  readonly output: Output;
  readonly clock: Clock;
  /** Called before a block is written, when all before it were taken. */
  readonly onNext: (block: Block) => void;
  /** A block is being written: its bytes must stay as they are until it is taken. */
  readonly onWriting: () => void;
  /** stdout took a block. */
  readonly onTaken: () => void;
  /** Milliseconds of silence after which `output.beat` is called. */
  readonly beat: number;
}

/** Moves blocks from the sources to the output, one source after the other, no faster than that takes them. */
export class Pump {
  readonly #options: PumpOptions;
  /** Sources that may have a block, in the order of their turns. */
  readonly #ready = new Set<BlockSource>();
  #isStopping = false;
  #wake: (() => void) | undefined;
  /** Called when the sources have changed. */
  #sourcesChanged: (() => void) | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** A source may have a block. */
  ready(source: BlockSource): void {
    this.#ready.add(source);
    this.wake();
  }

  /** Before the next block, `tell` is called. */
  tellSources(tell: () => void): void {
    this.#sourcesChanged = tell;
    this.wake();
  }

  /** Ends when the block that is being written was taken. */
  stop(): void {
    this.#isStopping = true;
    this.wake();
  }

  wake(): void {
    this.#wake?.();
  }

  /**
   * Runs until it is stopped, or nothing is ready and `isOver`.
   *
   * @throws as write(2)
   */
  async run(isOver: () => boolean): Promise<void> {
    let block = this.#take();
    while (!this.#isStopping) {
      if (block === undefined) {
        await this.#tell();
        if (this.#ready.size === 0 && isOver()) return;
        if (this.#ready.size === 0) await this.#wait();
        block = this.#take();
        continue;
      }
      block = await this.#write(block);
    }
  }

  /** Writes a block, reads the next one meanwhile, and returns that. */
  async #write(block: Block): Promise<Block | undefined> {
    const { output, onNext, onWriting, onTaken } = this.#options;
    onNext(block);
    this.#sourcesChanged?.();
    this.#sourcesChanged = undefined;
    const written = output.write(block);
    onWriting();
    const next = this.#take();
    await written;
    block.taken();
    onTaken();
    return next;
  }

  /** Sources without a line are told as well. */
  async #tell(): Promise<void> {
    if (this.#sourcesChanged === undefined) return;
    this.#sourcesChanged();
    this.#sourcesChanged = undefined;
    await this.#options.output.beat();
  }

  #take(): Block | undefined {
    for (const source of this.#ready) {
      this.#ready.delete(source);
      if (this.#isStopping) return undefined;
      const block = source.next();
      if (block === undefined) continue;
      this.#ready.add(source);
      return block;
    }
    return undefined;
  }

  async #wait(): Promise<void> {
    const { clock, beat, output } = this.#options;
    let isSilent = false;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(beat, () => {
        isSilent = true;
        resolve();
      });
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
    if (isSilent) await output.beat();
  }
}
