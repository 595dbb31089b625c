import { isAscii } from "node:buffer";

/**
 * A copy of `text` that holds no other string in memory. V8's slices hold the whole string they were cut from: a kept word
 * of a long line would keep the line.
 */
export function flat(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

/** A line as text, without the carriage return of a foreign newline. Bytes that are no UTF-8 become U+FFFD. */
export function decodeLine(bytes: Buffer, ascii = isAscii(bytes)): string {
  const end = bytes[bytes.length - 1] === 13 ? bytes.length - 1 : bytes.length;
  return bytes.toString(ascii ? "latin1" : "utf8", 0, end);
}
