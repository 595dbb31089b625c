// Cuts the text that jails see, `host ident[pid]: message`, out of the journal's JSON (src/stream/gate/journal-scan.ts), in
// AssemblyScript: a sixth of an entry, in which the gate seeks. It walks each entry as JSON.parse would, and undoes escapes and lists
// of bytes; a line feed becomes a backslash and an n. Where the text differs from what jails see (it has lone surrogates or bytes of the
// mark), it serves for seeking alone, and JSON.parse reads the entry if something is found. A line that is not an entry, or is written as journalctl never does, is passed
// on as it is, after a mark.

import { input, reserve } from "./scan";

/** The record of each line; see Record in src/stream/gate/journal-scan.ts. */
@unmanaged
class Record {
  /** Epoch milliseconds; NaN: the entry has none. */
  time: f64;
  /** Its start in the texts, and its start and end in the entries. */
  text: u32;
  start: u32;
  end: u32;
  /** In its text: start and end of the identifier, if there is one, and start of the message. */
  identifier: u32;
  identifierEnd: u32;
  message: u32;
  /** Some of the bits below. */
  flags: u32;
  unused: u32;
  // A Place for each asked field follows.
}

/** Where the value of an asked field begins and ends in the entries; both 0: the entry has no such field. */
@unmanaged
class Place {
  start: u32;
  end: u32;
}

const HAS_IDENTIFIER: u32 = 1;
/** The text serves for seeking alone. */
const IS_ROUGH: u32 = 2;
/** A mark stands in place of a text. */
const IS_MARKED: u32 = 4;
/** The message is null: journalctl left it out. */
const IS_CUT: u32 = 8;

/** A field's value as text: what is between its quotes, or the bytes of a list. */
@unmanaged
class Value {
  start: usize;
  /** 0: it is not text. */
  end: usize;
  escapes: bool;
  /** It holds bytes that a text cannot, which are left out. */
  isRough: bool;
  /** The entry has such a field. */
  isGiven: bool;
  isNull: bool;
}

const MESSAGE = 0;
const SYSLOG_IDENTIFIER = 1;
const COMM = 2;
const SYSLOG_PID = 3;
const PID = 4;
const HOSTNAME = 5;
const TIME = 6;
const FIELDS = 7;
const OTHER = FIELDS;

const names: StaticArray<string> = [
  "MESSAGE",
  "SYSLOG_IDENTIFIER",
  "_COMM",
  "SYSLOG_PID",
  "_PID",
  "_HOSTNAME",
  "__REALTIME_TIMESTAMP",
];

/** A bit for each of their lengths: few other names have one of these. */
const LENGTHS: u32 = (1 << 7) | (1 << 17) | (1 << 5) | (1 << 10) | (1 << 4) | (1 << 9) | (1 << 20);

/** Four of this byte, which no text has, stand for a line that is left as it is. */
const MARK: u8 = 1;
const MARK_LENGTH: usize = 4;
/** Stands in a text for this byte: no needle has such characters. */
const NONE: u8 = 0;
/** Deepest nesting of objects and lists. */
const MAX_DEPTH: i32 = 100;
/** Longest time, in digits. */
const MAX_DIGITS: usize = 17;

/** Where entries are read from, and records written to. */
export let entries: usize = 0;
export let records: usize = 0;
let maxRecords: u32 = 0;
let recordSize: usize = 0;
let values: usize = 0;
/** The names of the asked fields, each in ASKED bytes: its length, and its text from NAME on. */
export let asked: usize = 0;
let askedCount: u32 = 0;
/** A bit for each of their lengths, modulo 32. */
let askedLengths: u32 = 0;
const ASKED: usize = 72;
const NAME: usize = 4;
/** The end of the last text. */
export let textEnd: usize = 0;
/** Where the next reading goes on. */
export let nextEntry: usize = 0;
/** How many of the records have a message that was left out. */
export let cutCount: u32 = 0;

/** Whether the string read last has escapes. */
let hasEscapes: bool = false;
/** Whether the text that is being written serves for seeking alone. */
let isRough: bool = false;

