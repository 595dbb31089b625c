import { escapeText } from "../shared/invisible.ts";
import { forPeople } from "./stderr.ts";

/** Messages for people on stderr: one line each, `program: ` first. Log text goes through `printable`. */
export class Report {
  readonly #program: string;
  readonly #write: (line: string) => void;
  /** How much is written: `quiet` leaves out warnings and hints, `verbose` adds details. */
  verbosity: "quiet" | "normal" | "verbose" = "normal";
  /** Warnings so far, written or not. */
  warnings = 0;
  /** How often each kind of rare warning came. */
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
   * A warning that may come often: written the 1st, 10th, 100th, … time, with how often it came so far. `kind` must be one of a
   * fixed set of words.
   *
   * @returns whether it was written, or would have been without `quiet`
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

  /** Several lines with one write. */
  lines(messages: readonly string[]): void {
    if (messages.length > 0) this.#write(messages.map((message) => this.#lineOf(message)).join(""));
  }

  /** A message is one line, with nothing that a terminal acts on, whatever got into it. */
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
 * Untrusted text, made safe for a terminal: invisible characters and lone surrogates are escaped as `\xNN` or `\u{NNNN}`, and a
 * text longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 200): string {
  return escapeText(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
