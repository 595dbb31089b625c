import { type Bytes, decodeText, decodeUtf8 } from "../../shared/text.ts";
import type { Entry } from "./entry.ts";
import { processIn } from "./syslog.ts";

/**
 * Reads an entry of `journalctl -o json`, `json-seq` or `json-sse` (systemd's JOURNAL_EXPORT_FORMATS).
 * Values are strings; bytes that are not text come as a list of numbers, a field given twice as a list of strings, one over
 * 4096 bytes as null unless journalctl was called with `--all`. A line feed in a value is shown as fail2ban shows it: a backslash and
 * an n.
 *
 * @returns undefined when the line is not such an entry
 */
export function readJournal(json: string): Entry | undefined {
  const fields = fieldsOf(json);
  if (fields === undefined) return undefined;
  const message = oneLine(fields.MESSAGE) ?? "";
  const identifier = oneLine(fields.SYSLOG_IDENTIFIER) ?? oneLine(fields._COMM);
  const pid = oneLine(fields.SYSLOG_PID) ?? oneLine(fields._PID);
  const source = identifier === undefined ? "" : `${identifier}${pid === undefined ? "" : `[${pid}]`}: `;
  const host = oneLine(fields._HOSTNAME);
  const line = `${host === undefined ? "" : `${host} `}${source}${message}`;
  return {
    line,
    text: `${line}\n`,
    time: microseconds(fields.__REALTIME_TIMESTAMP),
    identifier,
    process: processIn(line.slice(0, line.length - message.length)),
    message: `${message}\n`,
    isDateless: true,
    isCut: fields.MESSAGE === null,
    fields,
    ascii: undefined,
  };
}

/** A field's value as a jail sees it. */
function oneLine(value: unknown): string | undefined {
  return text(value)?.replaceAll("\n", "\\n");
}

/** The fields of an entry; undefined when the line is not one. */
function fieldsOf(json: string): Record<string, unknown> | undefined {
  const start = json.startsWith("data: ") ? 6 : json.charCodeAt(0) === 0x1e ? 1 : 0;
  if (json.charCodeAt(start) !== 0x7b) return undefined;
  const fields = parseObject(start === 0 ? json : json.slice(start));
  return fields && ("__REALTIME_TIMESTAMP" in fields || "MESSAGE" in fields) ? fields : undefined;
}

/** Whether a line is such an entry as journalctl writes it, with the time at which the journal got it. */
export function isDatedEntry(json: string): boolean {
  return microseconds(fieldsOf(json)?.__REALTIME_TIMESTAMP) !== undefined;
}

/** What was cut out of a journal entry: places in its text, `host ident[pid]: message`, in bytes. */
export interface CutEntry {
  /** Epoch milliseconds. */
  readonly time: number | undefined;
  /** Undefined: it has none. */
  readonly identifier: readonly [start: number, end: number] | undefined;
  readonly message: number;
  /** Whether journalctl left the message out. */
  readonly isCut: boolean;
  /** The whole entry. */
  readonly json: Bytes;
  readonly places: FieldPlaces;
}

/** Where the values of some fields stand in the JSON of the entry that the gate gives just now, in bytes from its start. */
export interface FieldPlaces {
  /** Index of a field among those; -1: it is not one of them. */
  indexOf(field: string): number;
  /** 0 or below: the entry has no such field. */
  startOf(index: number): number;
  endOf(index: number): number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** An entry as the gate has cut it out of its JSON: it equals what `readJournal` makes of it. */
export class JournalEntry implements Entry {
  readonly text: string;
  readonly line: string;
  readonly message: string;
  readonly time: number | undefined;
  readonly identifier: string | undefined;
  readonly ascii: boolean;
  readonly isDateless = true;
  readonly isCut: boolean;
  readonly #json: Bytes;
  readonly #places: FieldPlaces;
  #fields: Entry["fields"];

  /** @param ascii whether the text is ASCII alone */
  constructor(
    { bytes, start, end }: Bytes,
    { time, identifier, message, isCut, json, places }: CutEntry,
    ascii: boolean,
  ) {
    const text = (from: number, to: number) =>
      ascii
        ? bytes.toString("latin1", start + from, start + to)
        : decodeUtf8(bytes, start + from, start + to);
    this.text = text(0, end + 1 - start);
    this.line = this.text.slice(0, -1);
    // What stands before the message ends with a blank or is nothing.
    this.message = this.text.slice(ascii ? message : text(0, message).length);
    this.time = time;
    this.identifier = identifier && text(...identifier);
    this.ascii = ascii;
    this.isCut = isCut;
    this.#json = json;
    this.#places = places;
  }

  get process(): string | undefined {
    return processIn(this.line.slice(0, this.text.length - this.message.length));
  }

  /** To be asked while the gate's line is valid. */
  has(field: string, values: ReadonlySet<string>): boolean {
    const places = this.#places;
    const index = places.indexOf(field);
    if (index < 0) return hasValue(this.fields?.[field], values);
    const from = places.startOf(index);
    if (from <= 0) return false;
    const { bytes, start } = this.#json;
    const to = start + places.endOf(index);
    for (const value of values) if (isPlainString(bytes, start + from, to, value)) return true;
    return hasValue(JSON.parse(decodeUtf8(bytes, start + from, to)), values);
  }

  /** To be asked for while the gate's line is valid. */
  get fields(): Entry["fields"] {
    this.#fields ??= fieldsOf(decodeText(this.#json));
    return this.#fields;
  }
}

/** Whether JSON is this text between quotes. False where it may be written in another way: it is not ASCII alone, or needs escapes. */
function isPlainString(bytes: Buffer, start: number, end: number, text: string): boolean {
  const { length } = text;
  if (end - start !== length + 2 || bytes[start] !== QUOTE) return false;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code !== bytes[start + 1 + index] || code >= 0x80 || code === BACKSLASH) return false;
  }
  return true;
}

function hasValue(value: unknown, values: ReadonlySet<string>): boolean {
  const found = text(value);
  return found !== undefined && values.has(found);
}

/** A field's value as text, the first one where it was given several times. */
export function text(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const [first] = value as unknown[];
  if (typeof first === "string") return first;
  return bytesText(Array.isArray(first) ? first : value);
}

function bytesText(bytes: readonly unknown[]): string | undefined {
  return bytes.every((byte) => typeof byte === "number") ? decodeUtf8(Buffer.from(bytes)) : undefined;
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function microseconds(value: unknown): number | undefined {
  if (typeof value !== "string" || !/^\d{1,17}$/.test(value)) return undefined;
  return Number(value.slice(0, -3));
}
