import { type CharSet, runsOf } from "../../python/charset.ts";
import { ASCII_ORBITS, unicodeCategory } from "../../python/unicode.ts";

/** The part of a line that the default templates see. */
export interface DateView {
  readonly text: string;
  readonly ascii: boolean;
}

/**
 * How far into a line a default template looks for a date, in UTF-16 units: beyond all that a client of a web server can write before
 * the date of an access log, and no farther than takes a millisecond.
 */
export const REACH = 16_384;

/** The same in lines with characters beyond ASCII that could belong to a date: there each unit takes 50 times as long. */
const FOREIGN_REACH = 256;

/**
 * The beginning of a line, in ASCII where that makes no difference to the default templates: beyond ASCII they only distinguish digits,
 * letters, blanks and others. Positions stay the same.
 */
export function viewOf(line: string, ascii: boolean): DateView {
  const text = line.length > REACH ? line.slice(0, REACH) : line;
  if (ascii) return { text, ascii };
  const folded = fold(text);
  return folded === undefined ? { text: text.slice(0, FOREIGN_REACH), ascii } : { text: folded, ascii: true };
}

/** Substitutes for characters beyond ASCII: a letter that no month or zone has, a blank that no template names. */
const LETTER = 0x5f;
const BLANK = 0x0b;
const OTHER = 0x01;
/** No substitute: digits, and letters whose other case is ASCII. */
const NONE = 0;

/** Buffer for one text. */
const units = Buffer.alloc(REACH);

function fold(text: string): string | undefined {
  table ??= newTable();
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) units[i] = unit;
    else {
      const code = text.codePointAt(i) as number;
      const kind = code > LAST ? OTHER : (table[code] as number);
      // At the beginning a template counts characters, so one of two units must not become two.
      if (kind === NONE || (code > 0xffff && i < 4)) return undefined;
      units[i] = kind;
      if (code > 0xffff) units[++i] = kind;
    }
  }
  return units.toString("latin1", 0, text.length);
}

let table: Uint8Array | undefined;

/** The last code point that can be a letter or digit. */
const LAST = 0x3ffff;

/** The substitute of each character. */
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
