import type { CompiledJail } from "../../stream/jail/compile-jails.ts";
import { isNumeric } from "../../stream/jail/subject.ts";
import { isField, isId, type Template, textOf } from "../hostile/template.ts";
import { type GroupTexts, templatesOf } from "../hostile/template-writer.ts";
import { handsOnContent, type JailPatterns } from "./jail-patterns.ts";
import { framesOf } from "./log-headers.ts";
import { inOneGo, isSilent, type LinesResult, runLines } from "./run-lines.ts";

/** A line of a case. */
export interface CaseLine {
  /** As it stands in the log; several lines for a multi-line pattern. */
  readonly line: Template;
  /** The part that patterns see. */
  readonly seen: Template;
  /** Index of the failregex that matches it; undefined: none. */
  readonly regex: number | undefined;
}

/** Lines that work as intended, before a hostile text is put into them. */
export interface BenignCase {
  readonly lines: readonly CaseLine[];
  /** Their result: a failure; or none yet, where that takes another line. */
  readonly outcome: LinesResult;
}

/** A number that a pattern takes for a host name, and where it stands. */
export interface NumberFound {
  readonly number: string;
  readonly line: string;
}

/** The ids in benign cases. */
export const BENIGN: GroupTexts = { ip4: "192.0.2.7", ip6: "2001:db8::7", dns: "client.example.net" };

/** Runs lines through the filter of a jail. */
export function runTemplates(compiled: CompiledJail, lines: readonly Template[], now: number): LinesResult {
  return runLines(
    compiled,
    lines.flatMap((line) => textOf(line).split("\n")),
    now,
  );
}

/** The ids that lines name. */
export function idsIn(lines: readonly Template[]): ReadonlySet<string> {
  return new Set(lines.flatMap(({ parts }) => parts.filter(isId).map(({ id }) => id)));
}

/** Which cases of a pattern are wanted; as for `templatesOf`. */
interface Ways {
  readonly most: number | undefined;
  readonly isBare: boolean;
}

/** Generates cases from patterns. */
export class CaseWriter {
  readonly #patterns: JailPatterns;
  readonly #now: number;
  /** The header that worked last: it probably works again. */
  #frame = 0;
  /** Lines in which a pattern, by its index, takes a number for a host name. */
  readonly numbers = new Map<number, NumberFound>();

  constructor(patterns: JailPatterns, now: number) {
    this.#patterns = patterns;
    this.#now = now;
  }

  /** Cases of one line, or of the lines of a multi-line pattern. */
  casesOf(regex: number, texts: GroupTexts = BENIGN, most?: number): readonly BenignCase[] {
    const frame = this.#frame;
    return inOneGo(() => {
      this.#frame = frame;
      const cases = this.#cases(regex, texts, { isBare: false, most });
      return cases.length > 0 ? cases : this.#cases(regex, texts, { isBare: true, most });
    });
  }

  /** Cases of two lines of one session, of which the first alone is no failure. */
  *sessions(cases: readonly BenignCase[]): Generator<BenignCase> {
    for (const {
      lines: [waiting],
    } of cases.filter(({ outcome }) => isSilent(outcome))) {
      for (const { lines: ending } of cases) {
        const session = ending[0] && this.#sessionOf(ending[0]);
        const [first] =
          waiting?.regex === undefined ? [] : this.casesOf(waiting.regex, { ...BENIGN, ...session }, 1);
        const lines = first ? [...first.lines, ...ending] : [];
        const outcome = inOneGo(() => this.#play(lines));
        if (isMeant(outcome, lines)) yield { lines, outcome };
      }
    }
  }

  #cases(regex: number, texts: GroupTexts, ways: Ways): readonly BenignCase[] {
    const cases: BenignCase[] = [];
    for (const seen of this.#templatesOf(regex, texts, ways.isBare)) {
      cases.push(...this.#framed(seen, regex));
      if (cases.length >= (ways.most ?? Number.POSITIVE_INFINITY)) break;
    }
    return cases;
  }

  *#templatesOf(regex: number, texts: GroupTexts, isBare: boolean): Generator<Template> {
    const { compiled, prefregex, failregex } = this.#patterns;
    const pattern = failregex[regex];
    if (!pattern) return;
    const inner = templatesOf(pattern, texts, { isBare });
    if (!prefregex || !handsOnContent(compiled)) yield* inner;
    else {
      for (const [index, content] of inner.entries()) {
        yield* templatesOf(prefregex, { ...texts, content }, { isBare, ...(index > 0 && { most: 2 }) });
      }
    }
  }

  /**
   * The case with the first header with which the line has a time, else with the last. Also that with the last one where the date took
   * the place of a field.
   */
  #framed(seen: Template, regex: number): readonly BenignCase[] {
    const frames = framesOf(seen, this.#patterns.compiled.jail);
    const last = frames.length - 1;
    const caseIn = (index: number): BenignCase | undefined => {
      const lines = frames.slice(index, index + 1).map((line) => ({ line, seen, regex }));
      const outcome = this.#play(lines);
      this.#lookForNumbers(outcome, lines);
      const isTimed = index === last || outcome.last?.time !== undefined;
      return isTimed && (isMeant(outcome, lines) || isSilent(outcome)) ? { lines, outcome } : undefined;
    };
    const tried = [this.#frame, ...frames.keys()].filter((each) => each <= last);
    const index = tried.find((each) => caseIn(each));
    if (index === undefined) return [];
    this.#frame = index;
    const isWhole = fieldsIn(frames[index]) === fieldsIn(seen);
    return [index, ...(isWhole ? [] : [last])].flatMap((each) => caseIn(each) ?? []);
  }

  #lookForNumbers({ failures }: LinesResult, lines: readonly CaseLine[]): void {
    const [line] = lines;
    const found = failures.find(({ kind, id }) => kind === "host" && isNumeric(id));
    if (found && line && !this.numbers.has(found.regex))
      this.numbers.set(found.regex, { number: found.id, line: textOf(line.line) });
  }

  #play(lines: readonly CaseLine[]): LinesResult {
    return runTemplates(
      this.#patterns.compiled,
      lines.map(({ line }) => line),
      this.#now,
    );
  }

  /** The session that a failregex names; one that the prefregex names is the same for all. */
  #sessionOf({ seen, regex }: CaseLine): { readonly mlfid?: string } {
    const found = this.#patterns.failregex[regex ?? -1]?.compiled.search(`${textOf(seen)}\n`);
    return found?.groups.mlfid === undefined ? {} : { mlfid: found.groups.mlfid };
  }
}

/** True when the failures have the ids that the lines name. */
function isMeant({ failures }: LinesResult, lines: readonly CaseLine[]): boolean {
  const ids = idsIn(lines.map(({ line }) => line));
  return failures.length > 0 && failures.every(({ id }) => ids.has(id));
}

function fieldsIn(template: Template | undefined): number {
  return template?.parts.filter(isField).length ?? 0;
}
