import type { SourceKind } from "../protocol/tagged.ts";

/** Whole lines of one source, as they were written. */
export interface Block {
  readonly source: string;
  /** What the bytes are a part of, and where they begin in it; undefined where nothing can be read twice. */
  readonly at: Position | undefined;
  /** Ends in a newline. Valid until `taken` is called. */
  readonly bytes: Buffer;
  /** False: the state must be saved before the block is written, so that a restart gives the same bytes the same place. */
  readonly isNoted: boolean;
  /** To be called when stdout has taken the bytes, in the order of the blocks. */
  taken(): void;
}

export interface Position {
  /** Names one generation of a file, or a run of the journal. */
  readonly place: string;
  /** Bytes before this one in `place`. */
  readonly offset: number;
}

/** Something that gives blocks. */
export interface BlockSource {
  readonly name: string;
  readonly kind: SourceKind;
  /** True: nothing more will come. */
  readonly isOver: boolean;
  /** The next block; undefined: there is none now. */
  next(): Block | undefined;
}
