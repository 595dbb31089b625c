import type { Generation, Mark } from "./generation.ts";

/** Most files that are remembered after they were read to their end. */
const MAX_REMEMBERED = 256;

/** The files that are open, and those that were read to their end: no file is read twice, whatever its name. */
export class Registry {
  /** By `device:inode`, with the name of the source that it is read for. */
  readonly #open = new Map<string, string>();
  /** By `device:inode`, the oldest first. */
  readonly #read = new Map<string, Mark>();

  constructor(read: readonly Mark[] = []) {
    for (const mark of read) this.remember(mark);
  }

  /** Files that were read to their end. */
  get read(): readonly Mark[] {
    return [...this.#read.values()];
  }

  /** The source for which a file is open. */
  reader(id: string): string | undefined {
    return this.#open.get(id);
  }

  /** Up to where a file was read that is not open any more. */
  readBefore(id: string): Mark | undefined {
    return this.#read.get(id);
  }

  opened(id: string, source: string): void {
    this.#open.set(id, source);
    this.#read.delete(id);
  }

  closed({ id, mark }: Generation): void {
    this.#open.delete(id);
    this.remember(mark);
  }

  /** A file was read to its end, or is a copy of one that was. */
  remember(mark: Mark): void {
    this.#read.delete(mark.id);
    this.#read.set(mark.id, mark);
    const [oldest] = this.#read.keys();
    if (this.#read.size > MAX_REMEMBERED && oldest !== undefined) this.#read.delete(oldest);
  }
}
