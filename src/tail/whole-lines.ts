const NEWLINE = 10;

export interface WholeLines {
  /** Length of the whole lines at the beginning none of which is too long, newlines included. */
  readonly length: number;
  /** Length of the line after them, with its newline, when that is too long; else 0. */
  readonly overlong: number;
}

/**
 * Finds the whole lines at the beginning of `bytes`. It looks at a line or two in each `maxLine` bytes, not at each.
 *
 * @param maxLine the longest line, in bytes, without its newline
 */
export function wholeLines(bytes: Buffer, maxLine: number): WholeLines {
  const last = bytes.lastIndexOf(NEWLINE);
  let length = 0;
  while (length <= last) {
    const newline = bytes.lastIndexOf(NEWLINE, Math.min(length + maxLine, last));
    if (newline < length) return { length, overlong: bytes.indexOf(NEWLINE, length) + 1 - length };
    length = newline + 1;
  }
  return { length, overlong: 0 };
}