/**
 * Lays out the memory, before scan.ts does. `fieldCount`: how many fields are asked for, whose names go to `asked`; `askFields`
 * then takes them.
 */
export function startJournal(entryBytes: usize, recordCount: u32, fieldCount: u32): void {
  askedCount = fieldCount;
  asked = reserve(<usize>fieldCount * ASKED);
  recordSize = offsetof<Record>() + <usize>fieldCount * offsetof<Place>();
  entries = reserve(entryBytes + 32);
  records = reserve((recordCount as usize) * recordSize);
  values = reserve((FIELDS + 1) * offsetof<Value>());
  maxRecords = recordCount;
  makePlaces();
}

export function askFields(): void {
  askedLengths = 0;
  for (let i: u32 = 0; i < askedCount; i++) askedLengths |= 1 << (load<u32>(asked + <usize>i * ASKED) & 31);
}

/**
 * Reads the lines between `from` and `to`, as many as there is room for: texts at `input`, `room` bytes at most, each with its
 * newline, and a record for each. Lines longer than `maxLine` are skipped. `nextEntry` is where to go on.
 *
 * @param to the end of the last line, after its newline, which it may lack
 * @returns the number of records
 */
export function readEntries(from: usize, to: usize, maxLine: usize, room: usize): u32 {
  let count: u32 = 0;
  let out = input;
  let at = from;
  cutCount = 0;
  // A sentinel: ends the last line where it has no newline, and every search.
  store<u8>(to, 10);
  while (at < to && count < maxRecords) {
    const end = newlineAt(at);
    if (end - at <= maxLine) {
      if (out + (end - at) + MARK_LENGTH + 1 > input + room) break;
      const record = changetype<Record>(records + <usize>(count++) * recordSize);
      record.text = <u32>(out - input);
      record.start = <u32>(at - entries);
      record.end = <u32>(end - entries);
      if (walk(at, end, record)) writeText(record, out);
      else writeMark(record, out);
      out = textEnd;
    }
    at = end + 1;
  }
  nextEntry = at;
  textEnd = out;
  return count;
}

/** Finds the values of an entry. Returns false where it is left to JSON.parse. */
function walk(start: usize, end: usize, record: Record): bool {
  for (let i: u32 = 0; i < askedCount; i++) setPlace(record, i, 0, 0);
  for (let i = 0; i < FIELDS; i++) {
    const value = valueAt(i);
    value.end = 0;
    value.isGiven = false;
  }
  let at = start;
  if (load<u8>(at) === 0x1e) at += 1;
  // json-sse: "data: "
  else if (load<u32>(at) === 0x61746164 && load<u16>(at, 4) === 0x203a) at += 6;
  if (load<u8>(at) !== 0x7b) return false;
  do {
    // ,"KEY":VALUE
    const key = at + 2;
    if (load<u8>(at, 1) !== 0x22) return false;
    const keyEnd = special(key);
    if (load<u16>(keyEnd) !== 0x3a22) return false;
    const length = keyEnd - key;
    const field = fieldOf(key, length);
    const value = keyEnd + 2;
    at = field === OTHER ? skipValue(value, 0) : readValue(value, valueAt(field), field !== TIME);
    if (at === 0) return false;
    if ((askedLengths >> (<u32>length & 31)) & 1) placeAsked(record, key, length, value, at);
  } while (load<u8>(at) === 0x2c);
  if (load<u8>(at) !== 0x7d) return false;
  // A carriage return before the newline is not part of the line.
  if (at + 1 !== end && (load<u8>(at, 1) !== 0x0d || at + 2 !== end)) return false;
  return valueAt(MESSAGE).isGiven || valueAt(TIME).isGiven;
}

/** Notes where the value of a field stands, if the field is asked for: of a name given twice the last one, as in JSON.parse. */
function placeAsked(record: Record, key: usize, length: usize, start: usize, end: usize): void {
  for (let i: u32 = 0; i < askedCount; i++) {
    const name = asked + <usize>i * ASKED;
    if (load<u32>(name) !== <u32>length) continue;
    let at: usize = 0;
    while (at < length && load<u8>(key + at) === load<u8>(name + at, NAME)) at++;
    if (at === length) return setPlace(record, i, start - entries, end - entries);
  }
}

