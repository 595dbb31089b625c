import { spawn } from "node:child_process";

/** How often flock(1) is started in all when something kills it. */
const TRIES = 3;

/**
 * Takes flock(2)'s exclusive lock on an open file, for as long as our process lives and has the file open: `flock` locks the
 * descriptor that it inherits, which is the same open file, and the lock ends when the last descriptor is closed.
 *
 * @returns false when another process has the lock
 * @throws Error when flock(1) is missing or fails
 */
export function flock(file: number, tries = TRIES): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", file] });
    child.once("error", reject);
    child.once("exit", (status, signal) => {
      if (status === 0 || status === 1) resolve(status === 0);
      else if (signal !== null && tries > 1) resolve(flock(file, tries - 1));
      else reject(new Error(`flock ended with ${status ?? signal}`));
    });
  });
}
