/** Numbers from 0 to 1, the same for the same seed. */
export type Random = () => number;

/** A small generator with a period of 2^32 (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One of several, all alike. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[upTo(random, choices.length)] as T;
}

/** A whole number from 0 to `end`, that excluded. */
export function upTo(random: Random, end: number): number {
  return Math.floor(random() * end);
}

/** Random patterns of Python's `re`: most are valid, and all constructs occur. */
export class PatternMaker {
  readonly #random: Random;
  #groups = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  make(): string {
    this.#groups = 0;
    const flags = this.#pick(["", "", "", "(?i)", "(?s)", "(?m)", "(?a)", "(?im)"]);
    return flags + this.#alternation(3);
  }

  #pick<T>(choices: readonly T[]): T {
    return pick(this.#random, choices);
  }

  #alternation(depth: number): string {
    const branches = this.#random() < 0.7 ? 1 : 2 + Math.floor(this.#random() * 2);
    return Array.from({ length: branches }, () => this.#sequence(depth)).join("|");
  }

  #sequence(depth: number): string {
    const length = Math.floor(this.#random() * 4);
    return Array.from({ length }, () => this.#item(depth)).join("");
  }

  #item(depth: number): string {
    if (this.#random() < 0.12) return this.#pick(["^", "$", "\\b", "\\B", "\\A", "\\Z"]);
    return this.#atom(depth) + (this.#random() < 0.4 ? this.#quantifier() : "");
  }

  #quantifier(): string {
    const count = this.#pick(["*", "+", "?", "{2}", "{,2}", "{1,3}", "{2,}", "*", "?"]);
    return count + this.#pick(["", "", "", "?", "?", "+"]);
  }

  #atom(depth: number): string {
    if (depth > 0 && this.#random() < 0.4) return this.#group(depth - 1);
    if (this.#groups > 0 && this.#random() < 0.12) return this.#reference();
    return this.#pick(CHARACTERS);
  }

  #reference(): string {
    return `\\${1 + Math.floor(this.#random() * this.#groups)}`;
  }

  #group(depth: number): string {
    const kind = this.#random();
    if (kind < 0.3) return `(?:${this.#alternation(depth)})`;
    if (kind < 0.6) return this.#capture(depth);
    if (kind < 0.8)
      return `${this.#pick(["(?=", "(?!", "(?>", "(?i:", "(?-i:", "(?s:"])}${this.#alternation(depth)})`;
    if (kind < 0.88)
      return `${this.#pick(["(?<=", "(?<!"])}${this.#pick(CHARACTERS)}${this.#pick(["", ...CHARACTERS])})`;
    if (this.#groups === 0) return this.#capture(depth);
    const index = 1 + Math.floor(this.#random() * this.#groups);
    const no = this.#random() < 0.6 ? `|${this.#sequence(depth)}` : "";
    return `(?(${index})${this.#sequence(depth)}${no})`;
  }

  #capture(depth: number): string {
    const name = this.#random() < 0.5 ? `?P<g${this.#groups + 1}>` : "";
    this.#groups++;
    return `(${name}${this.#alternation(depth)})`;
  }
}

const CHARACTERS = [
  "a",
  "b",
  "c",
  "a",
  "b",
  "A",
  "S",
  "k",
  "i",
  "\\n",
  " ",
  "1",
  "-",
  "é",
  "ß",
  "ſ",
  "😀",
  ".",
  ".",
  "\\d",
  "\\w",
  "\\s",
  "\\D",
  "\\W",
  "\\S",
  "[ab]",
  "[^a]",
  "[^\\n]",
  "[a-c]",
  "[]a]",
  "[^]b]",
  "[\\w-]",
  "[^\\s1]",
  "[é-ü]",
  "[a😀]",
  "\\x41",
  "\\u00e9",
  "\\.",
]; // prettier-ignore

/** A pattern with one to three characters put in or taken out: often no pattern any more. */
export function damaged(source: string, random: Random): string {
  let text = source;
  for (let i = 0; i <= random() * 3; i++) {
    const at = Math.floor(random() * (text.length + 1));
    const char = SYNTAX[Math.floor(random() * SYNTAX.length)] ?? "";
    text = text.slice(0, at) + (random() < 0.6 ? char : "") + text.slice(at + (random() < 0.5 ? 1 : 0));
  }
  return text;
}

const SYNTAX = "()[]{}*+?|\\^$-,:=!<>#P12ax \nibwZ0";

const PIECES = ["a", "b", "c", "a", "b", "ab", "aa", "A", "B", "1", "-", " ", "\n", ".", "s", "S", "k", "i"];

const WIDE_PIECES = [
  ...PIECES,
  "é",
  "É",
  "ß",
  "ſ",
  "K",
  "İ",
  "ı",
  "😀",
  "\u{10400}",
  "\u00a0",
  "\u0085",
  "\x1c",
  "٣",
];

/** A random text of at most eight pieces; now and then with a final newline, as fail2ban's texts have it. */
export function randomText(random: Random): string {
  const pieces = random() < 0.6 ? PIECES : WIDE_PIECES;
  const length = Math.floor(random() * 9);
  const text = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join("");
  return random() < 0.4 ? `${text}\n` : text;
}
