import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { flock } from "../../shared/file-lock.ts";
import { chainName, PREFIX } from "./names.ts";

/** Where locks live: writable for root alone, so that no other user can hold a jail up. */
const LOCK_DIRECTORY = "/run/f2b-exec";

/** Files of locks that a start looks at, to remove those that nobody holds. */
const MAX_SWEPT = 2000;
/** So often, and so many milliseconds apart, a lock is asked for that a process which has gone seems to hold. */
const RETRY = { tries: 20, pause: 50 };

/** Keeps two f2b-exec from serving one jail. */
export interface JailLock {
  /** undefined: the jail is ours. Else who has it, for people. */
  take(jail: string): Promise<string | undefined>;
}

/** For back ends that share nothing. */
export const noLock: JailLock = { take: async () => undefined };

/**
 * One file a jail and network namespace, since firewalls belong to namespaces. The lock is flock(2)'s on our open file:
 * `flock` takes it for us on the descriptor that it inherits and it dies with our process, however that ends. Where no
 * lock can be had, `warn` is told once and the jail is ours.
 *
 * A file is removed only by who holds its lock, and a lock counts only while its path still leads to the locked file: so
 * who opened it just before it was removed asks again, and two never hold one jail. What a killed f2b-exec left is removed by
 * the next start that serves a jail, in whatever namespace.
 */
export class FileLock implements JailLock {
  readonly #warn: (message: string) => void;
  readonly #directory: string;
  readonly #held = new Map<string, number>();
  #sweep: Promise<void> | undefined;
  #isBroken = false;
  #isReleased = false;

  constructor(warn: (message: string) => void, directory = LOCK_DIRECTORY) {
    this.#warn = warn;
    this.#directory = directory;
  }

  async take(jail: string): Promise<string | undefined> {
    if (this.#isBroken) return undefined;
    try {
      this.#openDirectory();
      const holder = await this.#lock(join(this.#directory, `${namespace()}-${chainName(jail)}`));
      this.#sweep ??= this.#removeStale();
      return holder;
    } catch (error) {
      this.#isBroken = true;
      this.#warn(`jails are not locked against a second f2b-exec: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Gives all jails back and removes their files. */
  async release(): Promise<void> {
    this.#isReleased = true;
    for (const [path, file] of this.#held) remove(path, file);
    this.#held.clear();
    await this.#sweep;
  }

  #openDirectory(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(this.#directory);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
      throw new Error(`${this.#directory} belongs to another user or can be written by others`);
    }
  }

  async #lock(path: string): Promise<string | undefined> {
    for (let left = RETRY.tries; ; left--) {
      const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      const isLocked = await lockOrClose(file);
      if (isLocked && isAt(path, file)) {
        ftruncateSync(file);
        writeSync(file, `${process.pid}\n`);
        this.#held.set(path, file);
        return undefined;
      }
      const pid = isLocked ? undefined : holderOf(file);
      closeSync(file);
      // Another start that looks whether a killed f2b-exec has left it holds it for a moment.
      if (left === 0 || (pid !== undefined && isAlive(pid)))
        return `another f2b-exec serves it${pid === undefined ? "" : ` (pid ${pid})`}`;
      if (!isLocked) await new Promise((resolve) => setTimeout(resolve, RETRY.pause));
    }
  }

  /** Removes the files that nobody holds, those of namespaces that are gone among them. */
  async #removeStale(): Promise<void> {
    try {
      const names = readdirSync(this.#directory).filter((name) => LOCK_NAME.test(name));
      for (const name of names.slice(0, MAX_SWEPT)) {
        const path = join(this.#directory, name);
        if (this.#isReleased) return;
        if (!this.#held.has(path)) await removeStale(path);
      }
    } catch (error) {
      this.#warn(`cannot remove stale locks: ${(error as Error).message}`);
    }
  }
}

/** A namespace's number and a chain's name. */
const LOCK_NAME = new RegExp(`^\\d+-${PREFIX}`);

async function removeStale(path: string): Promise<void> {
  let file: number;
  try {
    file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch {
    // Its holder has just removed it.
    return;
  }
  if (await lockOrClose(file)) remove(path, file);
  else closeSync(file);
}

/** Takes the lock. @throws as `flock` does; the file is closed then */
async function lockOrClose(file: number): Promise<boolean> {
  try {
    return await flock(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Removes a file whose lock we hold, and lets go of it. */
function remove(path: string, file: number): void {
  try {
    if (isAt(path, file)) unlinkSync(path);
  } finally {
    closeSync(file);
  }
}

/** Whether a path leads to this open file. */
function isAt(path: string, file: number): boolean {
  try {
    const [there, here] = [lstatSync(path), fstatSync(file)];
    return there.ino === here.ino && there.dev === here.dev;
  } catch {
    return false;
  }
}

/** The pid that the holder of a lock has written; undefined: none yet. */
function holderOf(file: number): number | undefined {
  const bytes = Buffer.alloc(16);
  const text = bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0));
  const pid = /^(\d{1,10})\n/.exec(text)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function namespace(): number {
  return statSync("/proc/self/ns/net").ino;
}
