import type { PatternPlace } from "../hostile/field-kinds.ts";
import { forged, textOf } from "../hostile/template.ts";
import type { BenignCase } from "./benign-case.ts";
import type { JailPatterns } from "./jail-patterns.ts";
import { DECOYS } from "./payloads.ts";
import { runLines } from "./run-lines.ts";

/** Lines that a client wrote whole, after a line feed in a text of his, and what a jail made of them. */
export interface Forgery {
  /** The pattern that took the last of them. */
  readonly place: PatternPlace;
  /** The text. */
  readonly text: string;
  /** Whom they have banned. */
  readonly found: string;
}

/**
 * What a client can write into a file whose writer does not escape line feeds: each scene once more, about somebody else. In which field
 * of which line he writes it is no matter, since a rule does not know all lines of its file; and he can write the line feed at the end as
 * well, so that nothing of the service's stands in the forged lines. So none is found only where no line has anybody found.
 */
export function forge(
  { compiled, failregex }: JailPatterns,
  groups: Iterable<Iterable<BenignCase>>,
  now: number,
): Forgery | undefined {
  for (const cases of groups) {
    for (const benign of cases) {
      for (const text of forgeriesOf(benign)) {
        const [failure] = runLines(compiled, text.split("\n"), now).failures;
        const pattern = failregex[failure?.regex ?? -1];
        if (failure && pattern) return { place: pattern.placeAt(), text, found: failure.id };
      }
    }
  }
  return undefined;
}

/** The lines of a scene that is a failure, about others, after a line feed. */
function forgeriesOf({ lines, outcome }: BenignCase): readonly string[] {
  if (outcome.failures.length === 0) return [];
  // An id that is no address stays as it is: the client wrote it all the same.
  const copies = [
    ...DECOYS.map((decoy) => lines.map(({ line }) => forged(line.parts, line, decoy))),
    lines.map(({ line }) => textOf(line)),
  ];
  return copies.map((copy) => ["x", ...copy, "x"].join("\n"));
}