// @ts-ignore: decorator
@inline
function setPlace(record: Record, index: u32, start: usize, end: usize): void {
  const place = changetype<Place>(
    changetype<usize>(record) + offsetof<Record>() + <usize>index * offsetof<Place>(),
  );
  place.start = <u32>start;
  place.end = <u32>end;
}

/**
 * Reads a field: a string, or, where lists count, the first one of a list, or a list of bytes, which its text replaces. Returns the
 * end of the value; 0 where it is left to JSON.parse.
 */
function readValue(at: usize, value: Value, listsCount: bool): usize {
  const char = load<u8>(at);
  value.isGiven = true;
  value.isNull = char === 0x6e;
  value.isRough = false;
  value.escapes = false;
  value.end = 0;
  if (char === 0x22) return readString(at, value);
  if (char !== 0x5b || !listsCount) return skipValue(at, 0);
  if (isBytes(at)) return readBytes(at, value);
  const first = at + 1;
  const isString = load<u8>(first) === 0x22;
  const isList = load<u8>(first) === 0x5b && isBytes(first);
  const end = isString ? readString(first, value) : isList ? readBytes(first, value) : skipValue(first, 1);
  return end === 0 ? 0 : skipRest(end, 0x5d, 1);
}

/** Whether a list is empty or begins with a number. */
function isBytes(at: usize): bool {
  const first = load<u8>(at, 1);
  return first === 0x5d || first === 0x2d || isDigit(first);
}

function readString(at: usize, value: Value): usize {
  const end = skipString(at);
  value.start = at + 1;
  value.end = end - 1;
  value.escapes = hasEscapes;
  return end;
}

/**
 * A list of numbers of up to three digits, as Buffer.from takes them: journalctl writes messages with colours, for instance, that way. 16
 * characters hold four of them, which are read at once: the places of the commas give the lengths, and these the places of the digits.
 */
function readBytes(at: usize, value: Value): usize {
  const comma = i8x16.splat(0x2c);
  const zero = i8x16.splat(0x30);
  const ten = i8x16.splat(10);
  const mark = i8x16.splat(MARK);
  const weights = i16x8(100, 10, 100, 10, 100, 10, 100, 10);
  const low = i32x4.splat(0xff);
  value.start = at;
  value.end = at;
  if (load<u8>(at, 1) === 0x5d) return at + 2;
  let out = at;
  let from = at + 1;
  // Numbers with leading zeros, and bytes that no text can have.
  let padded = i32x4.splat(0);
  let hidden = i8x16.splat(0);
  for (;;) {
    const block = v128.load(from);
    const numbers = i8x16.sub(block, zero);
    const commas = i8x16.eq(block, comma);
    const found = <usize>load<u16>(lengthsOf + 2 * <usize>i8x16.bitmask(commas));
    if (found === 0 || i8x16.bitmask(v128.or(commas, i8x16.lt_u(numbers, ten))) !== 0xffff) break;
    const places = placesOf + (found & 0xff) * PLACES;
    const tens = i32x4.dot_i16x8_s(i8x16.swizzle(numbers, v128.load(places)), weights);
    const four = i32x4.add(tens, i8x16.swizzle(numbers, v128.load(places, 16)));
    padded = v128.or(padded, i32x4.lt_s(four, v128.load(places, 32)));
    const words = v128.and(four, low);
    const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(words, words), i16x8.splat(0));
    const isHidden = i8x16.eq(bytes, mark);
    hidden = v128.or(hidden, isHidden);
    // NONE is 0.
    const text = i32x4.extract_lane(v128.andnot(bytes, isHidden), 0);
    if (i32x4.extract_lane(i8x16.eq(bytes, ten), 0) === 0) {
      store<u32>(out, text);
      out += 4;
    } else for (let i: u32 = 0; i < 4; i++) out = putByte(out, <u8>(<u32>text >> (8 * i)));
    from += found >> 8;
  }
  if (v128.any_true(padded)) return 0;
  value.isRough = i32x4.extract_lane(hidden, 0) !== 0;
  // The last ones.
  for (;;) {
    const end = skipDigits(from);
    if (end === from || end > from + 3 || (end > from + 1 && load<u8>(from) === 0x30)) return 0;
    let byte: u32 = 0;
    for (; from < end; from++) byte = byte * 10 + (load<u8>(from) - 0x30);
    if (isHidden(<u8>byte)) {
      value.isRough = true;
      byte = NONE;
    }
    out = putByte(out, <u8>byte);
    from++;
    const char = load<u8>(end);
    if (char === 0x2c) continue;
    value.end = out;
    return char === 0x5d ? from : 0;
  }
  return 0;
}

