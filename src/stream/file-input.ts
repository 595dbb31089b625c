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

/** Bytes read at a time. Two such buffers are all there is, small enough for a processor's cache. */
const CHUNK = 262_144;

/**
 * Reads an open file to its end: into one buffer, while what is in the other is being worked on. A chunk is valid during the
 * call that gives it.
 */
export class FileInput extends EventEmitter implements Input {
  readonly #fd: number;
  /** The buffer that is not being read into. */
  #other: Buffer = Buffer.allocUnsafeSlow(CHUNK);
  /** What was read and is not yet given. */
  #ready: Buffer | undefined;
  #isPaused = false;
  #isOver = false;

  /** @param fd is read from where it stands */
  constructor(fd: number) {
    super();
    this.#fd = fd;
    this.#read(Buffer.allocUnsafeSlow(CHUNK));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#give();
  }

  /** Nothing is given after that. */
  destroy(): void {
    this.#isOver = true;
  }

  #read(buffer: Buffer): void {
    read(this.#fd, buffer, 0, CHUNK, null, (error, length) => {
      if (this.#isOver) return;
      if (error) this.emit("error", error);
      this.#ready = error ? undefined : buffer.subarray(0, length);
      this.#give();
    });
  }

  /** The buffer behind is free: its chunk was given before this one was read. */
  #give(): void {
    const chunk = this.#ready;
    if (chunk === undefined || this.#isPaused || this.#isOver) return;
    this.#ready = undefined;
    if (chunk.length === 0) {
      this.#isOver = true;
      this.emit("end");
      return;
    }
    const free = this.#other;
    this.#other = Buffer.from(chunk.buffer);
    this.#read(free);
    this.emit("data", chunk);
  }
}
