import {
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { type FileHandle, open, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { flock } from "../../shared/file-lock.ts";
import {
  checkFolder,
  checkStat,
  FileError,
  look,
  OURS,
  readTrusted,
  UNLINKED,
} from "../../shared/safe-file.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, type Header } from "./header.ts";
import { StateError } from "./state-error.ts";

/** It holds lines of the log: nobody else's business. */
const MODE = 0o600;

/**
 * The file of a state, locked against a second user. Writes go to places that we name, so that what a failed one left behind
 * the end is written over.
 */
export class StateFile {
  readonly #handle: FileHandle;
  #path: string;
  /** Where the next command goes, in bytes. */
  #end = 0;
  /** True when there may be something behind the end. */
  #isTorn = false;
  #hasHeader = false;
  /** Why it can be read alone. */
  readonly #readOnly: Error | undefined;

  private constructor(path: string, handle: FileHandle, readOnly?: Error) {
    this.#path = path;
    this.#handle = handle;
    this.#readOnly = readOnly;
  }

  /**
   * Opens a state, or makes an empty one, and locks it. Where there is no flock(1) `warn` is told, and it is not locked. What is
   * there already is not changed, until `secure` is called.
   *
   * @throws StateError
   */
  static async open(path: string, warn: (message: string) => void): Promise<StateFile> {
    for (;;) {
      const file = await StateFile.#open(path);
      const isOurs = await file.lock().catch((error: Error) => {
        warn(`it is not locked against a second f2b-stream: ${error.message}`);
        return true;
      });
      if (isOurs && file.#isThere()) return file;
      await file.close();
      if (!isOurs) throw new StateError("ERR_STATE_BUSY", path, "another f2b-stream uses it");
      // Who had it compacted it between our two steps: the path leads to another file now.
    }
  }

  static async #open(path: string): Promise<StateFile> {
    try {
      checkFolder(path);
      look(path, OURS);
      const place = join(await realpath(dirname(path)), basename(path));
      checkLeftover(`${place}.new`);
      const { handle, readOnly } = await openForWriting(path);
      try {
        checkStat(fstatSync(handle.fd), OURS);
        return new StateFile(place, handle, readOnly);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw new StateError("ERR_STATE_ACCESS", path, (error as Error).message);
    }
  }

  /**
   * Makes what was found to be a state one for nobody else to read, and takes away what an interrupted compaction has left beside it.
   *
   * @throws as chmod(2) and unlink(2)
   */
  secure(): void {
    const { fd } = this.#handle;
    if (this.#readOnly !== undefined) return;
    if ((fstatSync(fd).mode & 0o777) !== MODE) fchmodSync(fd, MODE);
    this.#removeLeftover();
  }

  /** What lies at the new file's place goes, if an earlier compaction has left it there. */
  #removeLeftover(): void {
    if (checkLeftover(this.#newPath)) rmSync(this.#newPath, { force: true });
  }

  /** Where it lies, with no link in between. */
  get path(): string {
    return this.#path;
  }

  /** Where the file is written that is to take this one's place; one that was left unfinished goes. */
  get #newPath(): string {
    return `${this.#path}.new`;
  }

  /** Where the next command goes, in bytes. */
  get end(): number {
    return this.#end;
  }

  /** Size of the file in bytes, with what lies behind the end. */
  get size(): number {
    return fstatSync(this.#handle.fd).size;
  }

  /** False: the first line is something else, and can't be written over. */
  get hasHeader(): boolean {
    return this.#hasHeader;
  }

  /**
   * Makes an empty file beside this one.
   *
   * @throws FileError when something else is in its place
   * @throws as open(2)
   */
  async createNew(): Promise<StateFile> {
    this.#removeLeftover();
    return new StateFile(this.#newPath, await open(this.#newPath, "wx+", MODE));
  }

  /** False when another process has the lock. */
  lock(): Promise<boolean> {
    return flock(this.#handle.fd);
  }

  /** What the first line says, if it is a header. */
  readHeader(): Header | undefined {
    const bytes = Buffer.alloc(HEADER_BYTES);
    this.read(bytes, 0);
    const header = decodeHeader(bytes.toString("latin1"));
    this.#hasHeader = header !== undefined && bytes.at(-1) === 10;
    return header;
  }

  /**
   * Writes the first line over, or into an empty file.
   *
   * @throws as write(2)
   */
  writeHeader(header: Header): void {
    if (!this.#hasHeader && this.#end > 0) return;
    this.#write(Buffer.from(encodeHeader(header)), 0);
    this.#hasHeader = true;
    this.#end = Math.max(this.#end, HEADER_BYTES);
  }

  /** What stands at a place, as far as the buffer reaches. */
  read(into: Buffer, offset: number): Buffer {
    return into.subarray(0, readSync(this.#handle.fd, into, 0, into.length, offset));
  }

  /**
   * The same without holding anything up.
   *
   * @throws when nothing stands there
   */
  async readLater(into: Buffer, offset: number): Promise<Buffer> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, offset);
    if (bytesRead === 0) throw new Error("the file was cut");
    return into.subarray(0, bytesRead);
  }

  /**
   * Writes behind the last command: all of it or, when it throws, nothing that counts.
   *
   * @throws as write(2)
   */
  append(bytes: Buffer): void {
    if (this.#isTorn) this.#cut();
    try {
      this.#write(bytes, this.#end);
    } catch (error) {
      this.cut(this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  /** The same without holding anything up; one at a time. */
  async appendLater(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      done += (await this.#handle.write(bytes, done, left, this.#end + done)).bytesWritten;
    }
    this.#end += bytes.length;
  }

  /** Sets the end, and drops what lies behind it: now, or when the disk lets us. */
  cut(end: number): void {
    this.#end = end;
    this.#isTorn = this.size > end;
    if (!this.#isTorn) return;
    try {
      this.#cut();
    } catch {
      // Until then it is dropped at each start.
    }
  }

  /** Waits until all that was written is on the disk. */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  syncNow(): void {
    fdatasyncSync(this.#handle.fd);
  }

  /**
   * Moves the file, within its folder, over another.
   *
   * @throws as rename(2)
   */
  move(path: string): void {
    renameSync(this.#path, path);
    this.#path = path;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Closes the file and takes it away. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
  }

  #write(bytes: Buffer, offset: number): void {
    if (this.#readOnly) throw this.#readOnly;
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#handle.fd, bytes, done, bytes.length - done, offset + done);
  }

  #cut(): void {
    if (this.#readOnly) throw this.#readOnly;
    ftruncateSync(this.#handle.fd, this.#end);
    this.#isTorn = false;
  }

  /** Whether the path still leads to this file. */
  #isThere(): boolean {
    const here = fstatSync(this.#handle.fd);
    const there = statSync(this.#path, { throwIfNoEntry: false });
    return there?.ino === here.ino && there.dev === here.dev;
  }
}

/** Of a disk that can't be written to it is at least read. */
async function openForWriting(path: string): Promise<{ handle: FileHandle; readOnly?: Error }> {
  try {
    return { handle: await open(path, constants.O_RDWR | constants.O_CREAT | UNLINKED, MODE) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EROFS") throw error;
    return { handle: await open(path, constants.O_RDONLY | UNLINKED), readOnly: error as Error };
  }
}

/**
 * Whether something is at the path of a new file that may go: a state that was begun, or an empty file, since that is all that a
 * compaction leaves when it is killed.
 *
 * @throws FileError when something else is there
 */
function checkLeftover(path: string): boolean {
  try {
    if (look(path, OURS) === undefined) return false;
    const bytes = readTrusted(path, HEADER_BYTES - 1, OURS);
    if (bytes.every((byte) => byte === 0) || decodeHeader(bytes.toString("latin1"))) return true;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new FileError(`${path} is in the way: it ${error.message}`);
  }
  throw new FileError(`${path} is in the way, and is no state: move it elsewhere`);
}

/** Lets what was moved in the folder of `path` reach the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
