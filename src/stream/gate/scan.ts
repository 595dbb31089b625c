import type { GateModule } from "./wasm-module.ts";

/** A text to be sought: at least 2 ASCII characters, no newline; in lower case where case does not count. */
export interface Needle {
  readonly text: string;
  readonly ignorecase: boolean;
}

/** Some texts, all in lower case where case does not count. */
export interface Texts {
  readonly texts: readonly string[];
  readonly ignorecase: boolean;
  /** They say nothing about lines that are not ASCII alone. */
  readonly asciiOnly: boolean;
}

/** What is sought: needles everywhere; in lines that hold one, further texts, one of each of several sets. */
export interface Sought {
  readonly needles: readonly Needle[];
  readonly further: readonly (readonly Texts[])[];
}

/** Which lines a scan returns besides those that hold a needle. */
export interface ScanMode {
  /** All lines, and at most this many at a time. */
  readonly every?: boolean;
  readonly most?: number;
  /** Those that are not ASCII alone. */
  readonly foreign?: boolean;
}

/** The lines that a scan returns, as 32-bit words, laid out as START to NEEDLES say. Valid until the next scan. */
export interface Scanned {
  readonly words: Uint32Array;
  /** How many of the words are used. */
  readonly length: number;
  /** Where the scan goes on, in bytes from the beginning of what was loaded. */
  readonly next: number;
}

/** A line's words: its start, its newline, 1 if it is not ASCII alone, the number of needles, and these. */
export const START = 0;
export const END = 1;
export const FOREIGN = 2;
export const COUNT = 3;
export const NEEDLES = 4;

/** Texts in the module's memory. */
interface EnteredTexts {
  /** For each its address, its length, and 1 where case does not count. */
  readonly words: Int32Array;
  readonly asciiOnly: boolean;
}

const OUTPUT_BYTES = 16_384;
/** Chunks of pipes are 64 KiB, of files more; longer ones are scanned piece by piece. */
const INPUT_BYTES = 262_144;

/**
 * Finds the lines that hold one of many texts, at a cost that hardly grows with their number. wasm/scan.ts does it, and explains
 * how; this class gives it the needles and plans how they are sampled.
 */
export class LineScan {
  /** Most bytes that can be loaded at once. */
  readonly size: number;
  /** Where what is loaded lies. */
  readonly bytes: Buffer;
  readonly #module: GateModule;
  readonly #maxLine: number;
  readonly #input: number;
  readonly #further: readonly (readonly EnteredTexts[])[];
  readonly #holds: GateModule["holds"];
  readonly #words: Uint32Array;

  /** @param maxLine longer lines are never returned */
  constructor(module: GateModule, { needles, further }: Sought, maxLine: number) {
    this.size = Math.max(INPUT_BYTES, maxLine + 1);
    this.#maxLine = maxLine;
    this.#module = module;
    this.#module.start(this.size, OUTPUT_BYTES, needles.length, 3);
    this.#enter(needles);
    this.#further = further.map((sets) => sets.map((each) => this.#enterTexts(each)));
    this.#holds = module.holds;
    const { memory, input, output } = this.#module;
    this.bytes = Buffer.from(memory.buffer, input.value, this.size);
    this.#input = input.value;
    this.#words = new Uint32Array(memory.buffer, output.value, OUTPUT_BYTES / 4 + needles.length + 4);
  }

  /** Takes whole lines, at most `size` bytes; the last one may lack its newline. */
  load(bytes: Uint8Array): void {
    this.bytes.set(bytes);
  }

