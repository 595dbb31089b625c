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

/** What stands at a path is not what it should be; nothing was changed. The message says what it is, and what to do. */
export class FileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FileError";
  }
}

/** What a file must be for us to use it. It is always a regular one: a FIFO would hold us up, a device is not ours. */
export interface Trust {
  /** Whose it may be: ours alone, ours and root's, anybody's. */
  readonly owner: "us" | "us and root" | "anybody";
  /** By whom else it must not be writable: those of its group, all others. */
  readonly closedTo: "group and others" | "others" | "nobody";
  readonly links: "refused" | "followed";
  /** Besides files: what a shell makes of `<(command)`, a pipe under /dev/fd, and /dev/null. */
  readonly pipes?: true;
}

/** What we write ourselves. */
export const OURS: Trust = { owner: "us", closedTo: "group and others", links: "refused" };
/** A list that somebody else keeps for us. */
export const LIST: Trust = { owner: "anybody", closedTo: "others", links: "followed" };
/** Rules: they are shipped and checked out in many ways, and say only what is looked for. */
export const RULES: Trust = { owner: "anybody", closedTo: "nobody", links: "followed", pipes: true };
/** What says which commands are run. */
export const COMMANDS: Trust = { owner: "us and root", closedTo: "others", links: "followed", pipes: true };

/** For open(2): no link at the end of a path is followed, no FIFO is waited for, no terminal becomes ours. */
const CAREFUL = constants.O_NONBLOCK | constants.O_NOCTTY;
export const UNLINKED = CAREFUL | constants.O_NOFOLLOW;

const ANY_WRITES = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;
/** What Linux knows /dev/null by: major 1, minor 3. */
const DEV_NULL = 0x103;

/**
 * Looks at a path without opening anything.
 *
 * @returns undefined when nothing is there
 * @throws FileError when it is not to be trusted
 * @throws as lstat(2) for any other reason
 */
export function look(path: string, trust: Trust): Stats | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() && trust.links === "refused") {
    throw new FileError(
      `is a link to ${readlinkSync(path)}, expected a file: name that one, if it is the right one`,
    );
  }
  const stat = found?.isSymbolicLink() ? statSync(path) : found;
  if (stat && !isPipe(path, stat, trust)) checkStat(stat, trust);
  return stat;
}

/** @throws FileError when a file that was opened, or looked at, is not to be trusted */
export function checkStat(stat: Stats, { owner, closedTo }: Trust): void {
  if (!stat.isFile()) throw new FileError(`is ${kindOf(stat)}, expected a regular file`);
  const us = process.geteuid?.() ?? stat.uid;
  const isTrusted = owner === "anybody" || stat.uid === us || (owner === "us and root" && stat.uid === 0);
  if (!isTrusted) {
    const wanted = owner === "us" ? `${us}, who runs this` : `${us} or root`;
    throw new FileError(`belongs to user ${stat.uid}, expected ${wanted}: chown it, if it is the right one`);
  }
  const shown = (stat.mode & 0o7777).toString(8).padStart(4, "0");
  if (closedTo === "group and others" && (stat.mode & (GROUP_WRITES | ANY_WRITES)) !== 0)
    throw new FileError(`can be written by others (mode ${shown}): chmod go-w it, if what it says is right`);
  if (closedTo === "others" && (stat.mode & ANY_WRITES) !== 0)
    throw new FileError(`can be written by anybody (mode ${shown}): chmod o-w it, if what it says is right`);
}

/**
 * Whether what is put into the folder of `path` stays there: in one that anybody may write, and that is not sticky, everybody can take
 * it away and lay something else in its place.
 *
 * @throws FileError when it does not
 * @throws as stat(2)
 */
export function checkFolder(path: string): void {
  const folder = dirname(path);
  const stat = statSync(folder, { throwIfNoEntry: false });
  // What is no folder fails when it is opened.
  if (stat?.isDirectory() && (stat.mode & ANY_WRITES) !== 0 && (stat.mode & STICKY) === 0)
    throw new FileError(`its folder ${folder} can be written by anybody: chmod o-w it, or take another`);
}

/**
 * The bytes of a file, or of a pipe where that is wanted, at most `max` of them and one more.
 *
 * @throws FileError when it is not to be trusted
 * @throws as open(2) and read(2)
 */
export function readTrusted(path: string, max: number, trust: Trust): Buffer {
  const found = look(path, trust);
  const isPiped = found !== undefined && isPipe(path, found, trust);
  const careful = trust.links === "refused" ? UNLINKED : CAREFUL;
  const file = openSync(path, isPiped ? constants.O_RDONLY : constants.O_RDONLY | careful);
  try {
    // Another file may have come there between the look and the opening.
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

/** A named FIFO is none: nobody says that somebody will write into it. */
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
