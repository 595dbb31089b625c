export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** The number that a share `q` of all are below. The median of an even count is the mean of the middle two. */
export function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = q * sorted.length;
  const upper = sorted[Math.min(Math.floor(at), sorted.length - 1)] ?? Number.NaN;
  if (q !== 0.5 || sorted.length % 2 === 1) return upper;
  return ((sorted[at - 1] ?? upper) + upper) / 2;
}

/** One number, and how far apart the ones it stands for were. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(numbers: readonly number[]): Spread {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** How many times as much the one does, round by round. */
export function ratio(of: readonly number[], to: readonly number[]): Spread {
  return spreadOf(of.map((each, round) => each / (to[round] ?? Number.NaN)));
}
