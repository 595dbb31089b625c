import type { CompiledJail } from "../../stream/jail/compile-jails.ts";
import { type Acceptance, type PatternPlace, TAIL } from "../hostile/field-kinds.ts";
import { fitted, isField, type Template, textOf } from "../hostile/template.ts";
import { type BenignCase, type CaseLine, idsIn, runTemplates } from "./benign-case.ts";
import { inOneGo, isSilent, type LinesResult, runLines } from "./run-lines.ts";

/** The effect of a client's text. */
export type Harm =
  /** Another id was found. */
  | { readonly kind: "names"; readonly expected: string; readonly found: string }
  /** No id was found. */
  | { readonly kind: "hides"; readonly expected: string; readonly why: string }
  /** The line has another time, and possibly no failure. */
  | { readonly kind: "dates"; readonly expected: string; readonly found: string };

/** A harm, and the line that led to it. */
export interface Fault {
  readonly harm: Harm;
  /** The field with the text; undefined: it stood after the pattern. */
  readonly fieldPlace: PatternPlace | undefined;
  /** Index of the failregex for the line with the text. */
  readonly regex: number | undefined;
  /** Index of the failregex that found an id. */
  readonly by: number | undefined;
  readonly line: string;
  /** False: the pattern's class does not match the text, so it depends on the service whether it can stand there. */
  readonly isTaken: boolean;
}

/** Puts texts into the fields of benign cases, and after their lines where the patterns allow that. */
export class Attack {
  readonly #compiled: CompiledJail;
  readonly #now: number;
  #lines = 0;

  constructor(compiled: CompiledJail, now: number) {
    this.#compiled = compiled;
    this.#now = now;
  }

  /** How many lines were tried. */
  get lines(): number {
    return this.#lines;
  }

  /**
   * The faults of one case: one of each kind for each field.
   *
   * @param multilineTexts texts with line feeds, which don't end the entry
   */
  *on(
    { lines, outcome }: BenignCase,
    texts: Iterable<string>,
    multilineTexts: Iterable<string>,
  ): Generator<Fault> {
    const all = [...texts, ...multilineTexts];
    const before = this.#lines;
    yield* inOneGo(() => {
      this.#lines = before;
      const benign = { lines: this.#withTail(lines, outcome), outcome };
      return benign.lines.flatMap(({ line }, at) =>
        [...line.fields.keys()].flatMap((index) => [...this.#onField(benign, at, index, all)]),
      );
    });
  }

  *#onField(benign: BenignCase, at: number, index: number, texts: Iterable<string>): Generator<Fault> {
    const found = new Set<Harm["kind"]>();
    const { line, regex } = benign.lines[at] as CaseLine;
    const { kind, fieldPlace } = line.fields[index] as Template["fields"][number];
    for (const text of texts) {
      const put = fitted(line, index, kind === TAIL ? ` ${text}` : text);
      if (!put) continue;
      const written = new Map([[index, put.text]]);
      const after = this.#play(benign.lines, at, written);
      const harm = after.gaveUp ? undefined : harmOf(benign, after, put.takes === "yes");
      if (!harm || found.has(harm.kind) || isHearsay(harm, text, fieldPlace ? put.takes : "no")) continue;
      found.add(harm.kind);
      const by =
        harm.kind === "names" ? after.failures.find(({ id }) => id === harm.found)?.regex : undefined;
      yield { harm, fieldPlace, regex, by, line: textOf(line, written), isTaken: put.takes === "yes" };
      if (harm.kind === "names") return;
    }
  }

  #play(lines: readonly CaseLine[], at: number, written: ReadonlyMap<number, string>): LinesResult {
    this.#lines++;
    const texts = lines.flatMap(({ line }, index) => {
      if (index !== at) return textOf(line).split("\n");
      const text = textOf(line, written);
      return hasLineFeed(written) ? [text] : text.split("\n");
    });
    return runLines(this.#compiled, texts, this.#now);
  }

  /** The lines with a field after the last one, if its pattern matches anything there. */
  #withTail(lines: readonly CaseLine[], before: LinesResult): readonly CaseLine[] {
    const last = lines.at(-1);
    if (!last || isField(last.line.parts.at(-1))) return lines;
    const { parts, fields } = last.line;
    const longer = { fields, parts: [...parts, ODD_END] };
    const after = runTemplates(
      this.#compiled,
      [...lines.slice(0, -1).map(({ line }) => line), longer],
      this.#now,
    );
    if (after.failures.length !== before.failures.length || isSilent(after) !== isSilent(before))
      return lines;
    const tail = { kind: TAIL, fieldPlace: undefined, text: "" };
    const open = { parts: [...parts, { field: fields.length }], fields: [...fields, tail] };
    return [...lines.slice(0, -1), { ...last, line: open }];
  }
}

/** A text that no specific class matches, that no optional node matches, and that cannot end an id. */
const ODD_END = " \x02<x>, [y]: (z); {'x'} \"y\" = / \\ \x02";

function hasLineFeed(written: ReadonlyMap<number, string>): boolean {
  return [...written.values()].some((text) => text.includes("\n"));
}

/** True for a line feed that hides a failure where no class of the pattern matches one: the author of the rule knows what the service writes. */
function isHearsay({ kind }: Harm, text: string, takes: Acceptance): boolean {
  return kind === "hides" && takes !== "yes" && text.includes("\n");
}

/** @param isTaken as in `Fault` */
function harmOf(
  { lines, outcome: before }: BenignCase,
  after: LinesResult,
  isTaken: boolean,
): Harm | undefined {
  const ids = new Set([...idsIn(lines.map(({ line }) => line)), ...before.failures.map(({ id }) => id)]);
  const expected = before.failures[0]?.id ?? ([...ids].join(" or ") || "nobody");
  const strange = after.failures.find(({ id }) => !ids.has(id));
  if (strange) return { kind: "names", expected, found: strange.id };
  const [meant] = before.failures;
  const [found] = after.failures;
  if (!meant) return undefined;
  // Without a time there was no date that could be mistaken.
  const isMoved = meant.time !== undefined && after.last?.time !== meant.time;
  if (isMoved && isTaken) {
    return { kind: "dates", expected: dateOf(meant.time), found: dateOf(after.last?.time) };
  }
  if (found) return undefined;
  return { kind: "hides", expected, why: after.last?.match === false ? after.last.why : "" };
}

function dateOf(time: number | undefined): string {
  return time === undefined ? "none" : new Date(time).toISOString();
}
