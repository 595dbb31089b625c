import type { CutEntry } from "../input/journal.ts";
import { JournalScan, MARK } from "./journal-scan.ts";
import { endOfPiece, type LineBlock } from "./line-framer.ts";
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
 * The filters whose patterns may match a line; `"all"`: unknown. Valid during the call that emits them.
 *
 * A candidate's filter may find no match after all, never the other way round: a line that is not emitted changes nothing that
 * can be seen.
 */
export type Candidates = MarkedFilters | "all";

interface MarkedFilters {
  /** Filters by their index, in ascending order. */
  readonly filters: readonly number[];
  /** By filter: those of its patterns that may match, as bits. */
  readonly patterns: Int32Array;
}

/** Patterns of a filter as bits, by their index; the last bit is for all from 31 on. */
export const ALL_PATTERNS = -1;

export function bitOf(pattern: number): number {
  return 1 << Math.min(pattern, 31);
}

/** A line, still as bytes of the reader's chunk: copy what is to be kept. Valid during the call that emits it. */
export interface LineBytes {
  readonly bytes: Buffer;
  readonly start: number;
  /** Where its newline is, or the end of the bytes. */
  readonly end: number;
  /** Whether it is ASCII alone; undefined: unknown. */
  readonly ascii: boolean | undefined;
  /** Where the line begins, in bytes from the beginning of the input, and where it ends there. */
  readonly offset: number;
  readonly offsetEnd: number;
  /** What the gate cut out of a journal entry that it has read; `bytes` then hold the entry's text. */
  readonly entry?: CutEntry | undefined;
}

export type EmitLine = (line: LineBytes, candidates: Candidates) => void;

/** Some patterns of a filter. */
export interface FilterPatterns {
  readonly filter: number;
  /** As bits. */
  readonly patterns: number;
}

/** Patterns that a text in a line makes candidates. */
export interface NeedlePatterns extends FilterPatterns {
  /** Index of the plan's `further` sets of which texts must stand in the line as well. */
  readonly further?: number | undefined;
}

/** Which lines are emitted, and for which filters. */
export interface GatePlan {
  /** Whether lines are journal JSON: texts are sought in what jails see of it. */
  readonly isJournal: boolean;
  /** The fields of journal entries that jails ask for besides what they see. */
  readonly fields: readonly string[];
  /** How many filters there are. */
  readonly filters: number;
  /** Texts, each with the patterns that may match a line that holds it. */
  readonly needles: readonly (Needle & { readonly opens: readonly NeedlePatterns[] })[];
  /** Groups of sets of texts; of each set of a group one text must stand in a line. */
  readonly further: readonly (readonly Texts[])[];
  /** Filters that must see every line. */
  readonly always: readonly number[];
  /** Filters that must also see lines after a candidate, and how many. */
  readonly follow: ReadonlyMap<number, number>;
  /** Patterns that must also see each line that is not ASCII alone. */
  readonly foreign: readonly FilterPatterns[];
}

export interface CandidateFinderOptions {
  /** Longest line, in bytes. Longer ones are skipped, as if they were not there. */
  readonly maxLine: number;
  readonly onCut?: () => void;
}

/** Emits a line by its place in what the scan has loaded; the filters are marked. */
type EmitPlace = (start: number, end: number, ascii: boolean) => void;

/** How many lines are scanned at a time for filters that must see those after a candidate. */
const FOLLOWED_AT_ONCE = 32;

/** Finds the lines that a plan wants. Texts are sought over whole blocks at once; lines without one are never framed. */
export class CandidateFinder {
  readonly #plan: GatePlan;
  readonly #onCut: () => void;
  readonly #scan: LineScan;
  readonly #journal: JournalScan | undefined;
  /** By needle: filter, its patterns, and index of further sets (-1: none), in turn. */
  readonly #opens: readonly Int32Array[];
  /** The filters found for the current line, and by filter their patterns. */
  readonly #marked: { filters: number[]; patterns: Int32Array };
  /**
   * By filter that must see following lines: how many more, the current one included. What the lines before the plan held is
   * unknown: so at first as many as after a candidate.
   */
  readonly #left = new Map<number, number>();
  /** How many filters must see the next line because of an earlier one. */
  #following = 0;

