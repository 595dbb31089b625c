import { CommandError } from "../../protocol/json-fields.ts";
import { type Decision, decisionIn } from "./decision.ts";
import { LineCutter } from "./line-cutter.ts";
import type { StateFile } from "./state-file.ts";

/** What reading a state came to. */
export interface Loaded {
  readonly lines: number;
  readonly decisions: number;
  /** The number of damaged lines, and what is wrong with the first. */
  readonly damaged: number;
  readonly damage: string | undefined;
  /** Where the last whole line ends, and how much follows it, in bytes. */
  readonly end: number;
  readonly torn: number;
}

const BLOCK = 1 << 18;

/** Yields the bans and unbans of a state, in their order. */
export function* loadState(file: StateFile): Generator<Decision, Loaded> {
  const cutter = new LineCutter();
  const block = Buffer.allocUnsafe(BLOCK);
  let [at, lines, decisions, damaged] = [0, 0, 0, 0];
  let damage: string | undefined;
  for (let piece = file.read(block, at); piece.length > 0; piece = file.read(block, at)) {
    at += piece.length;
    for (const { bytes, offset } of cutter.push(piece)) {
      lines++;
      try {
        const decision = decisionIn(bytes);
        if (decision === undefined) continue;
        decisions++;
        yield decision;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        damaged++;
        damage ??= `line ${lines} (byte ${offset}): ${error.message}`;
      }
    }
  }
  return { lines, decisions, damaged, damage, end: cutter.end, torn: cutter.torn };
}
