import type { Tree } from "../tree.ts";
import { type AttackString, attackStrings, attackText } from "./attack-strings.ts";
import { BacktrackingSimulator } from "./backtracking-simulator.ts";

/** A loop that a text can make run far too long. */
export interface Backtracking {
  /** Where the loop stands in the pattern, in UTF-16 units. */
  readonly offset: number;
  /** True: to any length there is a short text that takes longer than anybody waits. False: cubic, or somewhat worse. */
  readonly isEndless: boolean;
}

/** When a text is twice as long, quadratic steps grow by 4, cubic ones by 8; by a little less in texts as short as these. */
const MAX_GROWTH = 5.7;

/** Each doubling must show the growth: a loop that counts to 255 looks as if it had no limit only up to there. */
const LENGTHS = [64, 128, 256, 512] as const;

/** A turn of several characters comes this much more often than the length alone would have it: at least 8, 16, 32, 64 times. */
const TURNS = 1 / 8;

/** Five loops around each other that all take the shortest text end sooner, in steps. */
const ENDLESS = 10_000_000;

/** As many are no matter of the length any more. */
const ENOUGH = 30_000_000;

/**
 * Finds a loop whose steps grow beyond quadratic: each loop is pumped, and the steps of a search are counted. No clock is asked, so the
 * answer is always the same; it takes milliseconds, and a second for a bad pattern.
 */
export function findBacktracking(tree: Tree): Backtracking | undefined {
  const counter = new BacktrackingSimulator(tree);
  for (const text of attackStrings(tree)) {
    const { isBeyond, isEndless } = growthOf(counter, text);
    if (isBeyond) return { offset: text.offset, isEndless };
  }
  return undefined;
}

function growthOf(
  counter: BacktrackingSimulator,
  text: AttackString,
): { isBeyond: boolean; isEndless: boolean } {
  const stepsFor = (length: number, most: number) =>
    counter.search(attackText(text, Math.max(length, length * TURNS * text.turn.length)), most).steps;
  const [first, ...longer] = LENGTHS;
  let steps = stepsFor(first, ENDLESS);
  if (steps > ENDLESS) return { isBeyond: true, isEndless: true };
  for (const length of longer) {
    const limit = steps * MAX_GROWTH;
    if (stepsFor(length, limit) <= limit) return { isBeyond: false, isEndless: false };
    steps = stepsFor(length, ENOUGH);
    if (steps > ENOUGH) break;
  }
  return { isBeyond: true, isEndless: false };
}
