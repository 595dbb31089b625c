import {
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
import { checkFolder, checkStat, look, OURS } from "../../shared/safe-file.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, type Header } from "./header.ts";
import { checkLeftover, MODE, openForWriting } from "./open-state-file.ts";
import { StateError } from "./state-error.ts";

/**
 * The file of a state, locked against a second process. Writes go to explicit offsets, so that the next one overwrites what a
 * failed write left after the end.
 */
export class StateFile {
  readonly #handle: FileHandle;
  #path: string;
  /** Where the next command goes, in bytes. */
  #end = 0;
  /** True when something may follow the end. */
  #isTorn = false;
  #hasHeader = false;
  /** Why the file is only readable. */
  readonly #readOnly: Error | undefined;

  private constructor(path: string, handle: FileHandle, readOnly?: Error) {
    this.#path = path;
    this.#handle = handle;
    this.#readOnly = readOnly;
  }

  /**
   * Opens a state, or creates an empty one, and locks it. Where locking fails `warn` is called, and it is not locked. An existing
   * file is not changed until `secure` is called.
   *
   * @throws StateError
   */
  static async open(path: string, warn: (message: string) => void): Promise<StateFile> {
    for (;;) {
      const file = await StateFile.#open(path);
      const isOurs = await file.lock().catch((error: Error) => {
        warn(`not locked against a second f2b-stream: ${error.message}`);
        return true;
      });
      if (isOurs && file.#isThere()) return file;
      await file.close();
      if (!isOurs) throw new StateError("ERR_STATE_BUSY", path, "another f2b-stream uses it");
      // Another process compacted it between our two steps, so the path leads to a new file.
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
   * Removes access for others from a file that turned out to be a state, and what an interrupted compaction left beside it.
   *
   * @throws as chmod(2) and unlink(2)
   */
  secure(): void {
    const { fd } = this.#handle;
    if (this.#readOnly !== undefined) return;
    if ((fstatSync(fd).mode & 0o777) !== MODE) fchmodSync(fd, MODE);
    this.#removeLeftover();
  }

  /** Removes the new file of an interrupted compaction. */
  #removeLeftover(): void {
    if (checkLeftover(this.#newPath)) rmSync(this.#newPath, { force: true });
  }

  /** The path of the file, without links. */
  get path(): string {
    return this.#path;
  }

  /** The path of the file that a compaction writes. */
  get #newPath(): string {
    return `${this.#path}.new`;
  }

  /** Where the next command goes, in bytes. */
  get end(): number {
    return this.#end;
  }

  /** Size of the file in bytes, with what follows the end. */
  get size(): number {
    return fstatSync(this.#handle.fd).size;
  }

  /** False: the first line is something else and must not be overwritten. */
  get hasHeader(): boolean {
    return this.#hasHeader;
  }

  /**
   * Creates an empty file beside this one.
   *
   * @throws FileError when something else has its path
   * @throws as open(2)
   */
  async createNew(): Promise<StateFile> {
    this.#removeLeftover();
    return new StateFile(this.#newPath, await open(this.#newPath, "wx+", MODE));
  }

  /** Takes the lock. Returns false when another process has it. */
  lock(): Promise<boolean> {
    return flock(this.#handle.fd);
  }

  /** The first line, if it is a header. */
  readHeader(): Header | undefined {
    const bytes = Buffer.alloc(HEADER_BYTES);
    this.read(bytes, 0);
    const header = decodeHeader(bytes.toString("latin1"));
    this.#hasHeader = header !== undefined && bytes.at(-1) === 10;
    return header;
  }

  /**
   * Overwrites the header, or writes one into an empty file.
   *
   * @throws as write(2)
   */
  writeHeader(header: Header): void {
    if (!this.#hasHeader && this.#end > 0) return;
    this.#write(Buffer.from(encodeHeader(header)), 0);
    this.#hasHeader = true;
    this.#end = Math.max(this.#end, HEADER_BYTES);
  }

  /** Reads at an offset until the buffer is full or the file ends. Returns the part of the buffer that was filled. */
  read(into: Buffer, offset: number): Buffer {
    return into.subarray(0, readSync(this.#handle.fd, into, 0, into.length, offset));
  }

  /**
   * Reads likewise, asynchronously.
   *
   * @throws Error at the end of the file
   */
  async readLater(into: Buffer, offset: number): Promise<Buffer> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, offset);
    if (bytesRead === 0) throw new Error("the file was truncated");
    return into.subarray(0, bytesRead);
  }

  /**
   * Writes after the last command. If it throws, what it wrote is dropped.
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

  /** Writes likewise, asynchronously; one call at a time. */
  async appendLater(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      done += (await this.#handle.write(bytes, done, left, this.#end + done)).bytesWritten;
    }
    this.#end += bytes.length;
  }

  /** Sets the end, and drops what follows it, now or when the disk allows it. */
  cut(end: number): void {
    this.#end = end;
    this.#isTorn = this.size > end;
    if (!this.#isTorn) return;
    try {
      this.#cut();
    } catch {
      // Until then each start drops it.
    }
  }

  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  syncNow(): void {
    fdatasyncSync(this.#handle.fd);
  }

  /**
   * Renames the file, within its folder, over another.
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

  /** Closes the file and removes it. */
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
