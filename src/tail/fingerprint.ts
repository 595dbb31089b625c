import { createHash } from "node:crypto";
import { readSync } from "node:fs";

/** How much of a file's beginning tells it from others, in bytes. */
const BEGINNING = 1024;

/** The beginning of a file, as far as it was written when it was looked at. */
export interface Fingerprint {
  readonly length: number;
  /** SHA-256, the first half, in hexadecimal digits. */
  readonly hash: string;
}

const scratch = Buffer.allocUnsafeSlow(BEGINNING);

/** At most the first `BEGINNING` bytes of an open file; valid until the next call. */
export function readBeginning(fd: number): Buffer {
  return scratch.subarray(0, readSync(fd, scratch, 0, BEGINNING, 0));
}

export function fingerprintOf(beginning: Buffer): Fingerprint {
  const hash = createHash("sha256").update(beginning).digest("hex").slice(0, 32);
  return { length: beginning.length, hash };
}
