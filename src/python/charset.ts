/** A set of code points: the first and last of each run, in ascending order, with gaps between the runs. */
export type CharSet = readonly number[];

/** The last code point there is. */
export const LAST_CODE_POINT = 0x10ffff;

/** The set of these runs (first, last, first, last, …), in any order, overlapping or not. */
export function charSet(runs: Iterable<readonly [first: number, last: number]>): CharSet {
  const sorted = [...runs].sort((a, b) => a[0] - b[0]);
  const set: number[] = [];
  for (const [first, last] of sorted) {
    const end = set.at(-1);
    if (end !== undefined && first <= end + 1) set[set.length - 1] = Math.max(end, last);
    else set.push(first, last);
  }
  return set;
}

/** The runs of a set, one by one. */
export function* runsOf(set: CharSet): Generator<[first: number, last: number]> {
  for (let i = 0; i + 1 < set.length; i += 2) yield [set[i] ?? 0, set[i + 1] ?? 0];
}

export function union(...sets: readonly CharSet[]): CharSet {
  return charSet(sets.flatMap((set) => [...runsOf(set)]));
}

/** What is in 0 … `last` and not in the set. */
export function complement(set: CharSet, last = LAST_CODE_POINT): CharSet {
  const result: number[] = [];
  let next = 0;
  for (const [first, end] of runsOf(set)) {
    if (first > last) break;
    if (first > next) result.push(next, first - 1);
    next = end + 1;
  }
  if (next <= last) result.push(next, last);
  return result;
}

export function intersect(a: CharSet, b: CharSet): CharSet {
  return complement(union(complement(a), complement(b)));
}

export function subtract(a: CharSet, b: CharSet): CharSet {
  return intersect(a, complement(b));
}

/** True when every member of `inner` is in `outer`. */
export function isSubset(inner: CharSet, outer: CharSet): boolean {
  return subtract(inner, outer).length === 0;
}

export function includes(set: CharSet, code: number): boolean {
  for (let i = 0; i + 1 < set.length; i += 2) {
    if (code <= (set[i + 1] ?? 0)) return code >= (set[i] ?? 0);
  }
  return false;
}

/** How many code points are in a set. */
export function sizeOf(set: CharSet): number {
  let size = 0;
  for (const [first, last] of runsOf(set)) size += last - first + 1;
  return size;
}
