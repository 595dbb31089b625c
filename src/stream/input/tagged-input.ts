import { CommandError } from "../../protocol/json-fields.ts";
import {
  GREETING_LENGTH,
  type LinesOf,
  LONGEST_HEADER,
  RECORD_SEPARATOR,
  readGreeting,
  readTaggedHeader,
  type Source,
  TOKEN_LENGTH,
} from "../../protocol/tagged.ts";
import { LruMap } from "../../shared/lru-map.ts";

/** What becomes of a tagged input. */
export interface TaggedInputEvents {
  /** The input is one: each line has a source. */
  readonly onTagged: () => void;
  /** The input is none: all bytes are of one source without a name. */
  readonly onPlain: (bytes: Buffer) => void;
  /** These are the sources, from now on. */
  readonly onSources: (sources: readonly Source[]) => void;
  /** The next bytes of a source. */
  readonly onLines: (source: string, bytes: Buffer) => void;
  /** The unfinished line of a source was cut, and comes again from its beginning. */
  readonly onCut: (source: string) => void;
  /** A header cannot be read: the lines after it have no source, and are left out. */
  readonly onError: (message: string) => void;
}

const NEWLINE = 10;
/** Of this many places of a source is known how far they were read: a file that is rotated has a new one. */
const PLACES = 8;

