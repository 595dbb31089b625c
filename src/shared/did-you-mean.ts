/** `did you mean "…"?`, as a hint; undefined when nothing is near. */
export function suggestion(wrong: string, words: readonly string[]): string | undefined {
  const word = nearest(wrong, words);
  return word && `did you mean ${JSON.stringify(word)}?`;
}

/** The word nearest to a misspelt one, when they differ by little: at most a third of its letters, swaps counting one. */
function nearest(wrong: string, words: readonly string[]): string | undefined {
  const scored = words.map((word) => ({ word, distance: editDistance(wrong.toLowerCase(), word) }));
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (a, b) => (a === undefined || b.distance < a.distance ? b : a),
    undefined,
  );
  return best && best.distance <= Math.max(1, Math.floor(wrong.length / 3)) ? best.word : undefined;
}

/** Optimal string alignment: letters put in, left out, replaced, or two neighbours swapped. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 8 || from.length > 64) return Number.POSITIVE_INFINITY;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
