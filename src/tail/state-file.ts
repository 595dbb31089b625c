import { closeSync, constants, fdatasync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { flock } from "../shared/file-lock.ts";
import { checkFolder, checkStat, look, OURS, UNLINKED } from "../shared/safe-file.ts";
import { formatSlot, LARGEST, MAGIC, nextOffset, readSlots } from "./state-slots.ts";

/** A state that can't be used. `code`: it can't be opened, another process uses it, it is something else. */
export class StateError extends Error {
  readonly code: "ERR_STATE_ACCESS" | "ERR_STATE_BUSY" | "ERR_STATE_FORMAT";

  constructor(code: StateError["code"], path: string, message: string) {
    super(`${path}: ${message}`);
    this.name = "StateError";
    this.code = code;
  }
}

/** The file of a state, locked against a second f2b-tail. */
export class StateFile {
  readonly #fd: number;
  /** The last slot that is whole: where it is, its length, how often the state was written. */
  #offset: number | undefined;
  #length = 0;
  #count = 0;
  /** What it held when it was opened; undefined: nothing, or it was torn. */
  readonly saved: string | undefined;
  /** True: something was in it that can't be read. */
  readonly isTorn: boolean;

  private constructor(fd: number, path: string) {
    this.#fd = fd;
    const bytes = readAll(fd, path);
    const slot = readSlots(bytes);
    if (slot === undefined && bytes.length > 0 && !mayBeOurs(bytes))
      throw new StateError("ERR_STATE_FORMAT", path, "is not a state of f2b-tail: move it elsewhere");
    this.#offset = slot?.offset;
    this.#length = slot ? formatSlot(slot.count, slot.json).length : 0;
    this.#count = slot?.count ?? 0;
    this.saved = slot?.json;
    this.isTorn = slot === undefined && bytes.length > 0;
  }

  /**
   * Opens a state, or creates an empty one, and locks it. Where locking fails `warn` is called.
   *
   * @throws StateError
   */
  static async open(path: string, warn: (message: string) => void): Promise<StateFile> {
    const fd = openOurs(path);
    try {
      const isOurs = await flock(fd).catch((error: Error) => {
        warn(`not locked against a second f2b-tail: ${error.message}`);
        return true;
      });
      if (!isOurs) throw new StateError("ERR_STATE_BUSY", path, "another f2b-tail uses it");
      return new StateFile(fd, path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * Replaces what the file holds. If it fails, the last state stays.
   *
   * @throws as write(2)
   */
  save(json: string): void {
    const slot = formatSlot(this.#count + 1, json);
    if (slot.length > LARGEST) throw new Error(`longer than ${LARGEST} bytes`);
    const offset = nextOffset(this.#offset, this.#length, slot.length);
    for (let done = 0; done < slot.length; )
      done += writeSync(this.#fd, slot, done, slot.length - done, offset + done);
    this.#offset = offset;
    this.#length = slot.length;
    this.#count++;
  }

  /** Resolves when it is on the disk, as far as that is possible. */
  sync(): Promise<void> {
    return new Promise((resolve) => fdatasync(this.#fd, () => resolve()));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function openOurs(path: string): number {
  let fd: number | undefined;
  try {
    checkFolder(path);
    look(path, OURS);
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | UNLINKED, 0o600);
    checkStat(fstatSync(fd), OURS);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw new StateError("ERR_STATE_ACCESS", path, (error as Error).message);
  }
}

function readAll(fd: number, path: string): Buffer {
  const { size } = fstatSync(fd);
  if (size > 4 * LARGEST)
    throw new StateError("ERR_STATE_FORMAT", path, "is too large for a state of f2b-tail");
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, readSync(fd, bytes, 0, size, 0));
}

/** The beginning of the first slot, or of what was written of it. */
function mayBeOurs(bytes: Buffer): boolean {
  const start = bytes.toString("latin1", 0, MAGIC.length);
  return start === MAGIC || MAGIC.startsWith(start);
}
