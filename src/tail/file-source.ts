import { closeSync, fstatSync, readFileSync, realpathSync } from "node:fs";
import { whyUnreadable } from "../cli/file-error.ts";
import type { Report } from "../cli/report.ts";
import type { Block, BlockSource } from "./block.ts";
import { atMark, atOffset, type Beginning, Generation, type Lines, type Mark } from "./generation.ts";
import { type Found, statFile } from "./old-parts.ts";
import { findCopy, hasBeginning, newerParts, openFile, type Part, partsAfterRestart } from "./parts.ts";
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
  /** Why the path can't be read, as was told. */
  #trouble = "";
  #isTruncationTold = false;

  constructor(path: string, context: FileContext) {
    this.name = path;
    this.#context = context;
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

  /** Opens what a state knows. */
  restore(marks: readonly Mark[]): void {
    const log = this.#look();
    const { parts, lost } = partsAfterRestart(this.realPath, log, marks, this.#context.registry);
    this.#openParts(parts, log);
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
        this.#tellTrouble(`is no regular file any more: what is there is not read`);
        return undefined;
      }
      if (this.#missingSince !== undefined) this.#missingSince = undefined;
      return log;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#missing();
      else this.#tellTrouble(whyUnreadable(error));
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
      this.#tellTrouble(`is the same file as ${reader}, and is read as that`);
      return;
    }
    const before = this.#current;
    const fd = back < 0 ? this.#open(log) : undefined;
    if (back < 0 && fd === undefined) return;
    if (before) {
      this.#old.push({ generation: before, active: this.#context.now() });
      this.#openBetween(before, log);
      report.detail(`${this.name}: a new file; the old one is read to its end`);
    } else report.detail(`${this.name}: is there, and is read`);
    if (fd !== undefined) this.#current = this.#generation(fd, log.id, this.#fromOf(log));
    else this.#current = this.#old.splice(back, 1)[0]?.generation;
    this.#context.changed();
  }

  /** A file that was read before, under whatever name, is read on. */
  #fromOf(log: Found): Beginning {
    const mark = this.#context.registry.readBefore(log.id);
    const isSame = mark && log.size >= mark.offset && hasBeginning(log.path, mark.fingerprint);
    return isSame ? atMark(mark) : atOffset(log.id);
  }

  /** Several rotations may have come between two looks: opens the files that came and went. */
  #openBetween(before: Generation, log: Found): void {
    const { id, mark } = before;
    const isCopy = ({ path }: Found) => mark.fingerprint.length > 0 && hasBeginning(path, mark.fingerprint);
    const parts = newerParts(
      this.realPath,
      { id, written: fstatSync(before.fd).mtimeMs },
      (file) => file.id !== log.id && !this.#context.registry.isKnown(file.id) && !isCopy(file),
    );
    this.#openParts(parts, undefined);
  }

  #openParts(parts: readonly Part[], log: Found | undefined): void {
    for (const { file, from } of parts) {
      const reader = this.#context.registry.reader(file.id);
      if (reader !== undefined) {
        if (file === log) this.#tellTrouble(`is the same file as ${reader}, and is read as that`);
        continue;
      }
      const fd = this.#open(file);
      if (fd === undefined) continue;
      const generation = this.#generation(fd, file.id, from);
      if (file === log) this.#current = generation;
      else this.#old.push({ generation, active: this.#context.now() });
    }
    this.#context.changed();
  }

  #open({ path, id, group }: Found): number | undefined {
    let fd: number | undefined;
    try {
      fd = openFile(path);
      const { dev, ino } = fstatSync(fd, { bigint: true });
      // Another file has come meanwhile: the next look opens that.
      if (`${dev}:${ino}` === id) {
        this.#trouble = "";
        return fd;
      }
      closeSync(fd);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      this.#tellTrouble(
        whyUnreadable(error),
        (error as NodeJS.ErrnoException).code === "EACCES" ? group : -1,
      );
    }
    return undefined;
  }

  #generation(fd: number, id: string, from: Beginning): Generation {
    const { maxLine, registry, report } = this.#context;
    registry.opened(id, this.name);
    return new Generation(fd, id, from, maxLine, () =>
      report.rareWarning("overlong", `${this.name}: dropped a line longer than ${maxLine} bytes`),
    );
  }

  #read(generation: Generation): Block | undefined {
    const reading = generation.read(this.#context.buffer());
    if (reading === "nothing") return undefined;
    if (reading === "again") return EMPTY;
    if (reading !== "replaced") return this.#blockOf(generation, reading);
    return generation === this.#current ? this.#truncated(generation) : this.#dropReplaced(generation);
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
  #truncated(generation: Generation): Block | undefined {
    const { id, fingerprint, next } = generation;
    const copy = findCopy(this.realPath, { id, offset: next, fingerprint });
    const fd = copy && this.#open(copy);
    this.#tellTruncation(fd !== undefined);
    let file = generation.fd;
    if (copy !== undefined && fd !== undefined) {
      file = generation.moveTo(fd, copy.id);
      this.#context.registry.opened(copy.id, this.name);
      this.#old.push({ generation, active: this.#context.now() });
      const isNew = (other: Found) => other.id !== id && !this.#context.registry.isKnown(other.id);
      this.#openParts(newerParts(this.realPath, copy, isNew), undefined);
    }
    this.#current = this.#generation(file, id, atOffset(id, 0, true));
    this.#context.changed();
    return this.next();
  }

  #tellTruncation(hasCopy: boolean): void {
    const { report } = this.#context;
    const what = `${this.name}: was truncated, and is read from its beginning`;
    const rest = hasCopy ? "; the rest of what it held is read from its copy" : "";
    const isTold = this.#isTruncationTold;
    this.#isTruncationTold = true;
    if (isTold) report.detail(what + rest);
    else report.line(what + rest);
    if (!isTold)
      report.hint(
        "lines between the copy and the truncation are lost to all readers: rotate by renaming (create)",
      );
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

  #tellTrouble(why: string, group = -1): void {
    if (this.#trouble === why) return;
    this.#trouble = why;
    this.#context.report.warning(`${this.name}: ${why}`);
    if (group >= 0) this.#context.report.hint(remedyFor(group));
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

function remedyFor(gid: number): string {
  const name = groupName(gid);
  return gid === 0
    ? "only root can read it: run as root, or let a group read it (chgrp adm, chmod g+r)"
    : `run with the group ${name}: usermod -aG ${name} USER, or SupplementaryGroups=${name} in the unit`;
}

function groupName(gid: number): string {
  try {
    const groups = readFileSync("/etc/group", "utf8").split("\n");
    return groups.find((line) => line.split(":")[2] === String(gid))?.split(":")[0] ?? String(gid);
  } catch {
    return String(gid);
  }
}
