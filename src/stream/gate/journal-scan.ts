import type { Bytes } from "../../shared/text.ts";
import type { CutEntry, FieldPlaces } from "../input/journal.ts";
import type { GateModule } from "./wasm-module.ts";

/** Stands for a line that is left as it is. */
export const MARK = "\u0001\u0001\u0001\u0001";

const ENTRY_BYTES = 262_144;
const RECORDS = 4096;
/** Most fields asked for, and the longest name; others are left to JSON.parse. */
const MAX_ASKED = 16;
const MAX_NAME = 64;
/** Bytes of a name with its length, which is a number of four. */
const ASKED = 72;
/** Words of a record, as wasm/journal.ts lays them out; the first two are its time. Start and end of each asked field follow. */
const RECORD = 10;
const TEXT = 2;
const START = 3;
const END = 4;
const IDENTIFIER = 5;
const IDENTIFIER_END = 6;
const MESSAGE = 7;
const FLAGS = 8;
const HAS_IDENTIFIER = 1;
const IS_ROUGH = 2;
const IS_MARKED = 4;
const IS_CUT = 8;

/**
 * Turns journal JSON into the text that jails see, for the gate to seek in; wasm/journal.ts does it, and explains how. It is the text
 * of `readJournal`, save for characters that no needle has. A line that is not an entry stays as it is, and a MARK stands for it.
 */
export class JournalScan implements FieldPlaces {
  /** Most bytes that can be loaded at once. */
  readonly size: number;
  readonly #asked: readonly string[];
  /** Words of a record. */
  readonly #stride: number;
  readonly #module: GateModule;
  readonly #maxLine: number;
  #bytes = new Uint8Array();
  #words = new Uint32Array();
  #times = new Float64Array();
  #count = 0;
  /** The current record; -1: none. */
  #at = -1;
  #cutLeft = 0;

  /**
   * Call `begin` once the module's memory is laid out.
   *
   * @param maxLine longer lines are skipped
   * @param fields those whose values will be asked for
   */
  constructor(module: GateModule, maxLine: number, fields: readonly string[] = []) {
    this.#asked = fields
      .filter((name) => /^[ -~]+$/.test(name) && name.length <= MAX_NAME)
      .slice(0, MAX_ASKED);
    this.#stride = RECORD + 2 * this.#asked.length;
    this.size = Math.max(ENTRY_BYTES, maxLine + 1);
    this.#maxLine = maxLine;
    this.#module = module;
    module.startJournal(this.size, RECORDS, this.#asked.length);
  }

  begin(): void {
    const { memory, entries, records } = this.#module;
    this.#bytes = new Uint8Array(memory.buffer, entries.value, this.size);
    this.#words = new Uint32Array(memory.buffer, records.value, RECORDS * this.#stride);
    this.#times = new Float64Array(memory.buffer, records.value, (RECORDS * this.#stride) / 2);
    this.#writeAsked();
  }

  #writeAsked(): void {
    const { memory, asked, askFields } = this.#module;
    for (const [index, name] of this.#asked.entries()) {
      const at = asked.value + index * ASKED;
      new DataView(memory.buffer).setUint32(at, name.length, true);
      Buffer.from(memory.buffer, at + 4, MAX_NAME).write(name, "latin1");
    }
    askFields();
  }

  /** Takes whole lines, at most `size` bytes; the last one may lack its newline. */
  load(bytes: Uint8Array): void {
    this.#bytes.set(bytes);
  }

  /**
   * Reads lines between two places of what was loaded into the input of the scan, as many as fit in `room` bytes.
   * Returns the length of their texts, and where to go on.
   */
  read(from: number, to: number, room: number): { readonly length: number; readonly next: number } {
    const { readEntries, entries, input, nextEntry, textEnd, cutCount } = this.#module;
    const base = entries.value;
    this.#count = readEntries(base + from, base + to, this.#maxLine, room);
    this.#at = -1;
    this.#cutLeft = cutCount.value;
    return { length: textEnd.value - input.value, next: nextEntry.value - base };
  }

  /**
   * Moves on to the line whose text begins at `text`; lines are sought in their order. Returns how many entries in between have a
   * message that was left out.
   */
  seek(text: number): number {
    let cut = 0;
    for (this.#at++; this.#at < this.#count && this.#word(TEXT) !== text; this.#at++) if (this.#isCut) cut++;
    this.#cutLeft -= cut + (this.#isCut ? 1 : 0);
    return cut;
  }

  /** How many such entries there are after that line. */
  get cutLeft(): number {
    return this.#cutLeft;
  }

  /** Where the line begins and ends in what was loaded. */
  get start(): number {
    return this.#word(START);
  }

  get end(): number {
    return this.#word(END);
  }

  /** What was cut out of the line, which is `json`; undefined: JSON.parse must read it. */
  cut(json: Bytes): CutEntry | undefined {
    const flags = this.#word(FLAGS);
    if ((flags & (IS_ROUGH | IS_MARKED)) !== 0) return undefined;
    const time = this.#times[(this.#at * this.#stride) / 2] as number;
    const hasIdentifier = (flags & HAS_IDENTIFIER) !== 0;
    return {
      time: Number.isNaN(time) ? undefined : time,
      identifier: hasIdentifier ? [this.#word(IDENTIFIER), this.#word(IDENTIFIER_END)] : undefined,
      message: this.#word(MESSAGE),
      isCut: this.#isCut,
      json,
      places: this,
    };
  }

  indexOf(field: string): number {
    return this.#asked.indexOf(field);
  }

  startOf(index: number): number {
    return this.#word(RECORD + 2 * index) - this.start;
  }

  endOf(index: number): number {
    return this.#word(RECORD + 2 * index + 1) - this.start;
  }

  get #isCut(): boolean {
    return (this.#word(FLAGS) & IS_CUT) !== 0;
  }

  #word(index: number): number {
    return this.#words[this.#at * this.#stride + index] as number;
  }
}
