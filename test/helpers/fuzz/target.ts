import { createHash } from "node:crypto";
import { type Random, seededRandom } from "../random-pattern.ts";

/** Something that takes bytes of others, and what must hold of it whatever they are. */
export interface FuzzTarget {
  readonly seeds: readonly Buffer[];
  /** Longest input worth trying, in bytes. */
  readonly longest: number;
  /** Another input, made of one and, perhaps, of others. */
  mutate(input: Buffer, random: Random, other: () => Buffer): Buffer;
  /**
   * Feeds it an input. Everything that a run chooses follows from the bytes, so that they repeat it.
   *
   * @throws AssertionError, or what the target lets through
   */
  run(input: Buffer): void | Promise<void>;
  /** What the runs came to so far, for people: that they do something. */
  summary(): string;
  end?(): void | Promise<void>;
}

/** Choices that follow from the bytes. */
export function choicesOf(input: Buffer): Random {
  return seededRandom(createHash("sha1").update(input).digest().readInt32LE(0));
}