/**
 * By the places of commas among 16 characters, as bits: the lengths of the first four numbers, as 1 to 81, and 256 times the
 * characters that they take; 0: a length is not 1 to 3.
 */
let lengthsOf: usize = 0;
/** By these lengths, as vectors of four: the places of hundreds and tens, those of ones, and the least numbers of such lengths. */
let placesOf: usize = 0;
const PLACES: usize = 48;
const NOWHERE: u32 = 0x80808080;

function makePlaces(): void {
  lengthsOf = reserve(2 << 16);
  placesOf = reserve(82 * PLACES);
  for (let lengths: usize = 1; lengths <= 81; lengths++) {
    const places = placesOf + lengths * PLACES;
    let rest = <u32>lengths - 1;
    let at: u32 = 0;
    let commas: u32 = 0;
    for (let lane: usize = 0; lane < 4; lane++) {
      const length = (rest % 3) + 1;
      rest /= 3;
      at += length;
      // 16 bits each: the digit, and nothing.
      const hundreds = length === 3 ? at - 3 : 0x80;
      const tens = length >= 2 ? at - 2 : 0x80;
      store<u32>(places + lane * 4, hundreds | 0x8000 | (tens << 16) | 0x80000000);
      store<u32>(places + lane * 4, (NOWHERE & 0xffffff00) | (at - 1), 16);
      store<u32>(places + lane * 4, length === 3 ? 100 : length === 2 ? 10 : 0, 32);
      commas |= 1 << at++;
    }
    for (let others: u32 = 0; others < <u32>1 << (16 - at); others++)
      store<u16>(lengthsOf + 2 * (commas | (others << at)), <u16>(lengths | (at << 8)));
  }
}

/** The end of a value of any kind that begins here; 0: there is none, or objects and lists are nested too deep. */
function skipValue(at: usize, depth: i32): usize {
  const char = load<u8>(at);
  if (char === 0x22) return skipString(at);
  if (char === 0x7b || char === 0x5b) {
    if (depth === MAX_DEPTH) return 0;
    const close: u8 = char + 2;
    if (load<u8>(at, 1) === close) return at + 2;
    const end = skipItem(at + 1, close, depth + 1);
    return end === 0 ? 0 : skipRest(end, close, depth + 1);
  }
  if (load<u32>(at) === 0x6c6c756e || load<u32>(at) === 0x65757274) return at + 4;
  if (load<u32>(at) === 0x736c6166 && load<u8>(at, 4) === 0x65) return at + 5;
  return skipNumber(at);
}

/** The end of an item of a list or an object that ends with `close`; 0: there is none. */
function skipItem(at: usize, close: u8, depth: i32): usize {
  if (close === 0x5d) return skipValue(at, depth);
  if (load<u8>(at) !== 0x22) return 0;
  const end = skipString(at);
  return end === 0 || load<u8>(end) !== 0x3a ? 0 : skipValue(end + 1, depth);
}

/** The end of a list or an object of which some items are read. */
function skipRest(at: usize, close: u8, depth: i32): usize {
  while (load<u8>(at) === 0x2c) {
    at = skipItem(at + 1, close, depth);
    if (at === 0) return 0;
  }
  return load<u8>(at) === close ? at + 1 : 0;
}

/** The end of a string, whose first quote is here; 0: it does not end. Sets `hasEscapes`. */
function skipString(at: usize): usize {
  hasEscapes = false;
  let end = special(at + 1);
  while (load<u8>(end) === 0x5c) {
    hasEscapes = true;
    const char = load<u8>(end, 1);
    if (isSimple(char)) end += 2;
    else if (char === 0x75 && hexAt(end + 2) >= 0) end += 6;
    else return 0;
    end = special(end);
  }
  return load<u8>(end) === 0x22 ? end + 1 : 0;
}

