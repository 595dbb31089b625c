import type { PatternPlace } from "../hostile/field-kinds.ts";
import { forged, textOf } from "../hostile/template.ts";
import type { BenignCase } from "./benign-case.ts";
import type { JailPatterns } from "./jail-patterns.ts";
import { DECOYS } from "./payloads.ts";
import { inOneGo, runLines } from "./run-lines.ts";

/** Lines that a client has forged after a line feed in its text, and their result. */
export interface Forgery {
  /** The pattern that matched. */
  readonly place: PatternPlace;
  /** The text. */
  readonly text: string;
  /** The id that they get banned. */
  readonly found: string;
}

/**
 * What a client can write into a file whose writer does not escape line feeds: each case again, with another id. The field and line do
 * not matter, since a rule does not know all lines of its file; and the client can write the line feed at the end as well, so that the
 * forged lines have no text of the service. So there is no forgery only where no case is a failure.
 */
export function forge(
  { compiled, failregex }: JailPatterns,
  groups: Iterable<Iterable<BenignCase>>,
  now: number,
): Forgery | undefined {
  for (const cases of groups) {
    for (const benign of cases) {
      for (const text of forgeriesOf(benign)) {
        const [failure] = inOneGo(() => runLines(compiled, text.split("\n"), now)).failures;
        const pattern = failregex[failure?.regex ?? -1];
        if (failure && pattern) return { place: pattern.placeAt(), text, found: failure.id };
      }
    }
  }
  return undefined;
}

/** The lines of a case that is a failure, with other ids, after a line feed. */
function forgeriesOf({ lines, outcome }: BenignCase): readonly string[] {
  if (outcome.failures.length === 0) return [];
  // An id that is not an address stays as it is: the client has written it anyway.
  const copies = [
    ...DECOYS.map((decoy) => lines.map(({ line }) => forged(line.parts, line, decoy))),
    lines.map(({ line }) => textOf(line)),
  ];
  return copies.map((copy) => ["x", ...copy, "x"].join("\n"));
}
