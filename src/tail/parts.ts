import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { type Fingerprint, hasFingerprint, readBeginning } from "./fingerprint.ts";
import { atMark, atOffset, type Beginning, type Mark } from "./generation.ts";
import { type Found, filesBeside, oldParts } from "./old-parts.ts";

/** For open(2): waits for no FIFO, and takes no controlling terminal. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** How often a file is looked for that is renamed again and again. */
const MOST_TRIES = 10;

/** A file of which something is to be read. */
export interface Part {
  readonly file: Found;
  readonly from: Beginning;
}

/** What to read for a log after a restart. */
export interface RestoredParts {
  /** Oldest first; the log itself, if it is there, comes last. */
  readonly parts: readonly Part[];
  /** Files that are gone before their end was read. */
  readonly lost: readonly Mark[];
  /** Copies of which nothing is left to read. */
  readonly copies: readonly Copy[];
}

interface Copy {
  readonly copy: Found;
  readonly fingerprint: Fingerprint;
}

/** @throws as open(2) */
export function openFile(path: string): number {
  return openSync(path, READING);
}

/**
 * Opens a file that was found, wherever in its folder it has been renamed to meanwhile. Undefined: it is gone.
 *
 * @throws as open(2)
 */
export function openFound(file: Found): number | undefined {
  let { path } = file;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const fd = openIfThere(path);
    if (fd !== undefined) {
      const { dev, ino } = fstatSync(fd, { bigint: true });
      if (`${dev}:${ino}` === file.id) return fd;
      closeSync(fd);
    }
    const moved = filesBeside(file.path).find(({ id }) => id === file.id);
    if (moved === undefined) return undefined;
    path = moved.path;
  }
  return undefined;
}

function openIfThere(path: string): number | undefined {
  try {
    return openFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * What to read of a log after a restart: the rest of each file that was being read, wherever rotation has moved or copied it; the whole of
 * each part that came after; the log itself.
 *
 * @param log undefined: there is no file at the path now
 * @param marks oldest first
 * @param isKnown whether a file is open, or was read to its end
 */
export function partsAfterRestart(
  path: string,
  log: Found | undefined,
  marks: readonly Mark[],
  isKnown: (file: Found) => boolean,
): RestoredParts {
  const parts: Part[] = [];
  const lost: Mark[] = [];
  const copies: Copy[] = [];
  let own: Mark | undefined;
  for (const mark of marks) {
    const moved = log !== undefined && isRestOf(log, mark) ? log : findMoved(path, mark);
    const file = moved ?? findCopy(path, mark);
    if (file === undefined) lost.push(mark);
    else if (file === log) own = mark;
    else if (file.size >= mark.offset) parts.push({ file, from: atMark(mark) });
    else copies.push({ copy: file, fingerprint: mark.fingerprint });
  }
  const found = [...copies.map(({ copy }) => copy), ...parts.map(({ file }) => file)];
  const isNew = (file: Found) =>
    ![log, ...found].some((other) => other?.id === file.id) &&
    !isKnown(file) &&
    !(log && isCopyOf(file, log));
  parts.push(...partsSinceMarks(path, own, found, marks, isNew));
  if (log !== undefined) parts.push({ file: log, from: own ? atMark(own) : fromStart(log, marks) });
  return { parts, lost, copies };
}

/** What came after the last file that was being read, unless that is still the log. */
function partsSinceMarks(
  path: string,
  own: Mark | undefined,
  found: readonly Found[],
  marks: readonly Mark[],
  isNew: (file: Found) => boolean,
): readonly Part[] {
  // Of a file that was empty nobody knows whether it has been truncated since.
  if (own !== undefined && own.fingerprint.length > 0) return [];
  const since = found.at(-1) ?? marks.at(-1);
  return since === undefined ? [] : newerParts(path, since, isNew);
}

/** A log whose inode is known, but whose bytes are others, was truncated. */
function fromStart({ id }: Found, marks: readonly Mark[]): Beginning {
  return atOffset(
    id,
    0,
    marks.some((mark) => inodeOf(mark.id) === inodeOf(id)),
  );
}

/** The old parts of a log that came after a file, from their beginnings. */
export function newerParts(
  path: string,
  { id, written }: Pick<Found, "id" | "written">,
  isWanted: (file: Found) => boolean,
): readonly Part[] {
  const parts = oldParts(path);
  const index = parts.findIndex((part) => part.id === id);
  const newer = index >= 0 ? parts.slice(index + 1) : parts.filter((part) => part.written >= written);
  return newer.filter(isWanted).map((file) => ({ file, from: atOffset(file.id) }));
}

/** The latest old part of a log that is a copy of a file. What was written after it was made is not in it. */
export function findCopy(
  path: string,
  { id, fingerprint }: Pick<Mark, "id" | "fingerprint">,
): Found | undefined {
  if (fingerprint.length === 0) return undefined;
  return oldParts(path).findLast((file) => file.id !== id && hasBeginning(file.path, fingerprint));
}

/** Whether a file is, as far as it goes, a copy of another. */
function isCopyOf(file: Found, other: Found): boolean {
  const [copy, original] = [beginningOf(file.path), beginningOf(other.path)];
  const length = Math.min(copy.length, original.length);
  return length > 0 && copy.subarray(0, length).equals(original.subarray(0, length));
}

function beginningOf(path: string): Buffer {
  try {
    const fd = openFile(path);
    try {
      return Buffer.from(readBeginning(fd));
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

/** Whether a file begins in the same way as another. */
export function hasBeginning(path: string, fingerprint: Fingerprint): boolean {
  try {
    const fd = openFile(path);
    try {
      return hasFingerprint(fd, fingerprint);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

function findMoved(path: string, mark: Mark): Found | undefined {
  return filesBeside(path).find((file) => isRestOf(file, mark));
}

/** Whether a file is the one of a mark. Device numbers may change when the machine starts. */
export function isRestOf(file: Found, mark: Mark): boolean {
  return (
    inodeOf(file.id) === inodeOf(mark.id) &&
    file.size >= mark.offset &&
    hasBeginning(file.path, mark.fingerprint)
  );
}

function inodeOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}
