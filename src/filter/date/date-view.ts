import { type CharSet, runsOf } from "../../python/charset.ts";
import { ASCII_ORBITS, unicodeCategory } from "../../python/unicode.ts";

/** What the default templates see of a line. */
export interface DateView {
  readonly text: string;
  readonly ascii: boolean;
}

/**
 * So far into a line a default template looks for a date, in UTF-16 units: behind all that a client of a web server can write before the
 * date of its access log, and no more than takes a millisecond.
 */
export const REACH = 16_384;

/** The same of lines whose characters beyond ASCII could be part of a date, or of what it begins with: there each takes 50 times as long. */
const FOREIGN_REACH = 256;

/**
 * The beginning of a line, in ASCII where that is the same to the default templates: they tell characters beyond it apart as digits,
 * letters, blanks and others alone. Places stay what they were.
 */
export function viewOf(line: string, ascii: boolean): DateView {
  const text = line.length > REACH ? line.slice(0, REACH) : line;
  if (ascii) return { text, ascii };
  const folded = fold(text);
  return folded === undefined ? { text: text.slice(0, FOREIGN_REACH), ascii } : { text: folded, ascii: true };
}

/** What stands for characters beyond ASCII: for letters one that no month or zone has, for blanks one that no template names. */
const LETTER = 0x5f;
const BLANK = 0x0b;
const OTHER = 0x01;
/** Digits, and letters that are others in another case. */
const NONE = 0;

/** Room for one text. */
const units = Buffer.alloc(REACH);

function fold(text: string): string | undefined {
  table ??= newTable();
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) units[i] = unit;
    else {
      const code = text.codePointAt(i) as number;
      const kind = code > LAST ? OTHER : (table[code] as number);
      // At the beginning a template counts characters, and of two units must not be made two.
      if (kind === NONE || (code > 0xffff && i < 4)) return undefined;
      units[i] = kind;
      if (code > 0xffff) units[++i] = kind;
    }
  }
  return units.toString("latin1", 0, text.length);
}

let table: Uint8Array | undefined;

/** There are no letters and digits beyond. */
const LAST = 0x3ffff;

/** What stands for each character. */
function newTable(): Uint8Array {
  const found = new Uint8Array(LAST + 1).fill(OTHER);
  const put = (set: CharSet, kind: number) => {
    for (const [first, last] of runsOf(set)) found.fill(kind, first, last + 1);
  };
  put(unicodeCategory("w"), LETTER);
  put(unicodeCategory("s"), BLANK);
  put(unicodeCategory("d"), NONE);
  for (const code of ASCII_ORBITS.keys()) found[code] = NONE;
  return found;
}
