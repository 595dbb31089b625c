import { readFileSync } from "node:fs";

/** The text of a file of /proc or /etc, as latin1; empty where there is no such file, or we may not read it. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
