import { isAscii } from "node:buffer";
import { LiteralSearch, type Needle } from "./search.ts";

/**
 * The filters whose patterns may match a line, by their index; `"all"` when that was not asked. Valid during the call that
 * gives it.
 *
 * A gate may let a line pass for a filter that then says no, never the other way round: what it drops changes nothing
 * that can be seen.
 */
export type Candidates = readonly number[] | "all";

/**
 * Takes one line, without its newline. The bytes belong to the reader's chunk: copy what is to be kept.
 *
 * @param offset where the line begins, in bytes from the beginning of the input
 */
export type TakeLine = (line: Buffer, candidates: Candidates, offset: number) => void;

export interface GateOptions {
  /** Longest line, in bytes, its newline apart. What is longer is dropped whole: a cut line could match where it was cut. */
  readonly maxLine: number;
  /** Called once for each line dropped. */
  readonly onOverflow: () => void;
}

/** What lets a line pass. */
export interface GatePlan {
  /** How many filters there are. */
  readonly filters: number;
  /** Texts, each with the filters that may match a line that holds it. */
  readonly needles: readonly (Needle & { readonly filters: readonly number[] })[];
  /** Filters that must see every line. */
  readonly always: readonly number[];
  /** Filters that, behind a line that may match, must see so many lines more. */
  readonly follow: ReadonlyMap<number, number>;
  /** Filters that must also see each line that is not ASCII alone. */
  readonly foreign: readonly number[];
  /** A line that holds one of these may match any filter: escapes in JSON that may hide a text. */
  readonly escapes: readonly string[];
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
    this.#armed = plan && new ArmedGate(plan, this.#options.maxLine);
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
    const base = this.#base;
    let at = from;
    while (at < to && this.#armed === undefined) {
      const end = endOfLine(bytes, at, to);
      if (end - at > maxLine) onOverflow();
      else take(bytes.subarray(at, end), "all", base + at);
      at = end + 1;
    }
    if (at >= to || this.#armed === undefined) return;
    if (to - at > maxLine) forOverlong(bytes, at, to, maxLine, onOverflow);
    this.#armed.pass(bytes, at, to, (start, end, candidates) => {
      take(bytes.subarray(start, end), candidates, base + start);
    });
  }
}

/** What some line of a chunk holds. */
interface Odd {
  readonly foreign: boolean;
  readonly escapes: boolean;
}

type TakeSpan = (start: number, end: number, candidates: Candidates) => void;

/** Finds the lines that its plan lets pass. */
class ArmedGate {
  readonly #plan: GatePlan;
  readonly #maxLine: number;
  readonly #search: LiteralSearch | undefined;
  /** The filters found for the current line: listed, and marked by index. */
  readonly #candidates: number[] = [];
  readonly #marks: Uint8Array;
  /**
   * By filter that wants to see what follows: for how many lines more, the current one included. Who knows what was in the
   * lines before the plan: at first as many as behind a hit.
   */
  readonly #left = new Map<number, number>();
  /** How many filters want to see the next line. */
  #following = 0;

  /** @param maxLine lines over so many bytes are passed over, as if they were not there */
  constructor(plan: GatePlan, maxLine: number) {
    this.#plan = plan;
    this.#maxLine = maxLine;
    this.#search = plan.needles.length > 0 ? new LiteralSearch(plan.needles) : undefined;
    this.#marks = new Uint8Array(plan.filters);
    for (const [filter, lines] of plan.follow) this.#left.set(filter, lines);
    this.#following = this.#left.size;
  }

  pass(bytes: Buffer, from: number, to: number, take: TakeSpan): void {
    const { always, foreign, escapes } = this.#plan;
    const region = bytes.subarray(from, to);
    const odd = {
      foreign: foreign.length > 0 && !isAscii(region),
      escapes: escapes.some((text) => region.includes(text)),
    };
    const isEach = always.length > 0 || odd.foreign || odd.escapes;
    let start = from;
    while (start < to) {
      if (isEach || this.#following > 0) start = this.#passLine(bytes, start, to, take, odd);
      else start = this.#passHit(bytes, start, to, take);
    }
  }

  /** The next line with a hit: those before it are not looked at. Returns where the one behind it begins. */
  #passHit(bytes: Buffer, from: number, to: number, take: TakeSpan): number {
    const search = this.#search;
    const at = search === undefined ? -1 : search.next(bytes, search.first(from), from, to);
    if (search === undefined || at < 0) return to;
    const start = Math.max(bytes.lastIndexOf(10, search.start) + 1, from);
    const end = endOfLine(bytes, at, to);
    if (end - start > this.#maxLine) return end + 1;
    this.#markFound(search);
    this.#markRest(search, bytes, at + 1, from, end);
    this.#give(start, end, take);
    return end + 1;
  }

  /** One line, which some filter may have to see without a hit. */
  #passLine(bytes: Buffer, start: number, to: number, take: TakeSpan, odd: Odd): number {
    const { filters, always, foreign, escapes } = this.#plan;
    const end = endOfLine(bytes, start, to);
    if (end - start > this.#maxLine) return end + 1;
    for (const filter of always) this.#mark(filter);
    for (const [filter, left] of this.#left) if (left > 0) this.#mark(filter);
    const line = bytes.subarray(start, end);
    if (odd.foreign && !isAscii(line)) for (const filter of foreign) this.#hit(filter);
    if (odd.escapes && escapes.some((text) => line.includes(text))) {
      for (let filter = 0; filter < filters; filter++) this.#hit(filter);
    }
    if (this.#search) this.#markRest(this.#search, bytes, this.#search.first(start), start, end);
    this.#give(start, end, take);
    return end + 1;
  }

  /** Marks the filters of all needles in the rest of a line, until there is none left to mark. */
  #markRest(search: LiteralSearch, bytes: Buffer, from: number, begin: number, end: number): void {
    let at = from;
    while (this.#candidates.length < this.#plan.filters || this.#left.size > 0) {
      at = search.next(bytes, at, begin, end);
      if (at < 0) return;
      this.#markFound(search);
      at++;
    }
  }

  #markFound(search: LiteralSearch): void {
    for (let i = 0; i < search.count; i++) {
      const needle = search.found[i] as number;
      for (const filter of this.#plan.needles[needle]?.filters ?? []) this.#hit(filter);
    }
  }

  /** Marks a filter that the line itself calls for. */
  #hit(filter: number): void {
    const follow = this.#plan.follow.get(filter);
    if (follow !== undefined) this.#left.set(filter, follow + 1);
    this.#mark(filter);
  }

  #mark(filter: number): void {
    if (this.#marks[filter] === 1) return;
    this.#marks[filter] = 1;
    this.#candidates.push(filter);
  }

  /** Filters look at a line in their own order. */
  #give(start: number, end: number, take: TakeSpan): void {
    const candidates = this.#candidates;
    if (candidates.length > 1) candidates.sort((a, b) => a - b);
    for (const filter of candidates) this.#marks[filter] = 0;
    if (candidates.length > 0) take(start, end, candidates);
    candidates.length = 0;
    if (this.#left.size > 0) this.#countDown();
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