/** The end of a number; 0: there is none. */
function skipNumber(at: usize): usize {
  if (load<u8>(at) === 0x2d) at++;
  let end = skipDigits(at);
  if (end === at || (end > at + 1 && load<u8>(at) === 0x30)) return 0;
  if (load<u8>(end) === 0x2e) {
    at = end + 1;
    end = skipDigits(at);
    if (end === at) return 0;
  }
  if ((load<u8>(end) | 0x20) !== 0x65) return end;
  at = end + 1;
  if (load<u8>(at) === 0x2b || load<u8>(at) === 0x2d) at++;
  end = skipDigits(at);
  return end === at ? 0 : end;
}

function skipDigits(at: usize): usize {
  while (isDigit(load<u8>(at))) at++;
  return at;
}

// @ts-ignore: decorator
@inline
function isDigit(char: u8): bool {
  return char >= 0x30 && char <= 0x39;
}

/** The value of four hexadecimal digits; -1: they are not. */
function hexAt(at: usize): i32 {
  let code: i32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const char = load<u8>(at + i);
    const letter = (char | 0x20) - 0x61;
    if (isDigit(char)) code = code * 16 + (char - 0x30);
    else if (letter < 6) code = code * 16 + letter + 10;
    else return -1;
  }
  return code;
}

/** Whether an escape stands for the character itself, or for one that JSON has a letter for. */
function isSimple(char: u8): bool {
  return (
    char === 0x22 ||
    char === 0x5c ||
    char === 0x2f ||
    char === 0x62 ||
    char === 0x66 ||
    char === 0x6e ||
    char === 0x72 ||
    char === 0x74
  );
}

function fieldOf(key: usize, length: usize): u32 {
  if (length > 20 || ((LENGTHS >> <u32>length) & 1) === 0) return OTHER;
  for (let i = 0; i < FIELDS; i++) {
    const name = unchecked(names[i]);
    if (name.length === <i32>length && isName(key, name)) return i;
  }
  return OTHER;
}

function isName(key: usize, name: string): bool {
  for (let i = 0; i < name.length; i++) {
    if (load<u8>(key + i) !== load<u8>(changetype<usize>(name) + 2 * i)) return false;
  }
  return true;
}

/** `host ident[pid]: message`, as readJournal composes it. */
function writeText(record: Record, text: usize): void {
  const message = valueAt(MESSAGE);
  const time = valueAt(TIME);
  const host = valueAt(HOSTNAME);
  const identifier = given(SYSLOG_IDENTIFIER, COMM);
  const pid = given(SYSLOG_PID, PID);
  isRough = time.escapes;
  record.time = timeOf(time);
  let flags: u32 = 0;
  let out = text;
  if (host.end !== 0) out = put(write(out, host), 0x20);
  record.identifier = <u32>(out - text);
  if (identifier.end !== 0) {
    flags |= HAS_IDENTIFIER;
    out = write(out, identifier);
  }
  record.identifierEnd = <u32>(out - text);
  if (identifier.end !== 0) {
    if (pid.end !== 0) out = put(write(put(out, 0x5b), pid), 0x5d);
    out = put(put(out, 0x3a), 0x20);
  }
  record.message = <u32>(out - text);
  if (message.end !== 0) out = write(out, message);
  else if (message.isGiven && message.isNull) {
    flags |= IS_CUT;
    cutCount++;
  }
  record.flags = isRough ? flags | IS_ROUGH : flags;
  textEnd = put(out, 10);
}

function writeMark(record: Record, text: usize): void {
  let out = text;
  for (let i: usize = 0; i < MARK_LENGTH; i++) out = put(out, MARK);
  record.flags = IS_MARKED;
  textEnd = put(out, 10);
}

/** The first of two fields that has a text. */
function given(field: u32, other: u32): Value {
  const value = valueAt(field);
  return value.end !== 0 ? value : valueAt(other);
}

