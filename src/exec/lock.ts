import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { flock } from "../flock.ts";
import { chainName } from "./names.ts";

/** Where locks live: writable for root alone, so that no other user can hold a jail up. */
const LOCK_DIRECTORY = "/run/f2b-exec";

/** Keeps two f2b-exec from serving one jail. */
export interface JailLock {
  /** undefined: the jail is ours. Else who has it, for people. */
  take(jail: string): Promise<string | undefined>;
}

/** For back ends that share nothing. */
export const noLock: JailLock = { take: async () => undefined };

/**
 * One empty file a jail and network namespace, since firewalls belong to namespaces. The lock is flock(2)'s on our open
 * file: `flock` takes it for us on the descriptor that it inherits and it dies with our process, however that ends.
 * Where no lock can be had, `warn` is told once and the jail is ours.
 */
export class FileLock implements JailLock {
  readonly #warn: (message: string) => void;
  readonly #directory: string;
  #isBroken = false;

  constructor(warn: (message: string) => void, directory = LOCK_DIRECTORY) {
    this.#warn = warn;
    this.#directory = directory;
  }

  async take(jail: string): Promise<string | undefined> {
    if (this.#isBroken) return undefined;
    try {
      return await this.#lock(join(this.#directory, `${namespace()}-${chainName(jail)}`));
    } catch (error) {
      this.#isBroken = true;
      this.#warn(`jails are not locked against a second f2b-exec: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #lock(path: string): Promise<string | undefined> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(this.#directory);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
      throw new Error(`${this.#directory} belongs to another user or can be written by others`);
    }
    const file = openSync(path, "a+", 0o600);
    if (await flock(file)) {
      ftruncateSync(file);
      writeSync(file, `${process.pid}\n`);
      return undefined;
    }
    closeSync(file);
    const pid = /^\d{1,10}$/m.exec(readFileSync(path, "latin1"))?.[0];
    return `another f2b-exec serves it${pid === undefined ? "" : ` (pid ${pid})`}`;
  }
}

function namespace(): number {
  return statSync("/proc/self/ns/net").ino;
}
