// Cuts the fields of a log record out of the journal's JSON (src/stream/journal-scan.ts), in AssemblyScript: what the gate seeks in,
// and what jails see, is `host ident[pid]: message`, a sixth of an entry. It walks each entry as JSON.parse would, and what it
// does not take for granted (other values than strings, escapes but the simple ones, anything that is no entry) it leaves to
// JSON.parse, by handing the line on as it stands behind a mark.

import { input, reserve } from "./scan";

/** What is told of each line; see Record in src/stream/journal-scan.ts. */
@unmanaged
class Record {
  /** Epoch milliseconds; NaN: the entry says none. */
  time: f64;
  /** Where it begins in the text, and where in the entries it begins and ends. */
  text: u32;
  start: u32;
  end: u32;
  /** In its text: the identifier, of no length if there is none, and where the message begins. 0: the line stands as it is. */
  identifier: u32;
  identifierEnd: u32;
  message: u32;
}

/** A field's value between its quotes. */
@unmanaged
class Value {
  start: usize;
  /** 0: the entry has no such field. */
  end: usize;
  escapes: bool;
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

/** A bit for each of their lengths: few of the other names have one of these. */
const LENGTHS: u32 = (1 << 7) | (1 << 17) | (1 << 5) | (1 << 10) | (1 << 4) | (1 << 9) | (1 << 20);

/** What stands before a line that is left as it is: four times this byte, which no text has that was read here. */
const MARK: u8 = 1;
const MARK_LENGTH: usize = 4;
/** Longest time, in digits. */
const MAX_DIGITS: usize = 17;

/** Where entries are read from, and what is told of them is. */
export let entries: usize = 0;
export let records: usize = 0;
let maxRecords: u32 = 0;
let values: usize = 0;
/** Behind the last text. */
export let textEnd: usize = 0;
/** Where the next reading goes on. */
export let nextEntry: usize = 0;

/** Lays out the memory, before scan.ts does. */
export function startJournal(entryBytes: usize, recordCount: u32): void {
  entries = reserve(entryBytes + 32);
  records = reserve((recordCount as usize) * offsetof<Record>());
  values = reserve((FIELDS + 1) * offsetof<Value>());
  maxRecords = recordCount;
}

/**
 * Reads the lines between `from` and `to`, as many as there is room for: texts at `input`, `room` bytes at most, each with its
 * newline, and a record for each. Lines longer than `maxLine` are passed over. `nextEntry` says where to go on.
 *
 * @param to where the last line ends that is read, behind its newline, which it may lack
 * @returns how many records there are
 */
export function readEntries(from: usize, to: usize, maxLine: usize, room: usize): u32 {
  let count: u32 = 0;
  let out = input;
  let at = from;
  // Ends the last line where it has no newline, and everything that is looked for.
  store<u8>(to, 10);
  while (at < to && count < maxRecords) {
    const end = newlineAt(at);
    if (end - at <= maxLine) {
      if (out + (end - at) + MARK_LENGTH + 1 > input + room) break;
      const record = changetype<Record>(records + <usize>(count++) * offsetof<Record>());
      record.text = <u32>(out - input);
      record.start = <u32>(at - entries);
      record.end = <u32>(end - entries);
      record.message = 0;
      if (walk(at, end)) writeText(record, out);
      if (record.message === 0) writeAsItIs(out, at, end);
      out = textEnd;
    }
    at = end + 1;
  }
  nextEntry = at;
  textEnd = out;
  return count;
}

/** Finds the values of an entry. Returns false where it is left to JSON.parse. */
function walk(start: usize, end: usize): bool {
  for (let i = 0; i < FIELDS; i++) valueAt(i).end = 0;
  let at = start;
  if (load<u8>(at) === 0x1e) at += 1;
  // json-sse: "data: "
  else if (load<u32>(at) === 0x61746164 && load<u16>(at, 4) === 0x203a) at += 6;
  if (load<u8>(at) !== 0x7b) return false;
  do {
    // ,"KEY":"
    const key = at + 2;
    if (load<u8>(at, 1) !== 0x22) return false;
    const keyEnd = special(key);
    if (load<u32>(keyEnd) << 8 !== 0x223a2200) return false;
    const value = valueAt(fieldOf(key, keyEnd - key));
    const text = keyEnd + 3;
    let escapes = false;
    let textEnd = special(text);
    for (; load<u8>(textEnd) === 0x5c; textEnd = special(textEnd + 2)) {
      if (!isSimple(load<u8>(textEnd, 1))) return false;
      escapes = true;
    }
    if (load<u8>(textEnd) !== 0x22) return false;
    value.start = text;
    value.end = textEnd;
    value.escapes = escapes;
    at = textEnd + 1;
  } while (load<u8>(at) === 0x2c);
  return load<u8>(at) === 0x7d && at + 1 === end;
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

/** `host ident[pid]: message`, as readJournal puts them together. Leaves the record as it is where that is left to JSON.parse. */
function writeText(record: Record, text: usize): void {
  const message = valueAt(MESSAGE);
  const time = valueAt(TIME);
  const host = valueAt(HOSTNAME);
  const identifier = given(SYSLOG_IDENTIFIER, COMM);
  const pid = given(SYSLOG_PID, PID);
  if (message.end === 0 || host.escapes || identifier.escapes || pid.escapes || time.escapes) return;
  if (identifier.end !== 0 && identifier.end === identifier.start) return;
  record.time = timeOf(time);
  let out = text;
  if (host.end !== 0) out = put(copy(out, host), 0x20);
  record.identifier = <u32>(out - text);
  if (identifier.end !== 0) out = copy(out, identifier);
  record.identifierEnd = <u32>(out - text);
  if (identifier.end !== 0) {
    if (pid.end !== 0) out = put(copy(put(out, 0x5b), pid), 0x5d);
    out = put(put(out, 0x3a), 0x20);
  }
  const begin = <u32>(out - text);
  out = message.escapes ? unescape(out, message) : copy(out, message);
  if (out === 0) return;
  record.message = begin;
  textEnd = put(out, 10);
}

function writeAsItIs(text: usize, start: usize, end: usize): void {
  for (let i: usize = 0; i < MARK_LENGTH; i++) store<u8>(text + i, MARK);
  memory.copy(text + MARK_LENGTH, start, end - start);
  textEnd = put(text + MARK_LENGTH + (end - start), 10);
}

/** The first of two fields that the entry has. */
function given(field: u32, other: u32): Value {
  const value = valueAt(field);
  return value.end !== 0 ? value : valueAt(other);
}

/** Milliseconds from microseconds; NaN where the value is none. */
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

/** Returns behind what was written; writes up to 15 bytes more, for speed. */
function copy(out: usize, value: Value): usize {
  const end = out + (value.end - value.start);
  let from = value.start;
  for (; out < end; out += 16) {
    v128.store(out, v128.load(from));
    from += 16;
  }
  return end;
}

/** The same for a value with escapes; 0 where there is one that would make it more than a line of text. */
function unescape(out: usize, value: Value): usize {
  for (let at = value.start; at < value.end; at++) {
    let char = load<u8>(at);
    if (char === 0x5c) {
      char = load<u8>(++at);
      if (char === 0x74) char = 9;
      else if (char > 0x5c) return 0;
    }
    out = put(out, char);
  }
  return out;
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
