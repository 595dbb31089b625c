import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Writes files (path to text) into a new directory, gives it to `use`, and removes it. */
export function withTree<T>(
  files: Readonly<Record<string, string | Uint8Array>>,
  use: (directory: string) => T,
): T {
  const directory = mkdtempSync(join(tmpdir(), "f2b-config-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
