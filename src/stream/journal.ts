import type { Entry } from "./entry.ts";

/**
 * Reads an entry of `journalctl -o json`, `json-seq` or `json-sse` (systemd's JOURNAL_EXPORT_FORMATS).
 * Values are strings; bytes that are no text come as a list of numbers, a field given twice as a list of strings, one over
 * 4096 bytes as null unless journalctl was called with `--all`.
 *
 * @returns undefined when the line is no such entry
 */
export function readJournal(json: string): Entry | undefined {
  const start = json.startsWith("data: ") ? 6 : json.charCodeAt(0) === 0x1e ? 1 : 0;
  if (json.charCodeAt(start) !== 0x7b) return undefined;
  const fields = parseObject(start === 0 ? json : json.slice(start));
  if (fields === undefined || !("__REALTIME_TIMESTAMP" in fields || "MESSAGE" in fields)) return undefined;
  const message = text(fields.MESSAGE) ?? "";
  const identifier = text(fields.SYSLOG_IDENTIFIER) ?? text(fields._COMM);
  const pid = text(fields.SYSLOG_PID) ?? text(fields._PID);
  const source = identifier === undefined ? "" : `${identifier}${pid === undefined ? "" : `[${pid}]`}: `;
  const host = text(fields._HOSTNAME);
  const line = `${host === undefined ? "" : `${host} `}${source}${message}`;
  return {
    line,
    text: `${line}\n`,
    time: microseconds(fields.__REALTIME_TIMESTAMP),
    identifier,
    message: `${message}\n`,
    isDateless: true,
    fields,
    ascii: undefined,
  };
}

/** True for an entry whose message journalctl left out because it was long: it wants `--all`. */
export function isMessageCut({ fields }: Entry): boolean {
  return fields !== undefined && fields.MESSAGE === null;
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
  return bytes.every((byte) => typeof byte === "number") ? Buffer.from(bytes).toString("utf8") : undefined;
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
  return Math.floor(Number(value) / 1000);
}