  constructor(plan: GatePlan, { maxLine, onCut = () => undefined }: CandidateFinderOptions) {
    this.#plan = plan;
    this.#onCut = onCut;
    const module = newModule();
    this.#journal = plan.isJournal ? new JournalScan(module, maxLine, plan.fields) : undefined;
    this.#scan = new LineScan(module, plan, plan.isJournal ? maxLine + MARK.length : maxLine);
    this.#journal?.begin();
    this.#opens = plan.needles.map(({ opens }) =>
      Int32Array.from(opens.flatMap(({ filter, patterns, further = -1 }) => [filter, patterns, further])),
    );
    this.#marked = { filters: [], patterns: new Int32Array(plan.filters) };
    for (const [filter, lines] of plan.follow) this.#left.set(filter, lines);
    this.#following = this.#left.size;
  }

  /** Takes the lines of a block from `from` on. */
  push(block: LineBlock, from: number, emit: EmitLine): void {
    const { bytes, base } = block;
    const { size } = this.#journal ?? this.#scan;
    for (let start = from; start < block.end; ) {
      const end = endOfPiece(block, start, size);
      const piece = { bytes, start, end, base };
      if (end > start && end - start <= size) {
        if (this.#journal) this.#emitEntries(this.#journal, piece, emit);
        else this.#emitLines(piece, emit);
      }
      start = Math.max(end, start + 1);
    }
  }

  #emitLines({ bytes, start, end, base }: LineBlock, emit: EmitLine): void {
    this.#scan.load(bytes.subarray(start, end));
    this.#scanLoaded(end - start, (from, to, ascii) => {
      const [at, end] = [start + from, start + to];
      this.#emit({ bytes, start: at, end, ascii, offset: base + at, offsetEnd: base + end }, emit);
    });
  }

  /** Seeks texts in what the entries say, and emits that for those that hold one. */
  #emitEntries(journal: JournalScan, { bytes, start, end, base }: LineBlock, emit: EmitLine): void {
    const text = this.#scan.bytes;
    const length = end - start;
    journal.load(bytes.subarray(start, end));
    for (let at = 0; at < length; ) {
      const { length: read, next } = journal.read(at, length, this.#scan.size);
      this.#scanLoaded(read, (from, to, ascii) => {
        this.#countCut(journal.seek(from));
        const json = { bytes, start: start + journal.start, end: start + journal.end };
        const place = { offset: base + json.start, offsetEnd: base + json.end };
        const entry = journal.cut(json);
        if (entry) this.#emit({ bytes: text, start: from, end: to, ascii, ...place, entry }, emit);
        else this.#emit({ ...json, ascii: undefined, ...place }, emit);
      });
      this.#countCut(journal.cutLeft);
      at = next;
    }
  }

  #countCut(count: number): void {
    for (let i = 0; i < count; i++) this.#onCut();
  }

  #scanLoaded(length: number, emit: EmitPlace): void {
    const { always, foreign } = this.#plan;
    for (let at = 0; at < length; ) {
      const every = always.length > 0 || this.#following > 0;
      const most = every && always.length === 0 ? FOLLOWED_AT_ONCE : -1;
      at = this.#emitScanned(this.#scan.scan(at, length, { every, foreign: foreign.length > 0, most }), emit);
    }
  }

  /** Emits lines until others than those of this scan are needed. Returns where to go on. */
  #emitScanned({ words, length, next }: Scanned, emit: EmitPlace): number {
    const wasFollowing = this.#following > 0;
    for (let at = 0; at < length; at += NEEDLES + (words[at + COUNT] as number)) {
      this.#markAll(words, at);
      const end = words[at + END] as number;
      if (this.#marked.filters.length > 0) emit(words[at + START] as number, end, words[at + FOREIGN] === 0);
      if (this.#left.size > 0) this.#countDown();
      if (this.#following > 0 !== wasFollowing) return end + 1;
    }
    return next;
  }

  /** Marks the filters that must see a line. Runs for each scanned line: what is rare stands in functions of its own. */
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
          this.#markCandidate(opens[j] as number, opens[j + 1] as number);
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
    for (const { filter, patterns } of this.#plan.foreign) this.#markCandidate(filter, patterns);
  }

  /** Marks patterns that may match the line itself. */
  #markCandidate(filter: number, patterns: number): void {
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

  /** Emits a line with the marked filters, in their order, and unmarks them. */
  #emit(line: LineBytes, emit: EmitLine): void {
    const { filters, patterns } = this.#marked;
    if (filters.length > 1) filters.sort((a, b) => a - b);
    emit(line, this.#marked);
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
