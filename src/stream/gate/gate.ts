import type { Bytes } from "../../shared/text.ts";
import type { CutEntry } from "../input/journal.ts";
import { JournalScan, MARK } from "./journal-scan.ts";
import {
  COUNT,
  END,
  FOREIGN,
  LineScan,
  NEEDLES,
  type Needle,
  type Scanned,
  START,
  type Texts,
} from "./scan.ts";
import { newModule } from "./wasm-module.ts";

/**
 * The filters whose patterns may match a line; `"all"` when that was not asked. Valid during the call that gives it.
 *
 * A gate may let a line pass for a filter that then says no, never the other way round: what it drops changes nothing
 * that can be seen.
 */
export type Candidates = Marked | "all";

interface Marked {
  /** Filters by their index, in ascending order. */
  readonly filters: readonly number[];
  /** By filter: those of its patterns that may match. */
  readonly patterns: Int32Array;
}

/** Patterns of a filter as bits, by their index; the last bit is for all from 31 on. */
export const ALL_PATTERNS = -1;

export function bitOf(pattern: number): number {
  return 1 << Math.min(pattern, 31);
}

/** A line, still as bytes of the reader's chunk: copy what is to be kept. Valid during the call that gives it. */
export interface LineBytes {
  readonly bytes: Buffer;
  readonly start: number;
  /** Where its newline is, or the end of the bytes. */
  readonly end: number;
  /** Whether it is known to be ASCII alone. */
  readonly ascii: boolean | undefined;
  /** Where the line begins, in bytes from the beginning of the input, and where it ends there. */
  readonly offset: number;
  readonly offsetEnd: number;
  /** Of a journal entry that the gate has read: what it cut out of it, and `bytes` hold its text. */
  readonly entry?: CutEntry | undefined;
}

export type TakeLine = (line: LineBytes, candidates: Candidates) => void;

export interface GateOptions {
  /** Longest line, in bytes, its newline apart. What is longer is dropped whole: a cut line could match where it was cut. */
  readonly maxLine: number;
  /** Called once for each line dropped. */
  readonly onOverflow: () => void;
  /** Called, in the order of the lines, once for each journal entry that did not pass and whose message was left out. */
  readonly onCut?: () => void;
}

/** Some patterns of a filter. */
export interface Patterns {
  readonly filter: number;
  /** As bits. */
  readonly patterns: number;
}

/** Patterns that a text may be the beginning of. */
export interface Opening extends Patterns {
  /** Of which of the plan's `further` sets texts must stand in the line as well, by their index. */
  readonly further?: number | undefined;
}

/** What lets a line pass. */
export interface GatePlan {
  /** Whether lines are journal JSON: texts are sought in what jails see of it. */
  readonly isJournal: boolean;
  /** How many filters there are. */
  readonly filters: number;
  /** Texts, each with the patterns that may match a line that holds it. */
  readonly needles: readonly (Needle & { readonly opens: readonly Opening[] })[];
  /** Sets of texts, several together, of which one text each must stand in a line. */
  readonly further: readonly (readonly Texts[])[];
  /** Filters that must see every line. */
  readonly always: readonly number[];
  /** Filters that, behind a line that may match, must see so many lines more. */
  readonly follow: ReadonlyMap<number, number>;
  /** Patterns that must also see each line that is not ASCII alone. */
  readonly foreign: readonly Patterns[];
}

/**
 * The first stage: chunks of bytes in, lines that some pattern may match out, in order, each with the filters that are to
 * look at it. Lines come out the same however the chunks are cut. At most one unfinished line is kept, bounded.
 *
 * Until it is armed with a plan every line passes. Then texts are sought over whole chunks at once; a hit cuts its line
 * out, and lines without one are never even framed.
 */
export class Gate {
  readonly #options: GateOptions;
  #armed: ArmedGate | undefined;
  /** The pieces of the unfinished line. */
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes before the current chunk. */
  #base = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** From the next line on, only lines pass that the plan lets pass; undefined: all. */
  arm(plan: GatePlan | undefined): void {
    this.#armed = plan && new ArmedGate(plan, this.#options);
  }

