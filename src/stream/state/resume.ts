import { OURS, readTrusted } from "../../shared/safe-file.ts";
import { decodeHeader, HEADER_BYTES } from "./header.ts";
import { StateError } from "./state-error.ts";

/**
 * Up to when the last run with this state read its log, in epoch milliseconds; undefined: unknown. The state may be in use.
 *
 * @throws StateError when the state can't be read
 */
export function readSeen(path: string): number | undefined {
  try {
    return decodeHeader(readTrusted(path, HEADER_BYTES - 1, OURS).toString("latin1"))?.seen;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new StateError("ERR_STATE_ACCESS", path, message);
  }
}
