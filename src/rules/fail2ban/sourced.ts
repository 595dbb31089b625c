import type { Place } from "../rule.ts";

/** A configuration value that knows where each of its lines was written, through any number of replacements. */
export interface Sourced {
  readonly text: string;
  /** One place a line of `text`. */
  readonly places: readonly Place[];
}

/** A value whose lines were all written at one place. */
export function sourced(text: string, place: Place): Sourced {
  return { text, places: text.split("\n").map(() => place) };
}

/** Where a value begins. */
export function placeOf({ places }: Sourced): Place {
  return places[0] as Place;
}

/** The lines of a value, each with its place. */
export function linesOf({ text, places }: Sourced): { text: string; place: Place }[] {
  return text.split("\n").map((line, i) => ({ text: line, place: places[i] as Place }));
}

/** Puts `insert` in the place of the characters from `start` to `end`. A line belongs to the file that wrote its beginning. */
export function splice(target: Sourced, start: number, end: number, insert: Sourced): Sourced {
  const { text, places } = target;
  const from = lineNumber(text, start);
  const to = lineNumber(text, end);
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  const begins = start === 0 || before.trim() === "";
  const first = begins && insert.text !== "" ? placeOf(insert) : (places[from] as Place);
  return {
    text: text.slice(0, start) + insert.text + text.slice(end),
    places: [...places.slice(0, from), first, ...insert.places.slice(1), ...places.slice(to + 1)],
  };
}

function lineNumber(text: string, offset: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
