import { readFileSync } from "node:fs";

/** The package's version, from its package.json. */
export function version(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as {
        version: string;
      };
      return version;
    } catch {
      // Compiled, the file is one folder deeper.
    }
  }
  return "unknown";
}
