import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { FileError, look, OURS, readTrusted, UNLINKED } from "../../shared/safe-file.ts";
import { decodeHeader, HEADER_BYTES } from "./header.ts";

/** No access for others, since a state holds lines of the log. */
export const MODE = 0o600;

/** Opens a file for writing; on a read-only file system for reading, with the error. */
export async function openForWriting(path: string): Promise<{ handle: FileHandle; readOnly?: Error }> {
  try {
    return { handle: await open(path, constants.O_RDWR | constants.O_CREAT | UNLINKED, MODE) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EROFS") throw error;
    return { handle: await open(path, constants.O_RDONLY | UNLINKED), readOnly: error as Error };
  }
}

/**
 * Whether the path of a new file holds something to be removed: an unfinished state or an empty file, which is what a killed
 * compaction leaves.
 *
 * @throws FileError when it holds something else
 */
export function checkLeftover(path: string): boolean {
  try {
    if (look(path, OURS) === undefined) return false;
    const bytes = readTrusted(path, HEADER_BYTES - 1, OURS);
    if (bytes.every((byte) => byte === 0) || decodeHeader(bytes.toString("latin1"))) return true;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new FileError(`${path} is in the way: it ${error.message}`);
  }
  throw new FileError(`${path} is in the way and is not a state: move it elsewhere`);
}

/** Flushes the folder of `path` to the disk, after a rename in it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
