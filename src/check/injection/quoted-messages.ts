import type { Failure } from "../../filter/verdict.ts";
import { forged, type Template, textOf } from "../hostile/template.ts";
import { templatesOf } from "../hostile/template-writer.ts";
import type { Fault } from "./attack.ts";
import { BENIGN, type BenignCase } from "./benign-case.ts";
import { handsOnContent, type JailPatterns } from "./jail-patterns.ts";
import { header } from "./log-headers.ts";
import { DECOYS } from "./payloads.ts";
import { inOneGo, runLines } from "./run-lines.ts";

const [DECOY] = DECOYS;

/** Tries lines of other kinds that quote a whole message: an unanchored pattern cannot tell it from its own. */
export class MessageQuoter {
  readonly #patterns: JailPatterns;
  readonly #now: number;
  #lines = 0;

  constructor(patterns: JailPatterns, now: number) {
    this.#patterns = patterns;
    this.#now = now;
  }

  /** How many lines were tried. */
  get lines(): number {
    return this.#lines;
  }

  /**
   * The faults of lines that quote the messages of some cases.
   *
   * @param others sample lines without a failure: they quote the first case
   */
  *quote(cases: readonly BenignCase[], others: readonly string[]): Generator<Fault> {
    const all = cases.flatMap(({ lines }, index) => {
      const seen = lines[0]?.seen;
      if (!seen) return [];
      const quotes = index > 0 ? [] : others.flatMap((other) => quotesIn(other, seen));
      return [...quotesOf(this.#patterns, seen), ...quotes.map((quote) => [quote])];
    });
    const before = this.#lines;
    yield* inOneGo(() => {
      this.#lines = before;
      return all.flatMap((wordings) => [...this.#try(wordings)]);
    });
  }

  /** A fault, if each wording leads to another id. */
  *#try(wordings: readonly string[]): Generator<Fault> {
    this.#lines += wordings.length;
    const failures = wordings.map((lines) => this.#quoted(lines));
    if (!failures.every((failure) => failure !== undefined)) return;
    yield {
      harm: { kind: "names", expected: BENIGN.ip4, found: DECOY },
      fieldPlace: undefined,
      regex: undefined,
      by: failures[0]?.regex,
      line: wordings[0] ?? "",
      isTaken: true,
    };
  }

  /** The failure of the address that the lines quote. */
  #quoted(lines: string): Failure | undefined {
    const { failures } = runLines(this.#patterns.compiled, lines.split("\n"), this.#now);
    return failures.find(({ id }) => id === DECOY);
  }
}

/**
 * Lines of another kind that quote a client's text: a whole message with another address. Each list is one kind of line in several
 * wordings, since one of them alone could match by accident. Lines of a multi-line pattern are quoted one by one, joined by newlines.
 *
 * @param seen a message that a failregex matches
 */
function quotesOf(patterns: JailPatterns, seen: Template): readonly (readonly string[])[] {
  const copy = forged(seen.parts, seen, DECOY).split("\n");
  const wordings = [`x [${BENIGN.ip4}]: `, `x ${BENIGN.ip4} said "`];
  const said = (start: string) =>
    wordings.map((wording) => copy.map((line) => start + wording + line).join("\n"));
  const { identifier } = patterns.compiled.jail;
  if (identifier?.[0] !== undefined) return [said(header(identifier[0]))];
  const requests = copy.map(
    (line) => `${BENIGN.ip4} - - [21/Nov/2026:19:40:02 +0000] "GET /${line} HTTP/1.1" 404 1 "-" "-"`,
  );
  return [said(header("app")), [requests.join("\n")], ...handedOn(patterns, said(""))];
}

/** A sample line without a failure, with a message in its quotes or brackets. */
function quotesIn(line: string, seen: Template): readonly string[] {
  const copy = forged(seen.parts, seen, DECOY);
  if (copy.includes("\n")) return [];
  const inside = [...line.matchAll(/(?<=")[^"]*(?=")|(?<=<)[^<>]*(?=>)/g)];
  return inside.map(({ index, 0: text }) => line.slice(0, index) + copy + line.slice(index + text.length));
}

/** Messages that a prefregex passes to the failregexes. */
function handedOn(
  { compiled, prefregex }: JailPatterns,
  messages: readonly string[],
): readonly (readonly string[])[] {
  if (!prefregex || !handsOnContent(compiled)) return [];
  const lines = messages.map((message) => {
    const [line] = templatesOf(
      prefregex,
      { ...BENIGN, content: { parts: [message], fields: [] } },
      { most: 1 },
    );
    return line ? textOf(line) : "";
  });
  return ["Nov 21 19:40:02", "Nov 21 19:40:02 "].map((stamp) => lines.map((line) => stamp + line));
}
