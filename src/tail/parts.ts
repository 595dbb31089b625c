import { closeSync, constants, openSync } from "node:fs";
import { type Fingerprint, hasFingerprint } from "./fingerprint.ts";
import { atMark, atOffset, type Beginning, type Mark } from "./generation.ts";
import { type Found, filesBeside, oldParts } from "./old-parts.ts";
import type { Registry } from "./registry.ts";

/** For open(2): waits for no FIFO, and takes no controlling terminal. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

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
}

/** @throws as open(2) */
export function openFile(path: string): number {
  return openSync(path, READING);
}

/**
 * What to read of a log after a restart: the rest of each file that was being read, wherever rotation has moved it; the whole of each
 * part that came after; the log itself.
 *
 * @param log undefined: there is no file at the path now
 * @param marks oldest first
 */
export function partsAfterRestart(
  path: string,
  log: Found | undefined,
  marks: readonly Mark[],
  registry: Registry,
): RestoredParts {
  const parts: Part[] = [];
  const lost: Mark[] = [];
  let own: Mark | undefined;
  for (const mark of marks) {
    if (log !== undefined && isRestOf(log, mark)) own = mark;
    else {
      const file = findMoved(path, mark) ?? findCopy(path, mark);
      if (file === undefined) lost.push(mark);
      else parts.push({ file, from: atMark(mark) });
    }
  }
  if (own === undefined) {
    const last = marks.at(-1);
    const known = (id: string) => registry.isKnown(id) || parts.some(({ file }) => file.id === id);
    const since = parts.at(-1)?.file ?? last;
    if (since) parts.push(...newerParts(path, since, (file) => file.id !== log?.id && !known(file.id)));
  }
  if (log !== undefined) parts.push({ file: log, from: own ? atMark(own) : fromStart(log, marks) });
  return { parts, lost };
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

/** The old part of a log that is a copy of a file, and holds what comes after an offset in it. */
export function findCopy(
  path: string,
  { id, offset, fingerprint }: Pick<Mark, "id" | "offset" | "fingerprint">,
): Found | undefined {
  if (fingerprint.length === 0) return undefined;
  return oldParts(path).findLast(
    (file) => file.id !== id && file.size >= offset && hasBeginning(file.path, fingerprint),
  );
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

/** Device numbers may change when the machine starts. */
function isRestOf(file: Found, mark: Mark): boolean {
  return (
    inodeOf(file.id) === inodeOf(mark.id) &&
    file.size >= mark.offset &&
    hasBeginning(file.path, mark.fingerprint)
  );
}

function inodeOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}
