import { isAscii, isUtf8, transcode } from "node:buffer";

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

/** From this many bytes on the way by UTF-16 is faster: five times for a long text that is not ASCII. */
const LONG = 512;

/** Bytes as text, from `start` to before `end`. What is no UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Buffer, start = 0, end = bytes.length): string {
  if (end - start < LONG) return bytes.toString("utf8", start, end);
  const part = bytes.subarray(start, end);
  return isUtf8(part) ? transcode(part, "utf8", "utf16le").toString("utf16le") : part.toString("utf8");
}

/**
 * A line as text with a newline at its end, without the carriage return of a foreign one. Bytes that are no UTF-8 become U+FFFD.
 *
 * @param line its bytes, without the newline
 */
export function decodeText(
  { bytes, start, end }: Bytes,
  ascii = isAscii(bytes.subarray(start, end)),
): string {
  const text = (to: number) => (ascii ? bytes.toString("latin1", start, to) : decodeUtf8(bytes, start, to));
  const isForeign = end > start && bytes[end - 1] === 13;
  // Most lines lie before a newline of their own: nothing need be put together.
  if (!isForeign && bytes[end] === 10) return text(end + 1);
  return `${text(isForeign ? end - 1 : end)}\n`;
}

/** The same without a newline. */
export function decodeLine(line: Bytes): string {
  return decodeText(line).slice(0, -1);
}
