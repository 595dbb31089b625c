/**
 * A copy of `text` that holds no other string in memory. V8's slices hold the whole string they were cut from: a kept word
 * of a long line would keep the line.
 */
export function flat(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
