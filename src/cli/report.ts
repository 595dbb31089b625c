import { escapeText } from "../shared/invisible.ts";
import { forPeople } from "./stderr.ts";

/** Lines for people on stderr: `program: ` first, one line a message, log text only through `printable`. */
export class Report {
  readonly #program: string;
  readonly #write: (line: string) => void;
  /** How much is told: `quiet` leaves out warnings and hints, `verbose` adds details. */
  verbosity: "quiet" | "normal" | "verbose" = "normal";
  /** Warnings so far, told or not. */
  warnings = 0;
  /** How often each kind of rare warning was given. */
  readonly #given = new Map<string, number>();

  constructor(program: string, write: (text: string) => void = forPeople(program)) {
    this.#program = program;
    this.#write = write;
  }

  error(message: string): void {
    this.line(`error: ${message}`);
  }

  hint(message: string): void {
    if (this.verbosity !== "quiet") this.line(`hint: ${message}`);
  }

  warning(message: string): void {
    this.warnings++;
    this.#warn(message);
  }

  detail(message: string): void {
    if (this.verbosity === "verbose") this.line(message);
  }

  /**
   * A warning that may come again and again: given at the 1st, 10th, 100th, … time, with how often by then. `kind` must
   * be one of a fixed set of words.
   *
   * @returns whether this was such a time
   */
  rareWarning(kind: string, message: string | (() => string)): boolean {
    const count = (this.#given.get(kind) ?? 0) + 1;
    this.#given.set(kind, count);
    this.warnings++;
    if (!isPowerOfTen(count)) return false;
    const text = typeof message === "string" ? message : message();
    this.#warn(count === 1 ? text : `${text} (${count} times so far)`);
    return true;
  }

  #warn(message: string): void {
    if (this.verbosity !== "quiet") this.line(`warning: ${message}`);
  }

  line(message: string): void {
    this.#write(this.#lineOf(message));
  }

  /** Many lines with one write. */
  lines(messages: readonly string[]): void {
    if (messages.length > 0) this.#write(messages.map((message) => this.#lineOf(message)).join(""));
  }

  /** Whatever got into a message, it is one line, and none that a terminal acts on. */
  #lineOf(message: string): string {
    return `${this.#program}: ${escapeText(message)}\n`;
  }
}

function isPowerOfTen(count: number): boolean {
  let power = 1;
  while (power < count) power *= 10;
  return power === count;
}

/**
 * Text that a stranger wrote, safe for a terminal: characters that are not seen, and lone surrogates, are escaped as `\xNN` or
 * `\u{NNNN}`, and what is longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 200): string {
  return escapeText(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
