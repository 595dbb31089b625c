import type { Transform } from "node:stream";
import split2 from "split2";
import { printable, type Report } from "../cli/report.ts";
import { type Command, decode, MAX_COMMAND_BYTES } from "../protocol/command.ts";
import { CommandError } from "../protocol/json-fields.ts";

/** split2 4.2 has a field, missing from its types, that is true while it skips a line that is too long. */
type Splitter = Transform & { readonly overflow: boolean };

/** How many bad lines are reported one by one; then only the 10th, 100th and so on of the others. */
const REPORTED_EACH = 20;

const NEWLINE = 10;

/**
 * Cuts bytes into commands. Bad lines are reported, counted and skipped. Memory is bounded by a chunk and the longest line, even
 * for a line that never ends.
 */
export class CommandReader {
  readonly #report: Report;
  readonly #take: (command: Command) => void;
  readonly #now: () => number;
  readonly #splitter: Splitter;
  #line = 0;
  #bad = 0;
  #hasReportedUnknown = false;
  #endsInNewline = true;
  #isEnding = false;

  /** `take` gets each command, in order, while its chunk is read; `now` gives the time of commands without `time`. */
  constructor(report: Report, take: (command: Command) => void, now: () => number) {
    this.#report = report;
    this.#take = take;
    this.#now = now;
    const options = { maxLength: MAX_COMMAND_BYTES, skipOverflow: true };
    this.#splitter = split2((line: string) => this.#readLine(line), options) as Splitter;
    this.#splitter.resume();
  }

  /** How many lines were not commands. */
  get bad(): number {
    return this.#bad;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const wasOverlong = this.#splitter.overflow;
    this.#splitter.write(chunk);
    this.#endsInNewline = chunk.at(-1) === NEWLINE;
    if (this.#splitter.overflow && !(wasOverlong && !chunk.includes(NEWLINE))) this.#reportOverlong();
  }

  /** Reads what follows the last newline. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await new Promise<void>((resolve) => this.#splitter.once("end", resolve).end());
  }

  /** Returns nothing, so that split2 buffers nothing. */
  #readLine(line: string): undefined {
    if (this.#isEnding && this.#splitter.overflow) return;
    this.#line++;
    if (line.trim() === "") return;
    if (isOverlong(line)) return this.#reportBad(`longer than ${MAX_COMMAND_BYTES} bytes`);
    try {
      this.#take(decode(line, this.#now()));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#reportError(error);
    }
  }

  #reportError({ code, message }: CommandError): void {
    if (code === "ERR_COMMAND_UNKNOWN") {
      if (!this.#hasReportedUnknown)
        this.#report.warning(`line ${this.#line}: ${printable(message)}, skipped`);
      this.#hasReportedUnknown = true;
      return;
    }
    const isTorn = this.#isEnding && !this.#endsInNewline;
    this.#reportBad(isTorn ? `the input ends within the line: ${message}` : message);
  }

  #reportOverlong(): void {
    this.#line++;
    this.#reportBad(`longer than ${MAX_COMMAND_BYTES} bytes`);
  }

  #reportBad(reason: string): undefined {
    this.#bad++;
    const message = `line ${this.#line}: ${printable(reason)}`;
    if (this.#bad <= REPORTED_EACH) this.#report.warning(message);
    else this.#report.rareWarning("bad line", message);
  }
}

function isOverlong(line: string): boolean {
  return line.length * 3 >= MAX_COMMAND_BYTES && Buffer.byteLength(line) >= MAX_COMMAND_BYTES;
}
