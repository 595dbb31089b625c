import { readFileSync } from "node:fs";

/** The text of a file in /proc or /etc, as latin1; empty when it is missing or unreadable. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
