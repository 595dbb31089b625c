import { fstatSync, realpathSync } from "node:fs";
import { whyUnreadable } from "../cli/file-error.ts";
import type { Report } from "../cli/report.ts";
import type { Block, BlockSource } from "./block.ts";
import { FileMessages } from "./file-messages.ts";
import type { Fingerprint } from "./fingerprint.ts";
import {
  atMark,
  atOffset,
  type Beginning,
  Generation,
  type Lines,
  type Mark,
  newPlace,
  type Reading,
} from "./generation.ts";
import { type Found, oldParts, statFile } from "./old-parts.ts";
import {
  anewIn,
  beginningOf,
  findCopy,
  inodeOf,
  isRestOf,
  newerParts,
  openFound,
  type Part,
  partsAfterRestart,
} from "./parts.ts";
import type { Registry } from "./registry.ts";

/** What all files share. */
export interface FileContext {
  readonly report: Report;
  readonly registry: Registry;
  readonly maxLine: number;
  /** True: an unfinished last line is given, with a newline, when the file ends. */
  readonly endsLastLine: boolean;
  /** Room for a block; that of the block before stays valid. */
  buffer(): Buffer;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** What was done may have changed what a state keeps. */
  changed(): void;
}

/** What of a log to read at the start. */
export type FirstParts = (log: Found) => readonly Part[];

/** An old file is closed when nothing came for this long, in milliseconds, and a new one is at its path. */
const QUIET = 10_000;
/** The same for a file that was deleted, when there is no new one. */
const DELETED_QUIET = 60_000;

/** An old file that is read to its end. */
interface OldFile {
  readonly generation: Generation;
  /** When the last line came. */
  active: number;
}

/** A log: the file at its path, and the files that were there before and may still be written to. */
export class FileSource implements BlockSource {
  readonly name: string;
  readonly kind = "file";
  isOver = false;
  readonly #context: FileContext;
  #current: Generation | undefined;
  /** When the last line of it came. */
  #active = 0;
  /** Oldest first. */
  readonly #old: OldFile[] = [];
  /** When nothing was at the path for the first time. */
  #missingSince: number | undefined;
  readonly #messages: FileMessages;

  constructor(path: string, context: FileContext) {
    this.name = path;
    this.#context = context;
    this.#messages = new FileMessages(path, context.report);
  }

  /** Whether a file is open. */
  get isOpen(): boolean {
    return this.#current !== undefined || this.#old.length > 0;
  }

  /** Whether nothing is at the path, and nothing is open. */
  get isGone(): boolean {
    return !this.isOpen && this.#missingSince !== undefined;
  }

  get hasOld(): boolean {
    return this.#old.length > 0;
  }

  /** Open files. */
  get files(): number {
    return this.#old.length + (this.#current ? 1 : 0);
  }

