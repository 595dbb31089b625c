import { flat } from "../shared/text.ts";

/** Most characters of a line that evidence holds. */
const MAX_LENGTH = 1024;

/** The part of a line that is held as evidence, copied where it is cut. */
export function evidenceOf(line: string): string {
  return isLong(line) ? flat(line.slice(0, MAX_LENGTH)) : line;
}

/** Whether what is cut from a line must be copied: a slice would hold the whole line in memory. */
export function isLong(line: string): boolean {
  return line.length > MAX_LENGTH;
}
