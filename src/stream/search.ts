/** A text to be found in bytes: ASCII; in lower case where case does not count. At least 3 characters. */
export interface Needle {
  readonly text: string;
  readonly ignorecase: boolean;
}

/** More of a needle than this is not used for skipping: a longer window skips farther but makes no difference any more. */
const LONGEST_WINDOW = 12;
/** With more needles than this, three bytes are looked up at a time instead of two. */
const MANY = 64;

/** Where a needle may stand: its window ends in a certain block. */
interface End {
  readonly index: number;
  /** Where the window begins in the needle. */
  readonly offset: number;
}

/**
 * Finds many texts in bytes at once, at a cost that hardly grows with their number: Wu and Manber's algorithm ("A Fast
 * Algorithm for Multi-Pattern Searching", 1994). A window slides over the bytes; the block at its end says how far it may
 * jump without missing a needle, mostly by its whole length.
 */
export class LiteralSearch {
  readonly #needles: readonly Uint8Array[];
  /** Those of them whose letters count alike. */
  readonly #folds: readonly boolean[];
  /** Length of a block in bytes. */
  readonly #block: 2 | 3;
  readonly #window: number;
  /** By block (of three bytes: by its hash): how far the window may move; 0: a needle may stand here. */
  readonly #shifts = new Uint8Array(65536);
  /** By the same, where #shifts is 0. */
  readonly #ends = new Map<number, End[]>();
  /** The needles that the last call found, as far as `count` says. */
  readonly found: number[] = [];
  count = 0;
  /** Where the first of them begins. */
  start = 0;

  constructor(needles: readonly Needle[]) {
    this.#needles = needles.map(({ text }) => Buffer.from(text, "latin1"));
    this.#folds = needles.map(({ ignorecase }) => ignorecase);
    this.#block = needles.length > MANY ? 3 : 2;
    this.#window = Math.min(LONGEST_WINDOW, ...needles.map(({ text }) => text.length));
    this.#shifts.fill(this.#window - this.#block + 1);
    needles.forEach((needle, index) => {
      this.#enter(needle, index);
    });
  }

  /** Where the first window in bytes that begin at `from` ends. */
  first(from: number): number {
    return from + this.#window - 1;
  }

  /**
   * The first place, at or after `at`, where the window of a needle ends; -1 when there is none. Then `found` holds all
   * needles whose window ends there. To go on: from the place plus one.
   *
   * @param from where the bytes begin: no needle begins before
   * @param to where they end: no needle ends behind
   */
  next(bytes: Uint8Array, at: number, from: number, to: number): number {
    const shifts = this.#shifts;
    const isPair = this.#block === 2;
    let end = at;
    while (end < to) {
      const block = isPair ? pair(bytes, end) : triple(bytes, end);
      const shift = shifts[block] as number;
      if (shift !== 0) end += shift;
      else if (this.#verify(bytes, block, end, from, to)) return end;
      else end++;
    }
    return -1;
  }

  #verify(bytes: Uint8Array, block: number, end: number, from: number, to: number): boolean {
    this.count = 0;
    for (const { index, offset } of this.#ends.get(block) ?? []) {
      const start = end - this.#window + 1 - offset;
      if (start < from || !this.#stands(index, bytes, start, to)) continue;
      if (this.count === 0) this.start = start;
      this.found[this.count++] = index;
    }
    return this.count > 0;
  }

  #stands(index: number, bytes: Uint8Array, start: number, to: number): boolean {
    const needle = this.#needles[index] as Uint8Array;
    if (start + needle.length > to) return false;
    const folds = this.#folds[index] as boolean;
    for (let i = 0; i < needle.length; i++) {
      const byte = bytes[start + i] as number;
      if (byte !== needle[i] && !(folds && lower(byte) === needle[i])) return false;
    }
    return true;
  }

  /** Shortens the jumps for the blocks of a needle's window, and marks the last of them. */
  #enter(needle: Needle, index: number): void {
    const offset = rarestWindow(needle.text, this.#window);
    for (let end = this.#block; end <= this.#window; end++) {
      const left = this.#window - end;
      for (const block of this.#blocks(needle, offset + end - this.#block)) {
        this.#shifts[block] = Math.min(this.#shifts[block] as number, left);
        if (left > 0) continue;
        const ends = this.#ends.get(block) ?? [];
        if (!ends.some((each) => each.index === index)) ends.push({ index, offset });
        this.#ends.set(block, ends);
      }
    }
  }

  /** A needle's block at `at`, in every way it may be written. */
  #blocks({ text, ignorecase }: Needle, at: number): readonly number[] {
    const codes = [...text.slice(at, at + this.#block)].map((char) =>
      spellings(char.charCodeAt(0), ignorecase),
    );
    const written = codes.reduce<number[][]>(
      (all, each) => all.flatMap((head) => each.map((code) => [...head, code])),
      [[]],
    );
    return written.map((bytes) => (this.#block === 2 ? pair(bytes, 1) : triple(bytes, 2)));
  }
}

function pair(bytes: ArrayLike<number>, end: number): number {
  return ((bytes[end - 1] as number) << 8) | (bytes[end] as number);
}

function triple(bytes: ArrayLike<number>, end: number): number {
  return (
    (((bytes[end - 2] as number) << 10) ^ ((bytes[end - 1] as number) << 5) ^ (bytes[end] as number)) & 65535
  );
}

function spellings(code: number, ignorecase: boolean): readonly number[] {
  const isLetter = code >= 0x61 && code <= 0x7a;
  return ignorecase && isLetter ? [code, code - 32] : [code];
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}

/** How often characters come in logs, roughly, the most frequent first. */
const COMMON = " etaoinsrdlc.0123456789:[]-/=mupg";

/** Where in a text its window of `length` begins: where it ends in the rarest characters. */
function rarestWindow(text: string, length: number): number {
  const weights = [...text.toLowerCase()].map((char) =>
    COMMON.includes(char) ? COMMON.length - COMMON.indexOf(char) : 0,
  );
  const offsets = weights.slice(0, text.length - length + 1).map((_, offset) => offset);
  const weight = (offset: number) =>
    (weights[offset + length - 1] ?? 0) + (weights[offset + length - 2] ?? 0);
  return offsets.reduce((best, offset) => (weight(offset) < weight(best) ? offset : best), 0);
}
