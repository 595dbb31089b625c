import { EventEmitter } from "node:events";
import { read } from "node:fs";

/** Where log lines come from: as much of a Readable as the loop needs. */
export interface Input {
  on(event: "data", take: (chunk: Buffer) => void): unknown;
  on(event: "end", take: () => void): unknown;
  on(event: "error", take: (error: NodeJS.ErrnoException) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** Bytes read at a time: a read takes as long as copying a quarter of that. There are two such buffers. */
const BUFFER = 1_048_576;
/** Bytes emitted at a time: the commands that they bring may have to wait for the reader of stdout. */
const CHUNK = 262_144;

/**
 * Reads an open file to its end: into one buffer while the other is processed. A chunk is valid during the call that emits it.
 */
export class FileInput extends EventEmitter implements Input {
  readonly #fd: number;
  /** The buffer that is not being read into. */
  #other: Buffer = Buffer.allocUnsafeSlow(BUFFER);
  /** The buffer that chunks are cut from, and how much of it was emitted. */
  #current: Buffer | undefined;
  #given = 0;
  /** What was read after it. */
  #next: Buffer | undefined;
  #isPaused = false;
  #isOver = false;

  /** @param fd is read from its current position */
  constructor(fd: number) {
    super();
    this.#fd = fd;
    this.#read(Buffer.allocUnsafeSlow(BUFFER));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#give();
  }

  /** Nothing is emitted after that. */
  destroy(): void {
    this.#isOver = true;
  }

  #read(buffer: Buffer): void {
    read(this.#fd, buffer, 0, BUFFER, null, (error, length) => {
      if (this.#isOver) return;
      if (error) this.emit("error", error);
      this.#next = error ? undefined : buffer.subarray(0, length);
      this.#give();
    });
  }

  #give(): void {
    while (!this.#isPaused && !this.#isOver) {
      const current = this.#current ?? this.#begin();
      if (current === undefined) return;
      const chunk = current.subarray(this.#given, this.#given + CHUNK);
      this.#given += chunk.length;
      if (this.#given === current.length) this.#current = undefined;
      this.emit("data", chunk);
    }
  }

  /** Begins to emit what was read last, and to read what follows: all of the other buffer was emitted before. */
  #begin(): Buffer | undefined {
    const current = this.#next;
    if (current === undefined) return undefined;
    this.#next = undefined;
    if (current.length === 0) {
      this.#isOver = true;
      this.emit("end");
      return undefined;
    }
    this.#current = current;
    this.#given = 0;
    const free = this.#other;
    this.#other = Buffer.from(current.buffer);
    this.#read(free);
    return current;
  }
}
