/** `did you mean "…"?`, as a hint; undefined when no word is similar. */
export function suggestion(wrong: string, words: readonly string[]): string | undefined {
  const word = nearest(wrong, words);
  return word && `did you mean ${JSON.stringify(word)}?`;
}

/** The word most similar to a misspelt one, if at most a third of the letters differ; a swap counts as one. */
function nearest(wrong: string, words: readonly string[]): string | undefined {
  const scored = words.map((word) => ({ word, distance: editDistance(wrong.toLowerCase(), word) }));
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (a, b) => (a === undefined || b.distance < a.distance ? b : a),
    undefined,
  );
  return best && best.distance <= Math.max(1, Math.floor(wrong.length / 3)) ? best.word : undefined;
}

/** Optimal string alignment distance: letters inserted, deleted, replaced, or two neighbours swapped. */
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
