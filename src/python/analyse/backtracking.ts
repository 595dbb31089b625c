import type { Tree } from "../tree.ts";
import { type AttackString, attackStrings, attackText } from "./attack-strings.ts";
import { BacktrackingSimulator } from "./backtracking-simulator.ts";

/** A loop on which a crafted text makes a search take too long. */
export interface Backtracking {
  /** Where the loop stands in the pattern, in UTF-16 units. */
  readonly offset: number;
  /** True: exponential, so that even a short text takes for ever. False: cubic, or a little worse. */
  readonly isEndless: boolean;
}

/** Where a text is twice as long, quadratic steps grow by a factor of 4, cubic ones by 8; a little less in texts this short. */
const MAX_GROWTH = 5.7;

/** Each doubling must show the growth: a loop with a maximum of 255 looks endless up to there only. */
const LENGTHS = [64, 128, 256, 512] as const;

/** A pump of several characters is repeated at least 8, 16, 32, 64 times: the text may be longer for that. */
const PUMPS = 1 / 8;

/** Steps for the shortest text beyond which it is exponential: five nested loops take fewer. */
const ENDLESS = 10_000_000;

/** Most steps that are counted for a longer text. */
const ENOUGH = 10_000_000;

/**
 * Finds a loop whose steps grow faster than quadratically: a search is simulated on the attack strings of each loop, and its steps are
 * counted. That does not depend on the machine; it takes milliseconds, and a second for a bad pattern.
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
    counter.search(attackText(text, Math.max(length, length * PUMPS * text.pump.length)), most).steps;
  const [first, ...longer] = LENGTHS;
  let steps = stepsFor(first, ENDLESS);
  if (steps > ENDLESS) return { isBeyond: true, isEndless: true };
  for (const length of longer) {
    const limit = steps * MAX_GROWTH;
    steps = stepsFor(length, Math.max(limit, ENOUGH));
    if (steps <= limit) return { isBeyond: false, isEndless: false };
    if (steps > ENOUGH) break;
  }
  return { isBeyond: true, isEndless: false };
}
