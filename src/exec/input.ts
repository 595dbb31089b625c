import type { Transform } from "node:stream";
import split2 from "split2";
import { printable, type Report } from "../cli/report.ts";
import { type Command, decode, MAX_COMMAND_BYTES } from "../protocol/command.ts";
import { CommandError } from "../protocol/json-fields.ts";

/** split2 4.2 says in a field that its types leave out that it is skipping a line that is too long. */
type Splitter = Transform & { readonly overflow: boolean };

/** So many bad lines are told one by one, then ever fewer. */
const TOLD = 20;

const NEWLINE = 10;

/**
 * Cuts bytes into commands. Bad lines are told, counted and skipped; memory is bounded by a chunk and the longest line,
 * however long a line without end grows.
 */
export class CommandReader {
  readonly #report: Report;
  readonly #take: (command: Command) => void;
  readonly #now: () => number;
  readonly #splitter: Splitter;
  #line = 0;
  #bad = 0;
  #isUnknownTold = false;
  #endsInNewline = true;
  #isEnding = false;

  /** `take` is called for each command, in order, while its chunk is being read; `now` is for commands without `time`. */
  constructor(report: Report, take: (command: Command) => void, now: () => number) {
    this.#report = report;
    this.#take = take;
    this.#now = now;
    const options = { maxLength: MAX_COMMAND_BYTES, skipOverflow: true };
    this.#splitter = split2((line: string) => this.#readLine(line), options) as Splitter;
    this.#splitter.resume();
  }

  /** How many lines were no commands. */
  get bad(): number {
    return this.#bad;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const wasOverlong = this.#splitter.overflow;
    this.#splitter.write(chunk);
    this.#endsInNewline = chunk.at(-1) === NEWLINE;
    if (this.#splitter.overflow && !(wasOverlong && !chunk.includes(NEWLINE))) this.#tellOverlong();
  }

  /** Reads what stands behind the last newline. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await new Promise<void>((resolve) => this.#splitter.once("end", resolve).end());
  }

  /** Gives split2 nothing back, so that nothing waits there. */
  #readLine(line: string): undefined {
    if (this.#isEnding && this.#splitter.overflow) return;
    this.#line++;
    if (line.trim() === "") return;
    if (isOverlong(line)) return this.#tellBad(`longer than ${MAX_COMMAND_BYTES} bytes`);
    try {
      this.#take(decode(line, this.#now()));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#tellError(error);
    }
  }

  #tellError({ code, message }: CommandError): void {
    if (code === "ERR_COMMAND_UNKNOWN") {
      if (!this.#isUnknownTold) this.#report.warning(`line ${this.#line}: ${printable(message)}, skipped`);
      this.#isUnknownTold = true;
      return;
    }
    const isTorn = this.#isEnding && !this.#endsInNewline;
    this.#tellBad(isTorn ? `the input ended in the middle of it: ${message}` : message);
  }

  #tellOverlong(): void {
    this.#line++;
    this.#tellBad(`longer than ${MAX_COMMAND_BYTES} bytes`);
  }

  #tellBad(reason: string): undefined {
    this.#bad++;
    const message = `line ${this.#line}: ${printable(reason)}`;
    if (this.#bad <= TOLD) this.#report.warning(message);
    else this.#report.rareWarning("bad line", message);
  }
}

function isOverlong(line: string): boolean {
  return line.length * 3 >= MAX_COMMAND_BYTES && Buffer.byteLength(line) >= MAX_COMMAND_BYTES;
}
