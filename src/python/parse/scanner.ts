import { PatternError } from "../pattern.ts";

/** Reads a pattern token by token: one code point, or a backslash and the code point after it. */
export class Scanner {
  readonly source: string;
  #offset = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** Where the next token starts, in UTF-16 units. */
  get offset(): number {
    return this.#offset;
  }

  /** Goes back (or forth) to an offset that was read from here. */
  seek(offset: number): void {
    this.#offset = offset;
  }

  /** The next token; empty at the end. */
  peek(): string {
    const code = this.source.codePointAt(this.#offset);
    if (code === undefined) return "";
    const char = String.fromCodePoint(code);
    if (char !== "\\") return char;
    const escaped = this.source.codePointAt(this.#offset + 1);
    if (escaped === undefined) this.fail(this.#offset, "a pattern cannot end in a backslash");
    return `\\${String.fromCodePoint(escaped)}`;
  }

  /** Takes the next token; empty at the end. */
  next(): string {
    const token = this.peek();
    this.#offset += token.length;
    return token;
  }

  /** Takes the next token if it is this one. */
  accept(token: string): boolean {
    if (this.peek() !== token) return false;
    this.#offset += token.length;
    return true;
  }

  /** Takes at most `limit` characters that the sticky expression matches one by one. */
  takeWhile(char: RegExp, limit = Number.POSITIVE_INFINITY): string {
    const start = this.#offset;
    while (this.#offset - start < limit && char.test(this.source.charAt(this.#offset))) this.#offset++;
    return this.source.slice(start, this.#offset);
  }

  /** Takes the text before `end`, and `end` itself. `what` names the text in a message. */
  takeUntil(end: string, what: string): string {
    const start = this.#offset;
    const stop = this.source.indexOf(end, start);
    if (stop < 0) this.fail(start, `expected ${what} and then "${end}"`);
    if (stop === start) this.fail(start, `expected ${what} before "${end}"`);
    this.#offset = stop + end.length;
    return this.source.slice(start, stop);
  }

  fail(offset: number, message: string): never {
    throw new PatternError("ERR_PATTERN_SYNTAX", offset, message);
  }
}