/** What looks like a header. */
const OTHER_HEADER = /^.[0-9a-f]{32} (?:f2b-tail |\{")/;

/** How far a source was read. */
interface SourceProgress {
  /** By place, the offset after the last whole line. */
  readonly read: LruMap<string, number>;
  /** What comes now; undefined: nothing can be read twice. */
  place: string | undefined;
  /** The offset of the next byte. */
  offset: number;
  /** The offset after the last newline. */
  whole: number;
  /** Whether the last byte was no newline. */
  isUnfinished: boolean;
}

/**
 * Takes apart what f2b-tail writes (`protocol/tagged.ts`): bytes in, the bytes of each source out, without a copy. An input that does not
 * begin with a greeting is passed on as it is. Bytes that f2b-tail writes a second time, since it was killed in between, are left out.
 */
export class TaggedInput {
  readonly #events: TaggedInputEvents;
  readonly #isExpected: boolean;
  /** Undefined: nothing was read yet. */
  #kind: "plain" | "tagged" | undefined;
  /** What begins each header. */
  #marker = Buffer.alloc(0);
  /** Bytes whose meaning depends on those after them. */
  #held = Buffer.alloc(0);
  #isInHeader = false;
  #source: string | undefined;
  readonly #progress = new Map<string, SourceProgress>();
  #hasOtherToken = false;

  /** @param isTagged whether the input must be one; undefined: its first bytes decide */
  constructor(events: TaggedInputEvents, isTagged: boolean | undefined) {
    this.#events = events;
    this.#isExpected = isTagged === true;
    if (isTagged === false) this.#kind = "plain";
  }

  get isTagged(): boolean {
    return this.#kind === "tagged";
  }

  push(chunk: Buffer): void {
    if (this.#kind === "plain") this.#events.onPlain(chunk);
    else {
      const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      this.#held = Buffer.alloc(0);
      if (this.#kind === undefined) this.#greet(bytes);
      else this.#read(bytes);
    }
  }

  /** Ends the input. An unfinished line of a source is not known to be whole. */
  end(): void {
    if (this.#kind === undefined && this.#held.length > 0) this.#events.onPlain(this.#held);
  }

  #greet(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (bytes[0] === RECORD_SEPARATOR && bytes.length < GREETING_LENGTH && !bytes.includes(NEWLINE)) {
      this.#hold(bytes);
      return;
    }
    const token = this.#readGreeting(bytes);
    this.#kind = token === undefined ? "plain" : "tagged";
    if (token === undefined) {
      if (this.#isExpected)
        this.#events.onError("the input does not begin as f2b-tail's does, and is read as lines of one log");
      this.#events.onPlain(bytes);
      return;
    }
    this.#marker = Buffer.from(`\x1e${token} `);
    this.#events.onTagged();
    this.#read(bytes.subarray(GREETING_LENGTH));
  }

  #readGreeting(bytes: Buffer): string | undefined {
    try {
      return readGreeting(bytes.toString("latin1", 0, GREETING_LENGTH + 3));
    } catch (error) {
      this.#tell(error);
      return undefined;
    }
  }

  #read(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      at = this.#isInHeader ? this.#readHeader(bytes, at) : this.#readLines(bytes, at);
    }
  }

  /** Reads on up to the next header. Returns where that begins, after its token. */
  #readLines(bytes: Buffer, from: number): number {
    const marker = bytes.indexOf(this.#marker, from);
    const end = marker < 0 ? bytes.length - this.#beginning(bytes, from) : marker;
    if (end > from) this.#emit(bytes.subarray(from, end));
    if (marker < 0) {
      if (end < bytes.length) this.#hold(bytes.subarray(end));
      return bytes.length;
    }
    this.#cut();
    this.#isInHeader = true;
    return marker + this.#marker.length;
  }

  /** How many of the last bytes may begin a header. */
  #beginning(bytes: Buffer, from: number): number {
    for (let length = Math.min(this.#marker.length - 1, bytes.length - from); length > 0; length--) {
      if (bytes.compare(this.#marker, 0, length, bytes.length - length) === 0) return length;
    }
    return 0;
  }

  /** Reads a header to its end. Returns where its lines begin. */
  #readHeader(bytes: Buffer, from: number): number {
    const newline = bytes.indexOf(NEWLINE, from);
    const length = (newline < 0 ? bytes.length : newline) - from;
    if (newline < 0 && length <= LONGEST_HEADER) {
      this.#hold(bytes.subarray(from));
      return bytes.length;
    }
    this.#isInHeader = newline < 0;
    this.#source = undefined;
    if (length > LONGEST_HEADER) this.#events.onError(`longer than ${LONGEST_HEADER} bytes`);
    else this.#takeHeader(bytes.toString("utf8", this.#startOfHeader(bytes, from, newline), newline));
    return newline < 0 ? bytes.length : newline + 1;
  }

  /** Where a header begins after one whose writer was killed inside of it. */
  #startOfHeader(bytes: Buffer, from: number, newline: number): number {
    const marker = bytes.subarray(from, newline).lastIndexOf(this.#marker);
    return marker < 0 ? from : from + marker + this.#marker.length;
  }

  #takeHeader(text: string): void {
    // The greeting of an f2b-tail that was started again.
    if (!text.startsWith("{")) return;
    try {
      const header = readTaggedHeader(text);
      if ("sources" in header) this.#events.onSources(header.sources);
      else this.#begin(header);
    } catch (error) {
      this.#tell(error);
    }
  }

  #begin({ source, place, offset = 0 }: LinesOf): void {
    this.#source = source;
    const known = this.#progress.get(source);
    const progress = known ?? newProgress();
    if (!known) this.#progress.set(source, progress);
    progress.place = place;
    progress.offset = offset;
    progress.whole = offset;
  }

  #emit(bytes: Buffer): void {
    if (this.#source === undefined) return;
    const progress = this.#progress.get(this.#source) as SourceProgress;
    const known = progress.place === undefined ? 0 : (progress.read.get(progress.place) ?? 0);
    const skipped = Math.min(Math.max(known - progress.offset, 0), bytes.length);
    const newline = bytes.lastIndexOf(NEWLINE);
    if (newline >= 0) progress.whole = progress.offset + newline + 1;
    progress.offset += bytes.length;
    progress.isUnfinished = newline !== bytes.length - 1;
    if (progress.place !== undefined && progress.whole > known)
      progress.read.set(progress.place, progress.whole);
    if (skipped === bytes.length) return;
    this.#tellOtherToken(bytes);
    this.#events.onLines(this.#source, skipped === 0 ? bytes : bytes.subarray(skipped));
  }

  /** Another f2b-tail that writes into the same pipe: its headers, which have another token, pass for lines. */
  #tellOtherToken(bytes: Buffer): void {
    if (bytes[0] !== RECORD_SEPARATOR || this.#hasOtherToken) return;
    if (!OTHER_HEADER.test(bytes.toString("latin1", 0, 2 * TOKEN_LENGTH))) return;
    this.#hasOtherToken = true;
    this.#events.onError(
      "a second f2b-tail writes into the same pipe, and its lines pass for those of the first one",
    );
  }

  /** Ends the lines of a source before another header. */
  #cut(): void {
    const progress = this.#source === undefined ? undefined : this.#progress.get(this.#source);
    if (this.#source === undefined || !progress?.isUnfinished) return;
    progress.isUnfinished = false;
    this.#events.onCut(this.#source);
  }

  #hold(bytes: Buffer): void {
    this.#held = Buffer.from(bytes);
  }

  #tell(error: unknown): void {
    if (!(error instanceof CommandError)) throw error;
    this.#events.onError(error.message);
  }
}

function newProgress(): SourceProgress {
  return {
    read: new LruMap(PLACES),
    place: undefined,
    offset: 0,
    whole: 0,
    isUnfinished: false,
  };
}
