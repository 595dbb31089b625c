import type { PatternMatch } from "../python/pattern.ts";
import { evidenceOf } from "./evidence-text.ts";
import type { MatcherLine } from "./line-date.ts";

/** How far back the lines of one match may begin, in bytes. */
const MAX_BYTES = 65_536;

/** A line as the patterns see it, and as it was written. */
export interface BufferedLine {
  /** The line without its date. */
  readonly text: string;
  /** The whole line: evidence. */
  readonly whole: string;
  /** Where it begins, in bytes from the beginning of the input, where that is known. */
  readonly offset?: number;
}

/** The last lines that a multi-line filter has seen, less those that were matched. */
export class LineBuffer {
  readonly #maxlines: number;
  #lines: readonly BufferedLine[] = [];

  constructor(maxlines: number) {
    this.#maxlines = maxlines;
  }

  /** Adds a line, `text` being the line without its date, and gives the lines that are held now. */
  add(text: string, { whole, offset = 0 }: MatcherLine): readonly BufferedLine[] {
    const line = { text: text.slice(0, -1).replaceAll("\n", " "), whole: evidenceOf(whole), offset };
    const isNear = (other: BufferedLine) => (other.offset ?? 0) >= offset - MAX_BYTES;
    this.#lines = [...this.#lines, line].filter(isNear).slice(-this.#maxlines);
    return this.#lines;
  }

  /** Holds these lines from now on. */
  replace(lines: readonly BufferedLine[]): void {
    this.#lines = lines;
  }
}

/** Lines that a match spans, and those that stay in the buffer. */
export interface SplitBuffer {
  readonly matched: readonly BufferedLine[];
  readonly rest: readonly BufferedLine[];
}

/** The text that patterns search: each line ends in a newline, the last one too. */
export function joinLines(lines: readonly BufferedLine[]): string {
  const [only] = lines;
  if (lines.length === 1 && only) return `${only.text}\n`;
  return lines.map(({ text }) => `${text}\n`).join("");
}

/**
 * Splits the buffer at a match in `text`: `matched` are the lines it spans, except those that `<SKIPLINES>` skipped. As
 * fail2ban's Regex.search does, the text is read line by line, the buffer by position.
 */
export function splitBuffer(lines: readonly BufferedLine[], text: string, match: PatternMatch): SplitBuffer {
  if (lines.length <= 1) return { matched: lines, rest: [] };
  const start = text.lastIndexOf("\n", match.start) + 1;
  const end = match.end === 0 ? text.length : text.indexOf("\n", match.end - 1) + 1 || text.length;
  const first = countNewlines(text, start);
  const last = countNewlines(text, end);
  const matched = lines.slice(first, last);
  const rest = lines.slice(0, first);
  let from = 0;
  for (const skipped of skippedLines(match)) {
    const index = matched.findIndex((line, at) => at >= from && line.text === skipped);
    if (index < 0) continue;
    rest.push(...matched.splice(index, 1));
    from = index;
  }
  rest.push(...lines.slice(last));
  return { matched, rest };
}

/**
 * The lines that `<SKIPLINES>` matched, split where Python's splitlines splits: a line with a form feed comes in two parts, neither
 * of which is in the buffer, so it counts as matched.
 */
function skippedLines({ groups }: PatternMatch): string[] {
  let skipped = "";
  for (let index = 0; `skiplines${index}` in groups; index++) skipped += groups[`skiplines${index}`] ?? "";
  return skipped.split(LINE_END).slice(0, -1);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they end a line in Python
const LINE_END = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/;

function countNewlines(text: string, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
