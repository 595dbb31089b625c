/**
 * A character that a terminal acts on, that is invisible, or that moves others: controls (also DEL and U+0080 to U+009F), format
 * characters (bidirectional ones, zero-width ones, tags), line and paragraph separators, and all that Unicode lets programs ignore.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/u;
const EACH_INVISIBLE = new RegExp(`${INVISIBLE.source}|\\p{Cs}`, "gu");

/** High surrogates of such characters beyond U+FFFF; the low surrogate decides. */
const HIGH_SURROGATES: readonly number[] = [0xd804, 0xd80d, 0xd82f, 0xd834, 0xdb40, 0xdb41, 0xdb42, 0xdb43];

/** A value as JSON on one line, such characters escaped in ASCII (`\u202e`): safe for a terminal. */
export function toJson(value: object): string {
  return escapeJson(JSON.stringify(value));
}

/** Escapes such characters in JSON text, one line without its newline; its meaning stays the same. */
export function escapeJson(json: string): string {
  if (isPlain(json) || !isSuspect(json)) return json;
  return json.replace(EACH_INVISIBLE, (char) => {
    let escaped = "";
    for (let i = 0; i < char.length; i++) escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
    return escaped;
  });
}

/** Text with such characters, and lone surrogates, escaped as `\xNN` or `\u{NNNN}`. */
export function escapeText(text: string): string {
  return text.replace(EACH_INVISIBLE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** Whether JSON is ASCII without DEL, as most is. Both checks are native: a RegExp takes ten times as long. */
function isPlain(json: string): boolean {
  return Buffer.byteLength(json) === json.length && !json.includes("\x7f");
}

/** By UTF-16 unit: 1 where such a character is, or may begin. Built on first use. */
let suspects: Uint8Array | undefined;

function isSuspect(text: string): boolean {
  suspects ??= suspectUnits();
  for (let i = 0; i < text.length; i++) if (suspects[text.charCodeAt(i)] === 1) return true;
  return false;
}

function suspectUnits(): Uint8Array {
  const units = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit++) if (INVISIBLE.test(String.fromCharCode(unit))) units[unit] = 1;
  for (const unit of HIGH_SURROGATES) units[unit] = 1;
  return units;
}