  /** What a state keeps, oldest first. */
  get marks(): readonly Mark[] {
    const generations = [...this.#old.map(({ generation }) => generation), this.#current];
    return generations.flatMap((generation) => generation?.mark ?? []);
  }

  /** To be called when the marks are in the state. */
  noted(): void {
    for (const { generation } of this.#old) generation.isNoted = true;
    if (this.#current) this.#current.isNoted = true;
  }

  /** The path without links; as it is where there is no file. */
  get realPath(): string {
    try {
      return realpathSync.native(this.name);
    } catch {
      return this.name;
    }
  }

  /** Opens the log for the first time, if it is there. */
  begin(first: FirstParts): void {
    const log = this.#look();
    if (log) this.#openParts(first(log), log);
  }

  /** Opens what a state knows. The log itself first: what it holds by then is in no copy that is read as a whole. */
  restore(marks: readonly Mark[]): void {
    const log = this.#look();
    const fd = log && this.#open(log);
    const current =
      fd === undefined ? undefined : this.#generation(fd, log?.id ?? "", anewIn(log as Found, marks));
    const own =
      current && marks.findLast((mark) => inodeOf(mark.id) === inodeOf(current.id) && current.holds(mark));
    if (own) current.resume(own);
    if (current) this.#begin(current, true);
    const others = marks.filter((mark) => mark !== own);
    const { parts, lost, copies } = partsAfterRestart(this.realPath, own, others, (file) =>
      this.#isNew(file, current),
    );
    this.#openParts(parts, undefined);
    for (const { file, fingerprint } of copies) this.#rememberCopy(file, fingerprint);
    for (const { offset } of lost) {
      this.#context.report.warning(
        `${this.name}: what came after byte ${offset} of the file that was here is not read: it was rotated or removed meanwhile, and is not found`,
      );
    }
    if (lost.length > 0) this.#context.report.hint("logrotate's delaycompress keeps the last part readable");
  }

  /** Looks at what is at the path now. */
  check(): void {
    const log = this.#look();
    if (log !== undefined && log.id !== this.#current?.id) this.#attach(log);
  }

  next(): Block | undefined {
    for (const old of [...this.#old]) {
      const block = this.#read(old.generation);
      if (block) old.active = this.#context.now();
      if (block) return block;
    }
    const block = this.#current && this.#read(this.#current);
    if (block) this.#active = this.#context.now();
    return block;
  }

  /** Closes old files that have become quiet. */
  closeQuiet(): void {
    const now = this.#context.now();
    for (const old of [...this.#old]) {
      if (now - old.active >= QUIET && this.#missingSince === undefined && this.#current) this.#drop(old);
    }
    const current = this.#current;
    if (current === undefined || this.#missingSince === undefined) return;
    const quiet = now - Math.max(this.#missingSince, this.#active);
    if (quiet < DELETED_QUIET || fstatSync(current.fd).nlink > 0) return;
    this.#old.push({ generation: current, active: this.#active });
    this.#current = undefined;
    for (const old of [...this.#old]) if (now - old.active >= DELETED_QUIET) this.#drop(old);
  }

  /** The unfinished last lines, one at a time, when no more will come. */
  finish(): Block | undefined {
    const lines = this.#current?.readUnfinished();
    if (lines === undefined || this.#current === undefined) this.isOver = true;
    if (lines === undefined || this.#current === undefined || !this.#context.endsLastLine) return undefined;
    return this.#blockOf(this.#current, { ...lines, bytes: Buffer.concat([lines.bytes, Buffer.from("\n")]) });
  }

  close(): void {
    for (const { generation } of this.#old) generation.close();
    this.#current?.close();
  }

  #look(): Found | undefined {
    try {
      const log = statFile(this.name);
      if (log.kind !== "file") {
        this.#messages.trouble(`is no regular file any more: what is there is not read`);
        return undefined;
      }
      if (this.#missingSince !== undefined) this.#missingSince = undefined;
      return log;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#missing();
      else this.#messages.trouble(whyUnreadable(error));
      return undefined;
    }
  }

  #missing(): void {
    if (this.#missingSince !== undefined) return;
    this.#missingSince = this.#context.now();
    if (this.#current) this.#context.report.detail(`${this.name}: is gone; waiting for a new file`);
  }

  /** Reads another file from now on; the one before to its end. */
  #attach(log: Found): void {
    const { registry, report } = this.#context;
    const back = this.#old.findIndex(({ generation }) => generation.id === log.id);
    const reader = registry.reader(log.id);
    if (back < 0 && reader !== undefined && reader !== this.name) {
      this.#messages.trouble(`is the same file as ${reader}, and is read as that`);
      return;
    }
    const before = this.#current ?? this.#old.at(-1)?.generation;
    const fd = back < 0 ? this.#open(log) : undefined;
    if (back < 0 && fd === undefined) return;
    if (this.#current) this.#old.push({ generation: this.#current, active: this.#context.now() });
    if (before) this.#openBetween(before, log);
    report.detail(
      before
        ? `${this.name}: a new file; the old one is read to its end`
        : `${this.name}: is there, and is read`,
    );
    if (fd !== undefined) this.#begin(this.#generation(fd, log.id, this.#fromOf(log)), true);
    else this.#current = this.#old.splice(back, 1)[0]?.generation;
    this.#active = this.#context.now();
    this.#context.changed();
  }

  /** A file that was read before, under whatever name, is read on. */
  #fromOf(log: Found): Beginning {
    const mark = this.#context.registry.readBefore(log.id);
    return mark && isRestOf(log, mark) ? atMark(mark) : atOffset(log.id);
  }

  /** Whether a file is open, or was read to its end. */
  #isKnown(file: Found): boolean {
    const { registry } = this.#context;
    const mark = registry.readBefore(file.id);
    return registry.reader(file.id) !== undefined || (mark !== undefined && isRestOf(file, mark));
  }

  /** Whether a file is to be read as a whole: nobody knows it, and it is no copy of what is read anyway. */
  #isNew(file: Found, read: Generation | undefined): boolean {
    return file.id !== read?.id && !this.#isKnown(file) && !read?.isOriginalOf(beginningOf(file));
  }

  /** Several rotations may have come between two looks: opens the files that came and went. */
  #openBetween(before: Generation, log: Found): void {
    const isNew = (file: Found) => file.id !== log.id && this.#isNew(file, before);
    const since = { id: before.id, written: fstatSync(before.fd).mtimeMs };
    this.#openParts(newerParts(oldParts(this.realPath), since, isNew), undefined);
  }

  #rememberCopy({ id, size, written }: Found, fingerprint: Fingerprint): void {
    const { registry } = this.#context;
    const mark = { place: newPlace(id), id, offset: size, isSkipping: false, isAtEnd: true };
    registry.remember({ ...mark, fingerprint, written });
  }

  #openParts(parts: readonly Part[], log: Found | undefined): void {
    for (const { file, from } of parts) {
      const reader = this.#context.registry.reader(file.id);
      if (reader !== undefined) {
        if (file === log) this.#messages.trouble(`is the same file as ${reader}, and is read as that`);
        continue;
      }
      const fd = this.#open(file);
      if (fd === undefined) continue;
      const generation = this.#generation(fd, file.id, from);
      // Deleted meanwhile, and its inode used again: another file.
      if (from.fingerprint && !generation.holds({ ...from, fingerprint: from.fingerprint }))
        generation.close();
      else this.#begin(generation, file === log);
    }
    this.#context.changed();
  }

  #begin(generation: Generation, isCurrent: boolean): void {
    this.#context.registry.opened(generation.id, this.name);
    if (isCurrent) this.#current = generation;
    else this.#old.push({ generation, active: this.#context.now() });
  }

  #open(file: Found): number | undefined {
    try {
      const fd = openFound(file);
      if (fd !== undefined) this.#messages.fine();
      return fd;
    } catch (error) {
      const isForbidden = (error as NodeJS.ErrnoException).code === "EACCES";
      this.#messages.trouble(whyUnreadable(error), isForbidden ? file.group : undefined);
      return undefined;
    }
  }

  #generation(fd: number, id: string, from: Beginning): Generation {
    const { maxLine, report } = this.#context;
    return new Generation(fd, id, from, maxLine, () =>
      report.rareWarning("overlong", `${this.name}: dropped a line longer than ${maxLine} bytes`),
    );
  }

  #read(generation: Generation): Block | undefined {
    const { written } = generation;
    const reading = this.#tryToRead(generation);
    if (reading === "nothing" || reading === undefined) return undefined;
    if (reading === "again") return EMPTY;
    if (reading === "begun") return this.#begun(generation, written);
    if (reading !== "replaced") return this.#blockOf(generation, reading);
    return generation === this.#current
      ? this.#truncated(generation, written)
      : this.#dropReplaced(generation);
  }

  /** A file that can't be read is closed; it is opened again, where it was, when that works. */
  #tryToRead(generation: Generation): Reading | undefined {
    try {
      return generation.read(this.#context.buffer());
    } catch (error) {
      this.#messages.trouble(whyUnreadable(error));
      const old = this.#old.findIndex((each) => each.generation === generation);
      if (old >= 0) this.#old.splice(old, 1);
      else this.#current = undefined;
      this.#context.registry.closed(generation);
      generation.close();
      return undefined;
    }
  }

  #blockOf(generation: Generation, lines: Lines): Block {
    return {
      source: this.name,
      at: lines.at,
      bytes: lines.bytes,
      isNoted: generation.isNoted,
      taken: () => generation.take(lines),
    };
  }

  /** The file begins anew. What was not read of it before may stand in the copy that was made of it. */
  #truncated(before: Generation, written: number): Block | undefined {
    const { id, fingerprint, next, fd } = before;
    // What it holds now comes first: what it held until then is in copies that are there already.
    const current = this.#generation(fd, id, atOffset(id, 0, true));
    const parts = oldParts(this.realPath);
    const isNew = (file: Found) => this.#isNew(file, current);
    const copy = findCopy(parts.filter(isNew), { id, fingerprint, written });
    const copyFd = copy !== undefined && copy.size >= next ? this.#open(copy) : undefined;
    this.#messages.truncated(copyFd !== undefined);
    if (copyFd !== undefined && copy) {
      before.moveTo(copyFd, copy.id);
      this.#begin(before, false);
    } else if (copy) this.#rememberCopy(copy, fingerprint);
    if (copy) this.#openParts(newerParts(parts, copy, isNew), undefined);
    this.#current = current;
    this.#context.changed();
    return this.next();
  }

  /** Copies of what the file held before it was truncated, while it was empty whenever it was looked at. */
  #begun(generation: Generation, since: number): Block | undefined {
    const isNew = (file: Found) => this.#isNew(file, generation);
    const parts = newerParts(oldParts(this.realPath), { id: generation.id, written: since }, isNew);
    if (generation === this.#current) this.#openParts(parts, undefined);
    return this.next();
  }

  #dropReplaced(generation: Generation): Block | undefined {
    const old = this.#old.find((each) => each.generation === generation);
    if (old) this.#drop(old);
    return this.next();
  }

  #drop(old: OldFile): void {
    const { generation } = old;
    const { registry, report } = this.#context;
    this.#old.splice(this.#old.indexOf(old), 1);
    if (generation.unfinished > 0)
      report.warning(
        `${this.name}: the last line of an old file never ended: ${generation.unfinished} bytes dropped`,
      );
    registry.closed(generation);
    generation.close();
    this.#context.changed();
  }
}

/** A block without bytes: others have their turn before more is read. */
const EMPTY: Block = {
  source: "",
  at: undefined,
  bytes: Buffer.alloc(0),
  isNoted: true,
  taken: () => undefined,
};
