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

/** Where the lock files are. Only root can write there, so that no other user can block a jail. */
const LOCK_DIRECTORY = "/run/f2b-exec";

/** Most lock files that a start checks for being stale. */
const MAX_SWEPT = 2000;
/** How often, and how many milliseconds apart, a lock is tried that a dead process seems to hold. */
const RETRY = { tries: 20, pause: 50 };

/** Prevents two f2b-exec from serving the same jail. */
export interface JailLock {
  /** Returns undefined when the jail is ours, else who serves it, for messages. */
  take(jail: string): Promise<string | undefined>;
}

/** For runs that change no firewall. */
export const noLock: JailLock = { take: async () => undefined };

/**
 * One file per jail and network namespace, since firewalls belong to namespaces. The lock is flock(2)'s on our open file: `flock`
 * locks the descriptor that it inherits, and the lock ends with our process, however that ends. Where locking fails, `warn` is
 * called once and jails are not locked.
 *
 * Only the holder of a lock removes its file, and a lock counts only while its path still leads to the locked file: a process that
 * opened the file just before it was removed tries again, so two never hold one jail. The next start that serves a jail, in
 * whatever namespace, removes the files of killed f2b-exec.
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

  /** Releases all jails and removes their files. */
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
      // Another start may hold it for a moment while it checks whether it is stale.
      if (left === 0 || (pid !== undefined && isAlive(pid)))
        return `another f2b-exec serves it${pid === undefined ? "" : ` (pid ${pid})`}`;
      if (!isLocked) await new Promise((resolve) => setTimeout(resolve, RETRY.pause));
    }
  }

  /** Removes the files that no process holds, also those of namespaces that no longer exist. */
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

/** The number of a namespace and the name of a chain. */
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

/** Removes a file whose lock we hold, and releases it. */
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

/** The pid that the holder of a lock wrote; undefined: it has not written one yet. */
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
