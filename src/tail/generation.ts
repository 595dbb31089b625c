import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, readSync } from "node:fs";
import type { Position } from "./block.ts";
import { type Fingerprint, fingerprintOf, readBeginning } from "./fingerprint.ts";
import { wholeLines } from "./whole-lines.ts";

/** What a state keeps of a generation. */
export interface Mark {
  readonly place: string;
  /** `device:inode`. */
  readonly id: string;
  /** Where the first line begins that stdout has not taken. */
  readonly offset: number;
  /** True: the offset is inside a line that is too long. */
  readonly isSkipping: boolean;
  readonly fingerprint: Fingerprint;
  /** Whether nothing came after the offset when it was last looked at. */
  readonly isAtEnd: boolean;
  /** When it was last written to, in epoch milliseconds, as far as is known. */
  readonly written: number;
}

/** Where to read a file from, and under which name of its bytes. */
export interface Beginning {
  readonly place: string;
  readonly offset: number;
  readonly isSkipping: boolean;
  /** What the file must begin with, for the offset to mean something. */
  readonly fingerprint: Fingerprint | undefined;
  /** Whether a saved state knows the place. */
  readonly isNoted: boolean;
  /** Zeros at the beginning are a hole: the writer of a file that was truncated went on where it was. */
  readonly hasHole: boolean;
}

/** Whole lines and where they are. */
export interface Lines {
  readonly at: Position;
  readonly bytes: Buffer;
}

/**
 * `again`: nothing yet, but there is more to look at. `begun`: a file that was empty is so no more, and may have been truncated meanwhile,
 * which nothing else shows. `replaced`: the file holds other bytes than before.
 */
export type Reading = Lines | "nothing" | "again" | "begun" | "replaced";

/** Bytes of an unfinished line that are looked at at a time. */
const PIECE = 65_536;
/** Bytes without a line that are looked at before others have their turn. */
const TURN = 16 * 1024 * 1024;

/** A place for a new generation of a file. */
export function newPlace(id: string): string {
  return `${id}:${randomBytes(6).toString("hex")}`;
}

/** At the beginning of a new generation of a file, or elsewhere in it. */
export function atOffset(id: string, offset = 0, hasHole = false): Beginning {
  return { place: newPlace(id), offset, isSkipping: false, fingerprint: undefined, isNoted: false, hasHole };
}

export function atMark({ place, offset, isSkipping, fingerprint }: Mark): Beginning {
  return { place, offset, isSkipping, fingerprint, isNoted: true, hasHole: false };
}

/**
 * An open file from which lines are read as they come. An unfinished last line stays in the file: only what was added to it is looked
 * at, and the line is read when its newline is there.
 */
export class Generation {
  #place: string;
  #id: string;
  #fd: number;
  readonly #maxLine: number;
  readonly #onOverlong: () => void;
  /** The first bytes of the file, at most 1 KiB. */
  #beginning: Buffer;
  /** Where the next line begins. */
  #next: number;
  /** Up to where there is no newline after `#next`. */
  #scanned: number;
  /** The same as `#next`, as far as stdout took the blocks. */
  #taken: number;
  /** Blocks given and not taken yet. */
  #given = 0;
  #isSkipping: boolean;
  #isAtEnd = false;
  #isHole: boolean;
  #written = 0;
  isNoted: boolean;

  /** @param onOverlong called for each line that is longer than `maxLine` bytes */
  constructor(fd: number, id: string, from: Beginning, maxLine: number, onOverlong: () => void) {
    this.#fd = fd;
    this.#id = id;
    this.#place = from.place;
    this.isNoted = from.isNoted;
    this.#next = this.#scanned = this.#taken = from.offset;
    this.#isSkipping = from.isSkipping;
    this.#isHole = from.hasHole;
    this.#maxLine = maxLine;
    this.#onOverlong = onOverlong;
    this.#written = fstatSync(fd).mtimeMs;
    this.#beginning = Buffer.from(readBeginning(fd));
  }

  /** `device:inode` of the file. */
  get id(): string {
    return this.#id;
  }

  get fd(): number {
    return this.#fd;
  }

  /** Where the next line begins that was not given. */
  get next(): number {
    return this.#next;
  }

  /** When it was last written to, as far as is known, in epoch milliseconds. */
  get written(): number {
    return this.#written;
  }

