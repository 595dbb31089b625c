import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** A file as stat(2) shows it. */
export interface Found {
  readonly path: string;
  /** `device:inode`. */
  readonly id: string;
  readonly size: number;
  /** Epoch milliseconds. */
  readonly written: number;
  readonly kind: "file" | "fifo" | "folder" | "other";
  readonly group: number;
}

/** Most names in a folder that are looked at. */
const MAX_NAMES = 100_000;
/** How often a folder is looked at again because something was renamed meanwhile. */
const MOST_TRIES = 10;

const COMPRESSED = /\.(?:gz|zst|xz|bz2|lz4|lzma|lz|z|zip|tgz)$/i;
/** What logrotate and others put after a log's name: `.1`, `-20261129`, `.2026-11-29`, `-20261129-1795910400`, `.old`. */
const SUFFIX = /^[.-](?:\d{1,6}|\d{4}-?\d\d-?\d\d(?:[-_.T]?\d[\d:]*)*|\d{8,14}|old|bak)$/;

/** @throws as stat(2) */
export function statFile(path: string): Found {
  const stat = statSync(path, { bigint: true });
  const kind = stat.isFile() ? "file" : stat.isFIFO() ? "fifo" : stat.isDirectory() ? "folder" : "other";
  return {
    path,
    id: `${stat.dev}:${stat.ino}`,
    size: Number(stat.size),
    written: Number(stat.mtimeMs),
    kind,
    group: Number(stat.gid),
  };
}

/** The same; undefined: there is nothing that can be seen. */
export function statIfThere(path: string): Found | undefined {
  try {
    return statFile(path);
  } catch {
    return undefined;
  }
}

/** Whether a file's name says that it is compressed. */
export function isCompressed(name: string): boolean {
  return COMPRESSED.test(name);
}

/** The names that a rotated part of a log may have come from: `x.log` for `x.log.1`. */
export function namesBefore(name: string): readonly string[] {
  const names: string[] = [];
  for (let at = name.length - 1; at > 0; at--) {
    if ((name[at] === "." || name[at] === "-") && SUFFIX.test(name.slice(at))) names.push(name.slice(0, at));
  }
  return names;
}

/** The names in a folder, sorted; none where it can't be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).slice(0, MAX_NAMES).sort();
  } catch {
    return [];
  }
}

/**
 * All files in the folder of a log, itself included. Looks until nothing is renamed meanwhile: else a file could be seen under no name.
 */
export function filesBeside(path: string): readonly Found[] {
  const folder = dirname(path);
  let before = filesIn(folder);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const now = filesIn(folder);
    const isSame = now.length === before.length && now.every(({ id }, index) => id === before[index]?.id);
    if (isSame) return now;
    before = now;
  }
  return before;
}

/** The parts of a log that rotation has renamed, and that are not compressed, oldest first. */
export function oldParts(path: string, beside = filesBeside(path)): readonly Found[] {
  const length = path.length;
  const parts = beside.filter((file) => file.path.startsWith(path) && SUFFIX.test(file.path.slice(length)));
  return parts.toSorted((a, b) => byAge(a, b, length));
}

function filesIn(folder: string): readonly Found[] {
  const found = namesIn(folder).flatMap((name) => statIfThere(join(folder, name)) ?? []);
  return found.filter(({ kind }) => kind === "file");
}

/** Numbers grow with age, dates shrink; others, and mixed ones, by the time of their last line. */
function byAge(a: Found, b: Found, length: number): number {
  const [first, second] = [a.path.slice(length + 1), b.path.slice(length + 1)];
  const areNumbers = [first, second].every((suffix) => /^\d{1,6}$/.test(suffix));
  if (areNumbers) return Number(second) - Number(first);
  const areDates = [first, second].every((suffix) => /^\d{4}-?\d\d/.test(suffix));
  if (areDates) return first < second ? -1 : 1;
  return a.written - b.written;
}
