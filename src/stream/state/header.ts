import { LAST_TIME } from "../../shared/time.ts";

/** The first line of a state. */
export interface Header {
  /** Up to when the log was read, in epoch milliseconds; undefined: unknown. */
  readonly seen: number | undefined;
  /** False: some decisions could not be written. */
  readonly isWhole: boolean;
}

/** Length of a header, its newline included, in bytes. */
export const HEADER_BYTES = encodeHeader({ seen: undefined, isWhole: true }).length;

/**
 * The header as a line of constant length, so that it can be overwritten in place: that needs no room on a full disk, and the file
 * does not grow.
 */
export function encodeHeader({ seen, isWhole }: Header): string {
  const time = seen === undefined ? null : new Date(Math.min(Math.max(seen, 0), LAST_TIME)).toISOString();
  return `{"cmd":"state","seen":${JSON.stringify(time).padStart(26)},"whole":${String(isWhole).padStart(5)}}\n`;
}

/** Reads a state's first line; undefined: it is not a header. */
export function decodeHeader(line: string): Header | undefined {
  const { cmd, seen, whole } = parse(line);
  if (cmd !== "state") return undefined;
  const time = typeof seen === "string" ? Date.parse(seen) : Number.NaN;
  return { seen: Number.isNaN(time) ? undefined : time, isWhole: whole === true };
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
