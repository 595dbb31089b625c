import {
  CommandError,
  type JsonFields,
  readCount,
  readList,
  readObject,
  readString,
} from "../protocol/json-fields.ts";
import type { Mark } from "./generation.ts";

/** What a state keeps from one run to the next. */
export interface SavedState {
  /** The same over restarts, so that their reader knows the headers. */
  readonly token: string;
  /** What was asked for: files that these match, and that are not known, have come since. */
  readonly patterns: readonly string[];
  readonly files: readonly SavedFile[];
  /** Files that were read to their end. */
  readonly read: readonly Mark[];
  readonly journal: SavedJournal | undefined;
}

interface SavedFile {
  readonly name: string;
  /** Oldest first. */
  readonly marks: readonly Mark[];
}

/** How far the journal was written. */
export interface SavedJournal {
  /** The source: it names the matches. */
  readonly name: string;
  /** Where the entry after the last one stands. */
  readonly place: string;
  readonly offset: number;
  /** The last entry; undefined: there was none yet. */
  readonly cursor?: string;
  /** Its time, or that of the start, in microseconds since 1970, as journalctl writes it. */
  readonly time: string;
}

const TOKEN = /^[0-9a-f]{32}$/;

/**
 * Reads a state.
 *
 * @throws CommandError
 */
export function readState(json: string): SavedState {
  const fields = readObject(json);
  const token = readString(fields.token, "token");
  if (!TOKEN.test(token)) throw new CommandError("token: expected 32 hexadecimal digits");
  const journal = fields.journal === undefined ? undefined : objectOf(fields.journal);
  return {
    token,
    patterns: readList(fields, "patterns", readString) ?? [],
    files: readList(fields, "files", readFile) ?? [],
    read: readList(fields, "read", readMark) ?? [],
    journal: journal && readJournal(journal),
  };
}

function readJournal(fields: JsonFields): SavedJournal {
  return {
    name: readString(fields.name, "journal: name"),
    place: readString(fields.place, "journal: place"),
    offset: readCount(fields, "offset") ?? 0,
    ...(fields.cursor !== undefined && { cursor: readString(fields.cursor, "journal: cursor") }),
    time: readString(fields.time, "journal: time"),
  };
}

function readFile(value: unknown, key: string): SavedFile {
  const fields = objectOf(value);
  return {
    name: readString(fields.name, `${key}: name`),
    marks: readList(fields, "marks", readMark) ?? [],
  };
}

function readMark(value: unknown, key: string): Mark {
  const fields = objectOf(value);
  const fingerprint = objectOf(fields.fingerprint);
  return {
    place: readString(fields.place, `${key}: place`),
    id: readString(fields.id, `${key}: id`),
    offset: readCount(fields, "offset") ?? 0,
    isSkipping: fields.isSkipping === true,
    fingerprint: {
      length: readCount(fingerprint, "length") ?? 0,
      hash: readString(fingerprint.hash, `${key}: hash`),
    },
    isAtEnd: fields.isAtEnd === true,
    written: typeof fields.written === "number" ? fields.written : 0,
  };
}

function objectOf(value: unknown): JsonFields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