  get fingerprint(): Fingerprint {
    return fingerprintOf(this.#beginning);
  }

  get mark(): Mark {
    return {
      place: this.#place,
      id: this.#id,
      offset: this.#given === 0 ? this.#next : this.#taken,
      isSkipping: this.#given === 0 && this.#isSkipping,
      fingerprint: this.fingerprint,
      isAtEnd: this.#given === 0 && this.#isAtEnd,
      written: this.#written,
    };
  }

  /** Bytes of the unfinished line at the end. */
  get unfinished(): number {
    return this.#scanned - this.#next;
  }

  /**
   * Reads the next lines, as many as fit.
   *
   * @param into longer than the longest line
   */
  read(into: Buffer): Reading {
    for (let seen = 0; seen < TURN; ) {
      const inLine = this.#scanned > this.#next || this.#isSkipping;
      const bytes = this.#readAt(inLine ? into.subarray(0, PIECE) : into);
      this.#isAtEnd = bytes.length === 0;
      if (this.#isAtEnd) return this.#whyNothing();
      // Checked after the bytes were read: had they come from another generation, its beginning would stand there.
      const wasEmpty = this.#beginning.length === 0;
      if (!this.#beginsAsBefore()) return "replaced";
      // A state that knows the place must also know by what to find it.
      if (wasEmpty) this.isNoted = false;
      if (wasEmpty) return "begun";
      seen += bytes.length;
      const lines = this.#isHole
        ? this.#passHole(bytes)
        : inLine
          ? this.#lookForEnd(bytes)
          : this.#cut(bytes, bytes.length < into.length);
      if (lines !== undefined) return lines;
    }
    return "again";
  }

  /** To be called when stdout has taken `lines`. */
  take({ at, bytes }: Lines): void {
    this.#given--;
    this.#taken = at.offset + bytes.length;
  }

  /** The last line, if it has no newline and is not too long. */
  readUnfinished(): Lines | undefined {
    if (this.unfinished === 0 || this.#isSkipping) return undefined;
    const offset = this.#next;
    const bytes = Buffer.allocUnsafe(this.unfinished);
    const length = readSync(this.#fd, bytes, 0, bytes.length, offset);
    this.#next = this.#scanned = offset + length;
    this.#given++;
    return { at: { place: this.#place, offset }, bytes: bytes.subarray(0, length) };
  }

  /** Whether the file holds what a mark's offset is in. */
  holds({ offset, fingerprint }: Pick<Mark, "offset" | "fingerprint">): boolean {
    const { length, hash } = fingerprint;
    const isLongEnough = this.#beginning.length >= length && fstatSync(this.#fd).size >= offset;
    return isLongEnough && fingerprintOf(this.#beginning.subarray(0, length)).hash === hash;
  }

  /** Whether a file with that beginning is a copy of what this one holds now, as far as it goes. */
  isOriginalOf(copy: Buffer): boolean {
    this.#beginsAsBefore();
    const { length } = copy;
    return length > 0 && length <= this.#beginning.length && copy.equals(this.#beginning.subarray(0, length));
  }

  /** Goes on at a mark, before anything is read. */
  resume({ place, offset, isSkipping }: Mark): void {
    this.#place = place;
    this.#next = this.#scanned = this.#taken = offset;
    this.#isSkipping = isSkipping;
    this.#isHole = false;
    this.isNoted = true;
  }

  /** Goes on in a copy of the file; the file itself stays open. */
  moveTo(fd: number, id: string): void {
    this.#fd = fd;
    this.#id = id;
    this.#scanned = this.#next;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readAt(into: Buffer): Buffer {
    return into.subarray(0, readSync(this.#fd, into, 0, into.length, this.#scanned));
  }

  #whyNothing(): "nothing" | "begun" | "replaced" {
    const { size, mtimeMs } = fstatSync(this.#fd);
    if (size < this.#scanned) return "replaced";
    if (mtimeMs === this.#written) return "nothing";
    this.#written = mtimeMs;
    if (this.#beginning.length === 0) return "begun";
    return this.#beginsAsBefore() ? "nothing" : "replaced";
  }

  #beginsAsBefore(): boolean {
    const known = this.#beginning;
    const beginning = readBeginning(this.#fd);
    if (beginning.length < known.length) return false;
    if (beginning.compare(known, 0, known.length, 0, known.length) !== 0) return false;
    if (beginning.length > known.length) this.#beginning = Buffer.from(beginning);
    return true;
  }

  #cut(bytes: Buffer, isEnd: boolean): Lines | undefined {
    const { length, overlong } = wholeLines(bytes, this.#maxLine);
    const offset = this.#next;
    if (length > 0) {
      this.#next += length;
      this.#scanned = isEnd && overlong === 0 ? offset + bytes.length : this.#next;
      this.#given++;
      return { at: { place: this.#place, offset }, bytes: bytes.subarray(0, length) };
    }
    if (overlong > 0) {
      this.#onOverlong();
      this.#next = this.#scanned = offset + overlong;
    } else {
      this.#scanned = offset + bytes.length;
      this.#skipIfOverlong();
    }
    return undefined;
  }

  /** Looks for the end of an unfinished line in what follows it. */
  #lookForEnd(bytes: Buffer): undefined {
    const newline = bytes.indexOf(10);
    if (this.#isSkipping) {
      this.#next = this.#scanned += newline < 0 ? bytes.length : newline + 1;
      this.#isSkipping = newline < 0;
    } else if (newline >= 0) this.#scanned = this.#next;
    else {
      this.#scanned += bytes.length;
      this.#skipIfOverlong();
    }
  }

  #skipIfOverlong(): void {
    if (this.#scanned - this.#next <= this.#maxLine) return;
    this.#onOverlong();
    this.#isSkipping = true;
    this.#next = this.#scanned;
  }

  #passHole(bytes: Buffer): undefined {
    let end = 0;
    while (bytes[end] === 0) end++;
    this.#isHole = end === bytes.length;
    this.#next = this.#scanned += end;
  }
}
