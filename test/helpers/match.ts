import type { PatternMatch, PatternSpans } from "../../src/python/pattern.ts";

/** All that a match says, as plain data. */
export function shownMatch(match: PatternMatch | PatternSpans | undefined): object | undefined {
  if (match === undefined) return undefined;
  const { start, end, groups } = match;
  return { start, end, groups: { ...groups }, spans: "spans" in match ? match.spans : undefined };
}
