import { fstatSync, write, writev } from "node:fs";
import { Socket } from "node:net";
import { formatGreeting, formatTaggedHeader, type Source } from "../protocol/tagged.ts";
import type { Clock } from "../shared/clock.ts";
import { escapeText } from "../shared/invisible.ts";
import type { Block } from "./block.ts";

/** Where blocks go. */
export interface Output {
  /** Resolves when the descriptor has taken the block; one call at a time. @throws as write(2) */
  write(block: Block): Promise<void>;
  /** Tells the sources, from the next write on. */
  setSources(sources: readonly Source[]): void;
  /** Writes something that means nothing, which fails when the reader is gone. @throws as write(2) */
  beat(): Promise<void>;
}

/** Milliseconds until a descriptor that would block is tried again. */
const RETRY = 1;

/** Lines after headers: see protocol/tagged.ts. */
export class TaggedOutput implements Output {
  readonly #out: Writer;
  readonly #token: string;
  /** The last list of sources. */
  #sources = "";
  /** What is to be written before the next block. */
  #pending: string;
  /** Whose lines the next bytes are, unless a header says otherwise; undefined: nobody's. */
  #last: { source: string; place: string | undefined; end: number } | undefined;

  constructor(fd: number, clock: Clock, token: string) {
    this.#out = writerOf(fd, clock);
    this.#token = token;
    this.#pending = formatGreeting(token);
  }

  setSources(sources: readonly Source[]): void {
    const header = formatTaggedHeader(this.#token, { sources });
    if (header === this.#sources) return;
    this.#sources = header;
    this.#pending += header;
    this.#last = undefined;
  }

  async write({ source, at, bytes }: Block): Promise<void> {
    const last = this.#last;
    const goesOn =
      last?.source === source && last.place === at?.place && (at === undefined || last.end === at.offset);
    const header =
      this.#pending +
      (goesOn || bytes.length === 0 ? "" : formatTaggedHeader(this.#token, { source, ...at }));
    this.#pending = "";
    this.#last =
      bytes.length === 0 && !goesOn
        ? undefined
        : { source, place: at?.place, end: (at?.offset ?? 0) + bytes.length };
    await this.#out.write(header === "" ? [bytes] : [Buffer.from(header), bytes]);
  }

  async beat(): Promise<void> {
    const last = this.#last;
    const header = this.#pending;
    this.#pending = "";
    if (header !== "") await this.#out.write([Buffer.from(header)]);
    else if (last !== undefined) {
      const at = last.place === undefined ? {} : { place: last.place, offset: last.end };
      await this.#out.write([Buffer.from(formatTaggedHeader(this.#token, { source: last.source, ...at }))]);
    }
  }
}

/** Lines alone; on a terminal with nothing that it acts on. */
export class PlainOutput implements Output {
  readonly #out: Writer;
  readonly #isTerminal: boolean;

  constructor(fd: number, clock: Clock, isTerminal: boolean) {
    this.#out = writerOf(fd, clock);
    this.#isTerminal = isTerminal;
  }

  setSources(): void {}

  write({ bytes }: Block): Promise<void> {
    return this.#out.write([this.#isTerminal ? Buffer.from(escapeLines(bytes.toString("utf8"))) : bytes]);
  }

  beat(): Promise<void> {
    return Promise.resolve();
  }
}

function escapeLines(text: string): string {
  const escapeLine = (line: string) => line.split("\t").map(escapeText).join("\t");
  return text.split("\n").map(escapeLine).join("\n");
}

/** Writes everything to an open file, in order. */
interface Writer {
  write(pieces: readonly Buffer[]): Promise<void>;
}

function writerOf(fd: number, clock: Clock): Writer {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket() ? new PipeWriter(fd) : new FileWriter(fd, clock);
}

/** A pipe may be full for as long as its reader likes: a thread that waits for that would hold up the end of the process. */
class PipeWriter implements Writer {
  readonly #socket: Socket;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // Each write reports its own.
    this.#socket.on("error", () => undefined);
  }

  write(pieces: readonly Buffer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.cork();
      for (const piece of pieces.slice(0, -1)) this.#socket.write(piece);
      this.#socket.write(pieces.at(-1) ?? "", (error) => (error ? reject(error) : resolve()));
      this.#socket.uncork();
    });
  }
}

class FileWriter implements Writer {
  readonly #fd: number;
  readonly #clock: Clock;

  constructor(fd: number, clock: Clock) {
    this.#fd = fd;
    this.#clock = clock;
  }

  async write(pieces: readonly Buffer[]): Promise<void> {
    let left = pieces.filter(({ length }) => length > 0);
    while (left.length > 0) left = after(left, await this.#writeSome(left));
  }

  /** Resolves with how many bytes were taken. */
  #writeSome(pieces: readonly Buffer[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, length: number) => {
        if (error?.code === "EAGAIN") this.#clock.after(RETRY, () => resolve(0));
        else if (error) reject(error);
        else resolve(length);
      };
      const [only] = pieces;
      if (pieces.length === 1 && only) write(this.#fd, only, 0, only.length, null, done);
      else writev(this.#fd, pieces, done);
    });
  }
}

/** What is left of pieces after so many bytes. */
function after(pieces: readonly Buffer[], length: number): Buffer[] {
  let done = length;
  return pieces.flatMap((piece) => {
    const left = piece.subarray(Math.min(done, piece.length));
    done -= piece.length - left.length;
    return left.length > 0 ? left : [];
  });
}
