import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";

/** A path leads to something that must not be used; nothing was changed. The message says what it is and what to do. */
export class FileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FileError";
  }
}

/** What a file must be to be used. It must be a regular one: a FIFO would block us, a device is not ours. */
export interface Trust {
  /** Who may own it. */
  readonly owner: "us" | "us and root" | "anybody";
  /** Who must not be able to write to it. */
  readonly closedTo: "group and others" | "others" | "nobody";
  readonly links: "refused" | "followed";
  /** Also allows what a shell makes of `<(command)`, a pipe under /dev/fd, and /dev/null. */
  readonly pipes?: true;
}

/** Files that we write. */
export const OURS: Trust = { owner: "us", closedTo: "group and others", links: "refused" };
/** Lists that others maintain for us. */
export const LIST: Trust = { owner: "anybody", closedTo: "others", links: "followed" };
/** Rules: they are shipped and checked out in many ways, and only describe log lines. */
export const RULES: Trust = { owner: "anybody", closedTo: "nobody", links: "followed", pipes: true };
/** Files that name commands to run. */
export const COMMANDS: Trust = { owner: "us and root", closedTo: "others", links: "followed", pipes: true };

/** For open(2): does not wait for a FIFO, and takes no controlling terminal. */
const CAREFUL = constants.O_NONBLOCK | constants.O_NOCTTY;
/** The same, and follows no link at the end of the path. */
export const UNLINKED = CAREFUL | constants.O_NOFOLLOW;

const ANY_WRITES = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;
/** The device number of /dev/null on Linux: major 1, minor 3. */
const DEV_NULL = 0x103;

/**
 * Checks a path without opening it.
 *
 * @returns undefined when nothing is there
 * @throws FileError when the file must not be used
 * @throws as lstat(2) for any other reason
 */
export function look(path: string, trust: Trust): Stats | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() && trust.links === "refused") {
    throw new FileError(
      `is a link to ${readlinkSync(path)}, expected a file: if that is the right one, give its path`,
    );
  }
  const stat = found?.isSymbolicLink() ? statSync(path) : found;
  if (stat && !isPipe(path, stat, trust)) checkStat(stat, trust);
  return stat;
}

/** @throws FileError when a file that was opened or checked must not be used */
export function checkStat(stat: Stats, { owner, closedTo }: Trust): void {
  if (!stat.isFile()) throw new FileError(`is ${kindOf(stat)}, expected a regular file`);
  const us = process.geteuid?.() ?? stat.uid;
  const isTrusted = owner === "anybody" || stat.uid === us || (owner === "us and root" && stat.uid === 0);
  if (!isTrusted) {
    const wanted = owner === "us" ? `${us}, who runs this program` : `${us} or root`;
    throw new FileError(`belongs to user ${stat.uid}, expected ${wanted}: if it is the right file, chown it`);
  }
  const shown = (stat.mode & 0o7777).toString(8).padStart(4, "0");
  if (closedTo === "group and others" && (stat.mode & (GROUP_WRITES | ANY_WRITES)) !== 0)
    throw new FileError(`can be written by others (mode ${shown}): check its content, then chmod go-w it`);
  if (closedTo === "others" && (stat.mode & ANY_WRITES) !== 0)
    throw new FileError(`can be written by anybody (mode ${shown}): check its content, then chmod o-w it`);
}

/**
 * Checks that other users can't replace files in the folder of `path`, as they can where anybody may write and it is not sticky.
 *
 * @throws FileError when they can
 * @throws as stat(2)
 */
export function checkFolder(path: string): void {
  const folder = dirname(path);
  const stat = statSync(folder, { throwIfNoEntry: false });
  // Anything but a folder fails when the file is opened.
  if (stat?.isDirectory() && (stat.mode & ANY_WRITES) !== 0 && (stat.mode & STICKY) === 0)
    throw new FileError(`its folder ${folder} can be written by anybody: chmod o-w it, or choose another`);
}

/**
 * Reads a file, or a pipe where `trust` allows one: at most `max` bytes and one more, which shows that it is longer.
 *
 * @throws FileError when the file must not be used
 * @throws as open(2) and read(2)
 */
export function readTrusted(path: string, max: number, trust: Trust): Buffer {
  const found = look(path, trust);
  const isPiped = found !== undefined && isPipe(path, found, trust);
  const careful = trust.links === "refused" ? UNLINKED : CAREFUL;
  const file = openSync(path, isPiped ? constants.O_RDONLY : constants.O_RDONLY | careful);
  try {
    // Another file may have taken its place between the check and the opening.
    if (!isPiped) checkStat(fstatSync(file), trust);
    return readUpTo(file, max + 1);
  } finally {
    closeSync(file);
  }
}

function readUpTo(file: number, most: number): Buffer {
  const pieces: Buffer[] = [];
  for (let left = most; left > 0; ) {
    const piece = Buffer.allocUnsafe(Math.min(left, 65_536));
    const length = readSync(file, piece, 0, piece.length, null);
    if (length === 0) break;
    pieces.push(piece.subarray(0, length));
    left -= length;
  }
  return Buffer.concat(pieces);
}

/** Not a named FIFO, which may never get a writer. */
function isPipe(path: string, stat: Stats, { pipes }: Trust): boolean {
  if (!pipes) return false;
  const isOpen = /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path) || path === "/dev/stdin";
  return (
    (isOpen && !stat.isFile() && !stat.isDirectory()) || (stat.isCharacterDevice() && stat.rdev === DEV_NULL)
  );
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return "a directory";
  if (stat.isFIFO()) return "a FIFO";
  if (stat.isSocket()) return "a socket";
  return "a device";
}