/** Milliseconds from microseconds; NaN: the value is not a number. */
function timeOf(value: Value): f64 {
  if (value.end === 0 || value.end === value.start || value.end - value.start > MAX_DIGITS) return NaN;
  let time: u64 = 0;
  for (let at = value.start; at < value.end; at++) {
    const digit = load<u8>(at) - 0x30;
    if (digit > 9) return NaN;
    time = time * 10 + digit;
  }
  return <f64>(time / 1000);
}

/** Writes the text of a value and returns its end. Writes up to 15 bytes more, for speed. */
function write(out: usize, value: Value): usize {
  if (value.isRough) isRough = true;
  return value.escapes ? unescape(out, value.start, value.end) : copy(out, value.start, value.end);
}

function copy(out: usize, from: usize, to: usize): usize {
  const end = out + (to - from);
  for (; out < end; out += 16) {
    v128.store(out, v128.load(from));
    from += 16;
  }
  return end;
}

/** The same for text with escapes. */
function unescape(out: usize, start: usize, end: usize): usize {
  let at = start;
  for (;;) {
    const from = at;
    at = min(special(at), end);
    out = copy(out, from, at);
    if (at === end) return out;
    const char = load<u8>(at, 1);
    at += 2;
    if (char === 0x75) {
      let code = hexAt(at);
      at += 4;
      if (code >= 0xd800 && code < 0xdc00 && load<u16>(at) === 0x755c) {
        const low = hexAt(at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
      }
      out = putCode(out, code);
    } else out = putCode(out, controlOf(char));
  }
  return out;
}

/** The character that a letter after a backslash stands for. */
function controlOf(char: u8): i32 {
  if (char === 0x6e) return 10;
  if (char === 0x74) return 9;
  if (char === 0x72) return 13;
  if (char === 0x62) return 8;
  if (char === 0x66) return 12;
  return char;
}

/** A character as UTF-8. */
function putCode(out: usize, code: i32): usize {
  if (code < 0x80) {
    if (!isHidden(<u8>code)) return putByte(out, <u8>code);
    isRough = true;
    return put(out, NONE);
  }
  if (code < 0x800) return put(put(out, <u8>(0xc0 | (code >> 6))), tailOf(code));
  if (code < 0x10000) {
    // A lone surrogate has no UTF-8; whatever is written here is beyond ASCII.
    if (code >= 0xd800 && code < 0xe000) isRough = true;
    return put(put(put(out, <u8>(0xe0 | (code >> 12))), tailOf(code >> 6)), tailOf(code));
  }
  out = put(put(out, <u8>(0xf0 | (code >> 18))), tailOf(code >> 12));
  return put(put(out, tailOf(code >> 6)), tailOf(code));
}

/** Whether no text can have a byte. */
// @ts-ignore: decorator
@inline
function isHidden(byte: u8): bool {
  return byte === MARK;
}

/** Writes a byte; a line feed takes two, as it did in the JSON. */
// @ts-ignore: decorator
@inline
function putByte(out: usize, byte: u8): usize {
  return byte === 10 ? put(put(out, 0x5c), 0x6e) : put(out, byte);
}

function tailOf(code: i32): u8 {
  return <u8>(0x80 | (code & 0x3f));
}

// @ts-ignore: decorator
@inline
function put(out: usize, char: u8): usize {
  store<u8>(out, char);
  return out + 1;
}

// @ts-ignore: decorator
@inline
function valueAt(field: u32): Value {
  return changetype<Value>(values + <usize>field * offsetof<Value>());
}

/** The first quote, backslash or control character at or after `at`; there is one, the newline. */
function special(at: usize): usize {
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  const blank = i8x16.splat(0x20);
  for (; ; at += 16) {
    const bytes = v128.load(at);
    const found = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(bytes, quote), i8x16.eq(bytes, backslash)), i8x16.lt_u(bytes, blank)),
    );
    if (found !== 0) return at + ctz(found);
  }
  return 0;
}

function newlineAt(at: usize): usize {
  const newline = i8x16.splat(10);
  for (; ; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), newline));
    if (found !== 0) return at + ctz(found);
  }
  return 0;
}
