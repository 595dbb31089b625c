import { printable, type Report } from "../../cli/report.ts";
import type { PythonPattern } from "../../python/pattern.ts";
import type { Jail } from "../../rules/rule.ts";
import { isNoise } from "../input/format.ts";
import type { InputCounts } from "./figures.ts";

/** Counts, and warns of, input that was dropped or not read as expected. */
export class InputWarnings {
  readonly counts: InputCounts = { bytes: 0, overlong: 0, givenUp: 0, stray: 0 };
  readonly #report: Report;
  readonly #maxLine: number;

  constructor(report: Report, maxLine: number) {
    this.#report = report;
    this.#maxLine = maxLine;
  }

  overlong(): void {
    this.counts.overlong++;
    this.#report.rareWarning("overlong", `dropped a line longer than ${this.#maxLine} bytes`);
  }

  /** A line among journal entries is not one. */
  stray(line: string): void {
    if (isNoise(line)) return;
    this.counts.stray++;
    const message = () => `a line is not a journal entry and is read as plain text: ${printable(line, 80)}`;
    if (this.#report.rareWarning("stray", message)) this.#report.hint("--format sets what each line is");
  }

  /** A search took too long. */
  givenUp({ name }: Jail, { source }: PythonPattern): void {
    this.counts.givenUp++;
    const pattern = printable(source, 80);
    this.#report.rareWarning(
      `budget ${name}`,
      `[${name}] gave up a line that took too long to match: ${pattern}`,
    );
  }

  /** A header of f2b-tail's cannot be read. */
  badHeader(message: string): void {
    this.#report.rareWarning("header", `f2b-tail: ${message}`);
  }

  /** f2b-tail names the sources; `source` is what the user has named. */
  sourceNamed(source: string | undefined): void {
    if (source !== undefined)
      this.#report.warning("--source has no effect on what is read: f2b-tail says which log each line is of");
  }

  tooManySources(most: number): void {
    this.#report.rareWarning(
      "sources",
      `the input has more than ${most} sources: lines of the others are left out`,
    );
  }

  /** journalctl left out the message of an entry. */
  cut(): void {
    this.#report.rareWarning("cut", "journalctl left out a long message: run it with --all (-a)");
  }

  /** An entry reads like a failure and does not match the jail's journalmatch. */
  refused({ name }: Jail, fields: readonly string[]): void {
    const has = printable(fields.join(" "));
    this.#report.warning(
      `[${name}] ignored a journal entry that reads like a failure but does not match journalmatch: ${has}`,
    );
    this.#report.hint(
      `a local user wrote it, or the service runs differently here: then use --set '${name}.journalmatch=…'`,
    );
  }
}