  push(chunk: Buffer, take: TakeLine): void {
    const first = this.#length > 0 ? chunk.indexOf(10) + 1 : 0;
    const last = chunk.lastIndexOf(10) + 1;
    if (this.#length > 0 && last > 0) this.#finish(chunk.subarray(0, first - 1), take);
    if (last > first) this.#pass(chunk, first, last, take);
    if (last < chunk.length) this.#hold(chunk.subarray(last));
    this.#base += chunk.length;
  }

  /** The last line, when the input ended without a newline. */
  end(take: TakeLine): void {
    if (this.#length > 0) this.#finish(Buffer.alloc(0), take);
  }

  #finish(tail: Buffer, take: TakeLine): void {
    const length = this.#length + tail.length;
    const start = this.#base - this.#length;
    const isLong = length > this.#options.maxLine;
    const line = isLong ? undefined : Buffer.concat([...this.#pieces, tail]);
    this.#pieces = [];
    this.#length = 0;
    if (line) this.#passAt(line, start, take);
    else this.#options.onOverflow();
  }

  /** Of a line that is too long already only its length is kept. The piece is copied, so that it pins no chunk. */
  #hold(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length <= this.#options.maxLine) this.#pieces.push(Buffer.from(piece));
    else this.#pieces = [];
  }

  #passAt(line: Buffer, start: number, take: TakeLine): void {
    const base = this.#base;
    this.#base = start;
    this.#pass(line, 0, line.length, take);
    this.#base = base;
  }

  /** Whole lines, from `from` to `to`; the last one may lack its newline. */
  #pass(bytes: Buffer, from: number, to: number, take: TakeLine): void {
    const { maxLine, onOverflow } = this.#options;
    let at = from;
    while (at < to && this.#armed === undefined) {
      const start = at;
      const end = endOfLine(bytes, start, to);
      if (end - start > maxLine) onOverflow();
      else {
        const [offset, offsetEnd] = [this.#base + start, this.#base + end];
        take({ bytes, start, end, ascii: undefined, offset, offsetEnd }, "all");
      }
      at = end + 1;
    }
    if (at >= to || this.#armed === undefined) return;
    if (to - at > maxLine) forOverlong(bytes, at, to, maxLine, onOverflow);
    this.#armed.pass(bytes, at, to, this.#base, take);
  }
}

/** Whole lines of a buffer, and where it begins in the input. */
interface Piece extends Bytes {
  readonly base: number;
}

/** So many lines are told at a time to filters that want to see those behind a hit. */
const FOLLOWED_AT_ONCE = 32;

/** Finds the lines that its plan lets pass. */
class ArmedGate {
  readonly #plan: GatePlan;
  readonly #onCut: () => void;
  readonly #scan: LineScan;
  readonly #journal: JournalScan | undefined;
  /** By needle: filters, their patterns, and what else these need, in turn; -1: nothing. */
  readonly #opens: readonly Int32Array[];
  /** The filters found for the current line, and by filter their patterns. */
  readonly #marked: { filters: number[]; patterns: Int32Array };
  /**
   * By filter that wants to see what follows: for how many lines more, the current one included. Who knows what was in the
   * lines before the plan: at first as many as behind a hit.
   */
  readonly #left = new Map<number, number>();
  /** How many filters want to see the next line. */
  #following = 0;

  /** Lines over `maxLine` bytes are passed over, as if they were not there. */
  constructor(plan: GatePlan, { maxLine, onCut = () => undefined }: GateOptions) {
    this.#plan = plan;
    this.#onCut = onCut;
    const module = newModule();
    this.#journal = plan.isJournal ? new JournalScan(module, maxLine) : undefined;
    this.#scan = new LineScan(module, plan, plan.isJournal ? maxLine + MARK.length : maxLine);
    this.#journal?.begin();
    this.#opens = plan.needles.map(({ opens }) =>
      Int32Array.from(opens.flatMap(({ filter, patterns, further = -1 }) => [filter, patterns, further])),
    );
    this.#marked = { filters: [], patterns: new Int32Array(plan.filters) };
    for (const [filter, lines] of plan.follow) this.#left.set(filter, lines);
    this.#following = this.#left.size;
  }

  /** @param base where the bytes begin, in bytes from the beginning of the input */
  pass(bytes: Buffer, from: number, to: number, base: number, take: TakeLine): void {
    const { size } = this.#journal ?? this.#scan;
    for (let start = from; start < to; ) {
      const end = endOfPiece(bytes, start, to, size);
      const piece = { bytes, start, end, base };
      if (end > start && end - start <= size) {
        if (this.#journal) this.#passEntries(this.#journal, piece, take);
        else this.#passLines(piece, take);
      }
      start = Math.max(end, start + 1);
    }
  }

  #passLines({ bytes, start, end, base }: Piece, take: TakeLine): void {
    this.#scan.load(bytes.subarray(start, end));
    this.#scanLoaded(end - start, (from, to, ascii) => {
      const [at, end] = [start + from, start + to];
      this.#give({ bytes, start: at, end, ascii, offset: base + at, offsetEnd: base + end }, take);
    });
  }

  /** Texts are sought in what the entries say, which is given on for those that hold one. */
  #passEntries(journal: JournalScan, { bytes, start, end, base }: Piece, take: TakeLine): void {
    const text = this.#scan.bytes;
    const length = end - start;
    journal.load(bytes.subarray(start, end));
    for (let at = 0; at < length; ) {
      const { length: read, next } = journal.read(at, length, this.#scan.size);
      this.#scanLoaded(read, (from, to, ascii) => {
        this.#tellCut(journal.seek(from));
        const json = { bytes, start: start + journal.start, end: start + journal.end };
        const place = { offset: base + json.start, offsetEnd: base + json.end };
        const entry = journal.cut(json);
        if (entry) this.#give({ bytes: text, start: from, end: to, ascii, ...place, entry }, take);
        else this.#give({ ...json, ascii: undefined, ...place }, take);
      });
      this.#tellCut(journal.cutLeft);
      at = next;
    }
  }

  #tellCut(count: number): void {
    for (let i = 0; i < count; i++) this.#onCut();
  }

  /** Tells where the lines stand that pass, in what the scan has loaded, with their filters marked. */
  #scanLoaded(length: number, tell: (start: number, end: number, ascii: boolean) => void): void {
    const { always, foreign } = this.#plan;
    for (let at = 0; at < length; ) {
      const every = always.length > 0 || this.#following > 0;
      const most = every && always.length === 0 ? FOLLOWED_AT_ONCE : -1;
      at = this.#tellAll(this.#scan.scan(at, length, { every, foreign: foreign.length > 0, most }), tell);
    }
  }

  /** Tells lines until others than those of this scan are wanted. Returns where to go on. */
  #tellAll(
    { words, length, next }: Scanned,
    tell: (start: number, end: number, ascii: boolean) => void,
  ): number {
    const wasFollowing = this.#following > 0;
    for (let at = 0; at < length; at += NEEDLES + (words[at + COUNT] as number)) {
      this.#markAll(words, at);
      const end = words[at + END] as number;
      if (this.#marked.filters.length > 0) tell(words[at + START] as number, end, words[at + FOREIGN] === 0);
      if (this.#left.size > 0) this.#countDown();
      if (this.#following > 0 !== wasFollowing) return end + 1;
    }
    return next;
  }

  /** Marks the filters that must see a line. Runs for each that is told: what is rare stands in functions of its own. */
  #markAll(words: Uint32Array, at: number): void {
    if (this.#plan.always.length > 0) this.#markAlways();
    if (this.#following > 0) this.#markFollowing();
    const isForeign = words[at + FOREIGN] === 1;
    if (isForeign) this.#markForeign();
    const [start, end] = [words[at + START] as number, words[at + END] as number];
    const count = words[at + COUNT] as number;
    for (let i = 0; i < count; i++) {
      const opens = this.#opens[words[at + NEEDLES + i] as number] as Int32Array;
      for (let j = 0; j < opens.length; j += 3) {
        const further = opens[j + 2] as number;
        if (further < 0 || this.#scan.holds(further, start, end, isForeign))
          this.#hit(opens[j] as number, opens[j + 1] as number);
      }
    }
  }

  #markAlways(): void {
    for (const filter of this.#plan.always) this.#mark(filter, ALL_PATTERNS);
  }

  #markFollowing(): void {
    for (const [filter, left] of this.#left) if (left > 0) this.#mark(filter, ALL_PATTERNS);
  }

  #markForeign(): void {
    for (const { filter, patterns } of this.#plan.foreign) this.#hit(filter, patterns);
  }

  /** Marks patterns that the line itself calls for. */
  #hit(filter: number, patterns: number): void {
    if (this.#left.size > 0) {
      const follow = this.#plan.follow.get(filter);
      if (follow !== undefined) this.#left.set(filter, follow + 1);
    }
    this.#mark(filter, patterns);
  }

  #mark(filter: number, patterns: number): void {
    const marked = this.#marked;
    if (marked.patterns[filter] === 0) marked.filters.push(filter);
    (marked.patterns[filter] as number) |= patterns;
  }

  /** Filters look at a line in their own order. */
  #give(line: LineBytes, take: TakeLine): void {
    const { filters, patterns } = this.#marked;
    if (filters.length > 1) filters.sort((a, b) => a - b);
    take(line, this.#marked);
    while (filters.length > 0) patterns[filters.pop() as number] = 0;
  }

  #countDown(): void {
    this.#following = 0;
    for (const [filter, left] of this.#left) {
      if (left === 0) continue;
      this.#left.set(filter, left - 1);
      if (left > 1) this.#following++;
    }
  }
}

/** Behind the last whole line that is taken at once; a line that does not fit is too long, and passed over. */
function endOfPiece(bytes: Buffer, start: number, to: number, size: number): number {
  if (to - start <= size) return to;
  const last = bytes.lastIndexOf(10, start + size - 1) + 1;
  return last > start ? last : endOfLine(bytes, start, to) + 1;
}

function endOfLine(bytes: Buffer, from: number, to: number): number {
  const end = bytes.indexOf(10, from);
  return end < 0 || end > to ? to : end;
}

/** Calls `found` for each line over `maxLine` bytes, looking at one newline in as many bytes. */
function forOverlong(bytes: Buffer, from: number, to: number, maxLine: number, found: () => void): void {
  for (let start = from; to - start > maxLine; ) {
    const newline = bytes.lastIndexOf(10, start + maxLine);
    if (newline >= start) start = newline + 1;
    else {
      const end = endOfLine(bytes, start, to);
      if (end - start > maxLine) found();
      start = end + 1;
    }
  }
}
