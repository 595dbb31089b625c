import { readFileSync } from "node:fs";
import { packageFile } from "../shared/package-files.ts";

/** The package's version, from its package.json. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string };
  return version;
}
