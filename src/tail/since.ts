import { closeSync, fstatSync, readSync } from "node:fs";
import { DateDetector } from "../filter/date/date.ts";
import { decodeUtf8 } from "../shared/text.ts";
import { shapeOf } from "../stream/input/format.ts";
import { readEntry } from "../stream/input/read-entry.ts";
import type { FirstParts } from "./file-source.ts";
import { atOffset } from "./generation.ts";
import { type Found, oldParts } from "./old-parts.ts";
import { openFile, type Part } from "./parts.ts";

/** Bytes in which a line with a date is looked for. */
const PIECE = 262_144;
/** Longest line that is looked at, in characters. */
const LONGEST = 16_384;

/** The time of a line, without its newline, in epoch milliseconds; undefined: it has none. */
export type TimeOf = (line: string) => number | undefined;

/** Reads times as f2b-stream does by itself: a header's, an entry's of the journal, else the date in the line. */
export function lineTimes(now: number): TimeOf {
  const dates = new DateDetector();
  return (line) => {
    const shape = shapeOf(line, now);
    const time = shape === "plain" ? undefined : readEntry(`${line}\n`, shape, now).time;
    return time ?? dates.find(line, now)?.time;
  };
}

/** Where to read at the start: at the end of the file, but not inside a line. */
export const partsAtEnd: FirstParts = (log) => [part(log, (fd, size) => lineStart(fd, size))];

/** All of a file. */
export const partsFromStart: FirstParts = (log) => [part(log, () => 0)];

/** Lines from a time on, those in old parts of the log included. */
export function partsSince(time: number, timeOf: TimeOf): FirstParts {
  return (log) => {
    const own = part(log, (fd, size) => offsetOfTime(fd, size, time, timeOf));
    if (own.from.offset > 0) return [own];
    const older = oldParts(log.path).filter(({ id, written }) => id !== log.id && written >= time);
    return [...older.map((file) => part(file, (fd, size) => offsetOfTime(fd, size, time, timeOf))), own];
  };
}

function part(file: Found, offsetIn: (fd: number, size: number) => number): Part {
  let offset = 0;
  try {
    const fd = openFile(file.path);
    try {
      offset = offsetIn(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Whoever opens it says why it can't be read.
  }
  return { file, from: atOffset(file.id, offset) };
}

/** Where the line begins that holds the byte before `offset`, or ends there. */
function lineStart(fd: number, offset: number): number {
  const bytes = Buffer.allocUnsafe(PIECE);
  for (let end = offset; end > 0; ) {
    const start = Math.max(0, end - PIECE);
    const length = readSync(fd, bytes, 0, end - start, start);
    const newline = bytes.subarray(0, length).lastIndexOf(10);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

/**
 * Where the first line begins whose time is not before `time`, in a file whose lines are in order; its end when there is none. Lines
 * without a date belong to those before them.
 */
export function offsetOfTime(fd: number, size: number, time: number, timeOf: TimeOf): number {
  const end = lineStart(fd, size);
  let found = end;
  // Lines before `low` are too early; from `high` on there is none that would be before `found`.
  for (let low = 0, high = end; low < high; ) {
    const middle = Math.max(low, lineStart(fd, Math.floor((low + high) / 2)));
    const dated = firstDated(fd, middle, high, timeOf);
    if (dated !== undefined && dated.time < time) low = dated.end;
    else {
      if (dated !== undefined) found = dated.start;
      high = middle;
    }
  }
  return found;
}

interface DatedLine {
  readonly start: number;
  /** After its newline. */
  readonly end: number;
  readonly time: number;
}

/** The first line with a date that begins between two offsets, at most 256 KiB after the first. */
function firstDated(fd: number, start: number, end: number, timeOf: TimeOf): DatedLine | undefined {
  const bytes = Buffer.allocUnsafe(Math.min(PIECE, end - start));
  const length = readSync(fd, bytes, 0, bytes.length, start);
  for (let at = 0; at < length; ) {
    const newline = bytes.indexOf(10, at);
    if (newline < 0 || newline >= length) return undefined;
    const line = decodeUtf8(bytes, at, Math.min(newline, at + LONGEST));
    const time = timeOf(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (time !== undefined) return { start: start + at, end: start + newline + 1, time };
    at = newline + 1;
  }
  return undefined;
}
