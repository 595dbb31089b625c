import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { type Fingerprint, fingerprintOf, readBeginning } from "./fingerprint.ts";
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

/** What to read besides a log after a restart. */
interface RestoredParts {
  /** Oldest first. */
  readonly parts: readonly Part[];
  /** Files that are gone before their end was read. */
  readonly lost: readonly Mark[];
  /** Copies of which nothing is left to read. */
  readonly copies: readonly Copy[];
}

interface Copy {
  readonly file: Found;
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
 * What to read besides the log after a restart: the rest of each other file that was being read, wherever rotation has moved or copied it,
 * and the whole of each part that came after.
 *
 * @param own the mark at which the log itself is read on; undefined: there is none, it is another file, or it was truncated
 * @param others marks, oldest first
 * @param isNew whether a file is not known, nor a copy of the log
 */
export function partsAfterRestart(
  path: string,
  own: Mark | undefined,
  others: readonly Mark[],
  isNew: (file: Found) => boolean,
): RestoredParts {
  const beside = filesBeside(path);
  const old = oldParts(path, beside);
  const parts: Part[] = [];
  const lost: Mark[] = [];
  const copies: Copy[] = [];
  let last: Pick<Found, "id" | "written"> | undefined = others.at(-1);
  for (const mark of others) {
    const isOld = own !== undefined || mark !== others.at(-1);
    const moved = beside.find((each) => isRestOf(each, mark));
    // One that was old, and read to its end, may be deleted by now.
    if (moved === undefined && isOld && mark.isAtEnd) continue;
    const taken = [...copies, ...parts].map((each) => each.file.id);
    const file =
      moved ??
      findCopy(
        old.filter((each) => !taken.includes(each.id) && isNew(each)),
        mark,
      );
    if (file === undefined) lost.push(mark);
    else if (file.size >= mark.offset) parts.push({ file, from: atMark(mark) });
    else copies.push({ file, fingerprint: mark.fingerprint });
    last = file ?? last;
  }
  // Of a file that was empty nobody knows whether it has been truncated since.
  if (own?.fingerprint.length === 0) last ??= own;
  const found = [...copies, ...parts].map(({ file }) => file.id);
  if (last !== undefined && (own === undefined || own.fingerprint.length === 0))
    parts.push(...newerParts(old, last, (file) => !found.includes(file.id) && isNew(file)));
  return { parts, lost, copies };
}

/** Where to begin in a log that no mark is of. One whose inode is known, but whose bytes are others, was truncated. */
export function anewIn({ id }: Found, marks: readonly Mark[]): Beginning {
  return atOffset(
    id,
    0,
    marks.some((mark) => inodeOf(mark.id) === inodeOf(id)),
  );
}

/** The old parts of a log that came after a file, from their beginnings. `parts`: all, oldest first. */
export function newerParts(
  parts: readonly Found[],
  { id, written }: Pick<Found, "id" | "written">,
  isWanted: (file: Found) => boolean,
): readonly Part[] {
  const index = parts.findIndex((part) => part.id === id);
  const newer =
    index >= 0 ? parts.slice(index + 1) : parts.filter((part) => part.written >= Math.floor(written));
  return newer.filter(isWanted).map((file) => ({ file, from: atOffset(file.id) }));
}

/**
 * The first old part of a log that is a copy of a file. What was written after it was made is not in it.
 *
 * @param parts oldest first, those that were read left out: where few bytes were written, many copies begin alike
 */
export function findCopy(
  parts: readonly Found[],
  { id, fingerprint, written }: Pick<Mark, "id" | "fingerprint" | "written">,
): Found | undefined {
  if (fingerprint.length === 0) return undefined;
  return parts.find(
    (file) => file.id !== id && file.written >= Math.floor(written) && hasBeginning(file, fingerprint),
  );
}

/** Whether a file begins in the same way as another. */
function hasBeginning(file: Found, fingerprint: Fingerprint): boolean {
  const beginning = beginningOf(file);
  const { length, hash } = fingerprint;
  return beginning.length >= length && fingerprintOf(beginning.subarray(0, length)).hash === hash;
}

/** The first bytes of a file, whatever its name is by now; none where it can't be read. */
export function beginningOf(file: Found): Buffer {
  let fd: number | undefined;
  try {
    fd = openFound(file);
    return fd === undefined ? Buffer.alloc(0) : Buffer.from(readBeginning(fd));
  } catch {
    return Buffer.alloc(0);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Whether a file is the one of a mark. Device numbers may change when the machine starts. */
export function isRestOf(file: Found, mark: Mark): boolean {
  return (
    inodeOf(file.id) === inodeOf(mark.id) && file.size >= mark.offset && hasBeginning(file, mark.fingerprint)
  );
}

export function inodeOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}
