import { type Template, textOf } from "../hostile/template.ts";
import { templatesOf } from "../hostile/template-writer.ts";
import {
  brokenTexts,
  copiesOf,
  DATE_TEXTS,
  forgeries,
  LONG_TEXT,
  ODD_TEXTS,
  plainTexts,
} from "../hostile/texts.ts";
import { BENIGN, type BenignCase } from "./benign-case.ts";
import type { JailPatterns } from "./jail-patterns.ts";

/** Addresses of others that an attacker tries to get banned. */
export const DECOYS = ["203.0.113.66", "2001:db8:bad::66"] as const;

/** The texts of an attacker who knows a jail's patterns. */
export class Payloads {
  readonly #hasDate: boolean;
  /** Texts from all patterns. */
  readonly #common: readonly string[];

  /** @param cases one of each pattern */
  constructor({ compiled, ignoreregex }: JailPatterns, cases: readonly BenignCase[]) {
    this.#hasDate = compiled.jail.identifier === undefined;
    const ignored = ignoreregex.flatMap((pattern) => templatesOf(pattern, BENIGN, { most: MOST_IGNORED }));
    this.#common = [
      ...cases.flatMap(({ lines }) => lines.flatMap(({ seen }) => forgedFrom(seen, DECOYS[0]))),
      ...ignored.map((template) => `x ${textOf(template)} x`),
    ];
  }

  /** @param turn from 0: the first cases of a pattern get all texts, later ones only those from their own lines */
  textsFor({ lines, outcome }: BenignCase, turn: number): ReadonlySet<string> {
    const isWhole = turn < WHOLE_CASES;
    const seen = lines.map(({ seen }) => seen);
    const dates = this.#hasDate && outcome.last?.time !== undefined ? DATE_TEXTS : [];
    const decoys = isWhole ? DECOYS : DECOYS.slice(0, 1);
    const texts = [
      ...decoys.flatMap(plainTexts),
      ...decoys.flatMap((decoy) => seen.flatMap((template) => forgedFrom(template, decoy))),
      ...(isWhole ? [...this.#common, ...dates, ...ODD_TEXTS] : []),
      ...(turn === 0 ? [LONG_TEXT] : []),
    ];
    return new Set(texts.filter((text) => !text.includes("\n")));
  }

  /** Texts with line feeds, as journal entries may have; none for multi-line patterns. */
  multilineTextsFor({ lines }: BenignCase, turn: number): ReadonlySet<string> {
    const seen = lines.map(({ seen }) => seen);
    if (turn >= WHOLE_CASES || seen.some((template) => textOf(template).includes("\n"))) return new Set();
    return new Set(seen.flatMap((template) => brokenTexts(template, DECOYS[0])));
  }
}

const WHOLE_CASES = 3;

/** Most lines of one ignoreregex. */
const MOST_IGNORED = 4;

function forgedFrom(template: Template, decoy: string): readonly string[] {
  return [...copiesOf(template, decoy), ...forgeries(template, decoy)];
}
