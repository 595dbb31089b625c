import type { PatternMatch } from "../python/pattern.ts";

/** A line as the filter sees it and as it was written. */
export interface BufferedLine {
  /** The line without its date. */
  readonly text: string;
  /** The line, whole: evidence. */
  readonly whole: string;
  /** Where it begins, in bytes from the beginning of the input, where that is known. */
  readonly offset?: number;
}

/** Lines that a match took, and those that stay in the buffer. */
export interface SplitBuffer {
  readonly matched: readonly BufferedLine[];
  readonly rest: readonly BufferedLine[];
}

/** The text that patterns search: every line, the last one too, ends in a newline. */
export function joinLines(lines: readonly BufferedLine[]): string {
  const [only] = lines;
  if (lines.length === 1 && only) return `${only.text}\n`;
  return lines.map(({ text }) => `${text}\n`).join("");
}

/**
 * Splits the buffer by a match in `text`: the lines it spans are taken, save those that `<SKIPLINES>` skipped. As
 * fail2ban's Regex.search does, line by line in the text but by position in the buffer.
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
 * The lines that `<SKIPLINES>` took, ended by whatever Python's splitlines takes for an end: one with a form feed inside comes in
 * two, neither of which is in the buffer, and so counts as matched.
 */
function skippedLines({ groups }: PatternMatch): string[] {
  let skipped = "";
  for (let index = 0; `skiplines${index}` in groups; index++) skipped += groups[`skiplines${index}`] ?? "";
  return skipped.split(LINE_END).slice(0, -1);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: Python has them end a line
const LINE_END = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/;

function countNewlines(text: string, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
