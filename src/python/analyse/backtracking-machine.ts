import type { PlaceNode } from "../tree.ts";
import type { Op } from "./backtracking-program.ts";

/** A program as numbers: `WORDS` for each instruction, the first its kind; tables of 256 characters, by their offset. */
export interface Machine {
  readonly code: Int32Array;
  readonly tables: Uint8Array;
}

export const WORDS = 4;
/** Characters of a table. */
export const WIDTH = 256;
export const MATCH = 0;
export const CHAR = 1;
export const RUN = 2;
export const SPLIT = 3;
export const JUMP = 4;
export const PLACE = 5;
export const MARK = 6;
export const MOVED = 7;
export const IS_SET = 8;
export const BACK = 9;
export const REFERENCE = 10;
export const ATOMIC = 11;
const LOOK = 12;
export const NOT_LOOK = 13;
const ALONE = { atomic: ATOMIC, look: LOOK, notLook: NOT_LOOK } as const;
export const PLACES: readonly PlaceNode["at"][] = [
  ...(["textStart", "textEnd", "end", "lineStart", "lineEnd", "word", "notWord"] as const),
];

/** A program as numbers: reading them takes a fifth of the time. */
export function assemble(program: readonly Op[]): Machine {
  const code = new Int32Array(program.length * WORDS);
  const tables: Uint8Array[] = [];
  const offsetOf = (table: Uint8Array) => (tables.push(table) - 1) * WIDTH;
  for (const [at, op] of program.entries()) code.set(wordsOf(op, offsetOf), at * WORDS);
  const all = new Uint8Array(tables.length * WIDTH);
  for (const [index, table] of tables.entries()) all.set(table, index * WIDTH);
  return { code, tables: all };
}

function wordsOf(op: Op, offsetOf: (table: Uint8Array) => number): readonly number[] {
  switch (op.op) {
    case "match":
      return [MATCH];
    case "char":
      return [CHAR, offsetOf(op.takes)];
    case "run":
      return [RUN, offsetOf(op.takes), op.min, Math.min(op.max, MOST_ITERATIONS)];
    case "split":
      return [SPLIT, op.first, op.second];
    case "jump":
      return [JUMP, op.to];
    case "place":
      return [PLACE, PLACES.indexOf(op.at)];
    case "mark":
      return [MARK, op.register];
    case "moved":
      return [MOVED, op.register, op.otherwise];
    case "isSet":
      return [IS_SET, op.register, op.otherwise];
    case "back":
      return [BACK, op.width];
    case "reference":
      return [REFERENCE, op.start, op.end];
    case "alone":
      return [ALONE[op.kind], op.next];
  }
}

/** For a loop without a maximum, and for a higher one: no text is longer. */
const MOST_ITERATIONS = 0x3fffffff;
