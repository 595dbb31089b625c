import { isAscii } from "node:buffer";

/**
 * A copy of `text` that holds no other string in memory. V8's slices hold the whole string they were cut from: a kept word
 * of a long line would keep the line.
 */
export function flat(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

/** Some bytes of a buffer. */
export interface Bytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** All bytes of a buffer. */
export function whole(bytes: Buffer): Bytes {
  return { bytes, start: 0, end: bytes.length };
}

/** A line as text, without the carriage return of a foreign newline. Bytes that are no UTF-8 become U+FFFD. */
export function decodeLine(
  { bytes, start, end }: Bytes,
  ascii = isAscii(bytes.subarray(start, end)),
): string {
  const last = end > start && bytes[end - 1] === 13 ? end - 1 : end;
  return bytes.toString(ascii ? "latin1" : "utf8", start, last);
}