  /** Scans lines between two places of what was loaded, as many as there is room for. */
  scan(from: number, to: number, { every = false, most = -1, foreign = false }: ScanMode): Scanned {
    const { scan, output, next } = this.#module;
    const base = this.#input;
    const end = scan(base + from, base + to, this.#maxLine, Number(every), Number(foreign), most);
    const length = (end - output.value) / 4;
    const words = this.#words;
    for (let at = 0; at < length; at += NEEDLES + (words[at + COUNT] as number)) {
      (words[at + START] as number) -= base;
      (words[at + END] as number) -= base;
    }
    return { words, length, next: next.value - base };
  }

  /** Whether a text of each of the further sets of this index is between two places of what was loaded. */
  holds(further: number, from: number, to: number, isForeign: boolean): boolean {
    for (const set of this.#further[further] as readonly EnteredTexts[])
      if (!(isForeign && set.asciiOnly) && !this.#holdsOne(set.words, from, to)) return false;
    return true;
  }

  #holdsOne(words: Int32Array, from: number, to: number): boolean {
    const base = this.#input;
    for (let i = 0; i < words.length; i += 3) {
      const [at, length, folds] = [words[i] as number, words[i + 1] as number, words[i + 2] as number];
      if (this.#holds(at, length, folds, base + from, base + to) !== 0) return true;
    }
    return false;
  }

  #enterTexts({ texts, ignorecase, asciiOnly }: Texts): EnteredTexts {
    const words = texts.flatMap((text) => [this.#write(text), text.length, Number(ignorecase)]);
    return { words: Int32Array.from(words), asciiOnly };
  }

  #write(text: string): number {
    const at = this.#module.reserve(text.length + 4);
    Buffer.from(this.#module.memory.buffer).write(text, at, "latin1");
    return at;
  }

  #enter(needles: readonly Needle[]): void {
    const module = this.#module;
    for (const { text, ignorecase } of needles) {
      module.addNeedle(this.#write(text), text.length, Number(ignorecase));
    }
    planSamplers(needles.map(({ text }) => text.length)).forEach(
      ({ shortest, longest, stride, width }, sampler) => {
        module.addSampler(stride, width);
        needles.forEach(({ text }, needle) => {
          if (text.length < shortest || text.length > longest) return;
          module.addWindow(sampler, needle, rarestWindow(text, stride + width - 1));
        });
      },
    );
  }
}

/** How needles of some lengths are sampled: every `stride`-th byte, by blocks of `width` bytes. */
interface SamplerPlan {
  readonly shortest: number;
  readonly longest: number;
  readonly stride: number;
  readonly width: number;
}

/** A longer stride would only take more memory for blocks. */
const MAX_STRIDE = 8;
const MIN_WIDTH = 3;
const MAX_WIDTH = 4;

/** One sampler for all needles, or one for the short ones and another with a longer stride: whichever looks up fewer blocks. */
export function planSamplers(lengths: readonly number[]): readonly SamplerPlan[] {
  const sorted = [...new Set(lengths)].sort((a, b) => a - b);
  const [shortest] = sorted;
  if (shortest === undefined) return [];
  const plans = sorted.map((border) => [
    ...(border > shortest ? [samplerFor(shortest, border - 1)] : []),
    samplerFor(border, Number.POSITIVE_INFINITY),
  ]);
  return plans.reduce((best, plan) => (costOf(plan) < costOf(best) ? plan : best));
}

/** Blocks of two bytes are everywhere: three are better, even if every byte must then be sampled. */
function samplerFor(shortest: number, longest: number): SamplerPlan {
  const width = Math.min(shortest, Math.max(MIN_WIDTH, Math.min(shortest - 1, MAX_WIDTH)));
  return { shortest, longest, stride: Math.min(shortest - width + 1, MAX_STRIDE), width };
}

/** Blocks looked up for each byte. */
function costOf(plan: readonly SamplerPlan[]): number {
  return plan.reduce((sum, { stride }) => sum + 1 / stride, 0);
}

/** Characters by how frequent they roughly are in logs, the most frequent first. */
const COMMON = " etaoinsrdlc.0123456789:[]-/=mupg";

/** The offset in a text of the window of `length` characters that are rarest. */
function rarestWindow(text: string, length: number): number {
  const weights = [...text.toLowerCase()].map((char) =>
    COMMON.includes(char) ? COMMON.length - COMMON.indexOf(char) : 0,
  );
  const weightAt = (offset: number) =>
    weights.slice(offset, offset + length).reduce((sum, weight) => sum + weight, 0);
  const offsets = weights.slice(0, text.length - length + 1).map((_, offset) => offset);
  return offsets.reduce((best, offset) => (weightAt(offset) < weightAt(best) ? offset : best), 0);
}
