import type { CompiledJail } from "../../stream/jail/compile-jails.ts";
import type { PatternPlace } from "../hostile/field-kinds.ts";
import { Attack } from "./attack.ts";
import { type BenignCase, CaseWriter, type NumberFound } from "./benign-case.ts";
import { type Finding, Findings } from "./findings.ts";
import { type Forgery, forge } from "./forge.ts";
import { type JailPatterns, jailPatternsOf } from "./jail-patterns.ts";
import { Payloads } from "./payloads.ts";
import { MessageQuoter } from "./quoted-messages.ts";
import { readSamples, type Samples } from "./samples.ts";

/** The result of the attack lines for a jail. */
export interface Injection {
  /** How many there were. */
  readonly lines: number;
  /** One for each place in a pattern and each kind of harm. */
  readonly found: readonly Finding[];
  /** What a client can forge with line feeds; undefined: nothing. */
  readonly forgery: Forgery | undefined;
  /** Patterns without a sample for which no line could be generated. */
  readonly untried: readonly PatternPlace[];
  /** Numbers that patterns take for host names. */
  readonly numbers: readonly (NumberFound & { readonly place: PatternPlace })[];
}

export interface InjectOptions {
  /** Epoch milliseconds, for years that sample lines leave out. */
  readonly now: number;
  /** False: no texts with line feeds, for imported rules, which the user cannot correct. */
  readonly hasLineFeeds?: boolean;
}

/** No case begins after this many lines: enough for fifty patterns with five fields each. */
const MOST_LINES = 100_000;

/**
 * Generates lines as the service of a jail would write them for a hostile client, and looks for those with another id, or none. The same
 * rules give the same lines.
 */
export function inject(compiled: CompiledJail, { now, hasLineFeeds = true }: InjectOptions): Injection {
  if (compiled.jail.on === "ban")
    return { lines: 0, found: [], forgery: undefined, untried: [], numbers: [] };
  const patterns = jailPatternsOf(compiled);
  const samples = readSamples(patterns, now);
  const writer = new CaseWriter(patterns, now);
  const written = patterns.failregex.map((_, regex) => writer.casesOf(regex));
  const firsts = written.flatMap((cases) => cases.slice(0, 1));
  const found = new Findings(patterns, samples);
  const attack = new Attack(compiled, now);
  const payloads = new Payloads(patterns, firsts);
  const groups = () => [samples.cases, written.flat(), writer.sessions(firsts)];
  for (const cases of groups()) {
    for (const [benign, turn] of numbered(cases)) {
      if (attack.lines >= MOST_LINES) break;
      const texts = payloads.textsFor(benign, turn);
      const multilineTexts = !hasLineFeeds ? [] : payloads.multilineTextsFor(benign, turn);
      for (const fault of attack.on(benign, texts, multilineTexts)) found.add(fault);
    }
  }
  const quoter = new MessageQuoter(patterns, now);
  for (const cases of written) for (const fault of quoter.quote(cases, samples.others)) found.add(fault);
  const isOpen = compiled.jail.framing === "file";
  return {
    lines: attack.lines + quoter.lines,
    found: found.all,
    forgery: isOpen ? forge(patterns, groups(), now) : undefined,
    untried: untriedOf(patterns, written, samples),
    numbers: [...writer.numbers].flatMap(([regex, found]) => {
      const place = patterns.failregex[regex]?.placeAt();
      return place ? [{ ...found, place }] : [];
    }),
  };
}

/** The cases, each with the number of earlier ones of the same pattern. */
function* numbered(cases: Iterable<BenignCase>): Generator<[benign: BenignCase, turn: number]> {
  const met = new Map<number | undefined, number>();
  for (const benign of cases) {
    const regex = benign.lines[0]?.regex;
    const turn = met.get(regex) ?? 0;
    met.set(regex, turn + 1);
    yield [benign, turn];
  }
}

function untriedOf(
  { failregex }: JailPatterns,
  written: readonly (readonly BenignCase[])[],
  { goesOn }: Samples,
): readonly PatternPlace[] {
  const untried = failregex.filter((_, regex) => written[regex]?.length === 0 && !goesOn.has(regex));
  return untried.map((pattern) => pattern.placeAt());
}
