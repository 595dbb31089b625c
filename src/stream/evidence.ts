import type { Key } from "./key.ts";
import { NONE, Table } from "./table.ts";

export interface EvidenceOptions {
  /** Most bytes of text held, over all jails; the lines of whoever was idle longest go first. */
  readonly maxBytes: number;
}

/** A line that made a failure. */
interface Line {
  readonly text: string;
  /** Epoch milliseconds of the failure. */
  readonly time: number;
  /** The line before it, of the same subject: fewer objects than a list of lines would be, and most subjects have one. */
  older: Line | undefined;
}

/** A line's share of memory besides its text, in bytes. */
const LINE_OVERHEAD = 64;
/** Most subjects that lines are held of, however large the store. */
const MAX_ROWS = 2 ** 24;

/** A row's words: the rows of who was heard of just before and just after, or NONE. */
const OLDER = 0;
const NEWER = 1;

/** Holds the lines that show why an address is about to be banned. */
export class Evidence {
  readonly #maxBytes: number;
  readonly #maxRows: number;
  readonly #rows: Table;
  /** The newest line of each row. */
  readonly #lines: (Line | undefined)[] = [];
  #bytes = 0;
  #oldest = NONE;
  #newest = NONE;

  constructor({ maxBytes }: EvidenceOptions) {
    this.#maxBytes = maxBytes;
    this.#maxRows = Math.min(Math.ceil(maxBytes / LINE_OVERHEAD) + 1, MAX_ROWS);
    this.#rows = new Table({ maxRows: this.#maxRows, words: 2 });
  }

  /** Keeps the lines of a failure at `time` for `key`, at most the newest `maxmatches` of all it has. */
  add(key: Key, lines: readonly string[], time: number, maxmatches: number): void {
    if (maxmatches <= 0) this.forget(key);
    if (maxmatches <= 0 || lines.length === 0) return;
    const row = this.#touch(key);
    for (const text of lines) {
      this.#lines[row] = { text, time, older: this.#lines[row] };
      this.#bytes += weight(text);
    }
    this.#cut(this.#lines[row], maxmatches);
    while (this.#bytes > this.#maxBytes) this.#drop(this.#oldest);
  }

  /** The lines held for `key`, oldest first. */
  of(key: Key): readonly string[] {
    return this.#linesOf(key, Number.NEGATIVE_INFINITY);
  }

  /** The lines held for `key` of failures after `since`, oldest first; then all are forgotten. */
  take(key: Key, since: number): readonly string[] {
    const lines = this.#linesOf(key, since);
    this.forget(key);
    return lines;
  }

  forget(key: Key): void {
    const row = this.#rows.find(key);
    if (row !== NONE) this.#drop(row);
  }

  #linesOf(key: Key, since: number): readonly string[] {
    const row = this.#rows.find(key);
    const texts: string[] = [];
    let line = row === NONE ? undefined : this.#lines[row];
    for (; line; line = line.older) if (line.time > since) texts.push(line.text);
    return texts.reverse();
  }

  /** The row of `key`, which is now the one heard of last. */
  #touch(key: Key): number {
    let row = this.#rows.find(key);
    if (row === this.#newest && row !== NONE) return row;
    if (row !== NONE) this.#unlink(row);
    else {
      if (this.#rows.size >= this.#maxRows) this.#drop(this.#oldest);
      row = this.#rows.insert(key);
    }
    this.#link(row);
    return row;
  }

  /** Cuts off what is older than the `count` newest lines. */
  #cut(newest: Line | undefined, count: number): void {
    let line = newest;
    for (let i = 1; i < count && line; i++) line = line?.older;
    this.#bytes -= weightOf(line?.older);
    if (line) line.older = undefined;
  }

  #drop(row: number): void {
    this.#bytes -= weightOf(this.#lines[row]);
    this.#lines[row] = undefined;
    this.#unlink(row);
    this.#rows.delete(row);
  }

  #link(row: number): void {
    this.#rows.set(row, OLDER, this.#newest);
    this.#rows.set(row, NEWER, NONE);
    if (this.#newest === NONE) this.#oldest = row;
    else this.#rows.set(this.#newest, NEWER, row);
    this.#newest = row;
  }

  #unlink(row: number): void {
    const older = this.#rows.get(row, OLDER);
    const newer = this.#rows.get(row, NEWER);
    if (older === NONE) this.#oldest = newer;
    else this.#rows.set(older, NEWER, newer);
    if (newer === NONE) this.#newest = older;
    else this.#rows.set(newer, OLDER, older);
  }
}

/** The weight of a line and all before it. */
function weightOf(newest: Line | undefined): number {
  let sum = 0;
  for (let line = newest; line; line = line.older) sum += weight(line.text);
  return sum;
}

/** Strings beyond Latin-1 take two bytes a character; counted as if all did. */
function weight(text: string): number {
  return text.length * 2 + LINE_OVERHEAD;
}
