import type { Block, BlockSource } from "./block.ts";
import type { FileSource } from "./file-source.ts";

/** Files read to their ends, one after the other: the order of a log is that of its lines. */
export class InTurn implements BlockSource {
  readonly name = "";
  readonly kind = "file";
  readonly #left: FileSource[];

  constructor(sources: readonly FileSource[]) {
    this.#left = [...sources];
  }

  get isOver(): boolean {
    return this.#left.length === 0;
  }

  next(): Block | undefined {
    for (let source = this.#left[0]; source !== undefined; source = this.#left[0]) {
      const block = source.next() ?? source.finish();
      if (block !== undefined) return block;
      this.#left.shift();
    }
    return undefined;
  }
}
