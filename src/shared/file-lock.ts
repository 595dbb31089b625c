import { spawn } from "node:child_process";

/** A flock(1) that was killed is started anew, so many times in all. */
const TRIES = 3;

/**
 * Takes flock(2)'s exclusive lock on an open file, for as long as our process lives and has it open: `flock` takes it on the
 * descriptor that it inherits, which stands for the same open file, and it goes with the last of them, however that ends.
 *
 * @returns false when somebody else has the lock
 * @throws when there is no flock(1), or it fails
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
