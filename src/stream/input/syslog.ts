import { flat } from "../../shared/text.ts";
import { localTime, wallTime, withoutYear, zoneOffset } from "../../shared/time.ts";

/** A parsed header. */
export interface SyslogHeader {
  /** Epoch milliseconds. */
  readonly time: number | undefined;
  readonly identifier: string | undefined;
  /** Where host and tag begin, after the stamp, in UTF-16 units. */
  readonly source: number;
  /** Where the message begins, in UTF-16 units. */
  readonly start: number;
  /** The message, where it is no piece of the line. */
  readonly message?: string;
  /** The process, as `host pid`, where `processIn` does not find it. */
  readonly process?: string | undefined;
}

/** Where a stamp ends, with the blank after it, and the time that it gives, in epoch milliseconds. */
export interface Stamp {
  readonly time: number | undefined;
  readonly end: number;
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
/** No stamp is longer, in characters. */
const LONGEST_STAMP = 48;
const RFC3164 = /^([A-Z][a-z]{2}) ([ \d]?\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})? /;
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d) /;
const RFC5424 =
  /^<(?:0|[1-9]\d{0,2})>1 (-|\d{4}-\d\d-\d\dT\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[[^"\]\\]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"\]\\]*)*\])+)(?: (?:\ufeff)?|$)/s;

/** `tag[pid]: `; old PAM modules wrote `tag(module)[pid]: `. */
export const TAG = String.raw`([^\s:[\]()]{1,128})(?:\([^\s()]{0,64}\))?(?:\[[^\s\]]{0,64}\])?: ?`;
/** What BusyBox's syslogd and OpenWrt's logd write before the tag: `auth.info `. */
export const FACILITY =
  "(?:kern|user|mail|daemon|auth|authpriv|syslog|lpr|news|uucp|cron|ftp|local[0-7])" +
  String.raw`\.(?:emerg|panic|alert|crit|err|error|warn|warning|notice|info|debug) `;
/**
 * `host tag[pid]: `; `journalctl --no-hostname` leaves out the host. What may stand between them can't be a client's text any more than the
 * tag itself: a facility, or the same host again, which some relays add. A client whose text a program writes where its tag should be
 * can write a tag there in any case.
 */
const SOURCE = new RegExp(String.raw`(?:(\S*[^\s:]) (?:\1 |${FACILITY})?|(?=\S*:(?: |$)))${TAG}`, "y");

/** The same with a pid. */
const TAGGED = new RegExp(
  String.raw`^(?:(\S*[^\s:]) (?:\1 |${FACILITY})?)?[^\s:[\]()]+(?:\([^\s()]*\))?\[([^\s\]]+)\]: ?$`,
);

/**
 * The process that a header names, as `host pid`; undefined: it names none.
 *
 * @param source the header without its stamp
 */
export function processIn(source: string, isRfc5424 = false): string | undefined {
  if (isRfc5424) {
    const [host = "", , pid = "-"] = source.split(" ", 3);
    return pid === "-" ? undefined : `${host} ${pid}`;
  }
  const [, host = "", pid] = TAGGED.exec(source) ?? [];
  return pid === undefined ? undefined : `${host} ${pid}`;
}

/** The last stamp, with the blank after it: lines of one second follow each other. */
let known = { stamp: " ", now: 0, time: undefined as number | undefined };

/**
 * Reads `stamp host tag[pid]: `, the stamp as in RFC 3164 or ISO 8601.
 *
 * @param now epoch milliseconds, for stamps without a year
 * @param start where the stamp begins, in UTF-16 units
 */
export function stamped(line: string, now: number, start = 0): SyslogHeader | undefined {
  if (now !== known.now || !line.startsWith(known.stamp, start)) {
    if (!remember(line, now, start)) return undefined;
  }
  return sourced(line, start + known.stamp.length, known.time);
}

/** Reads such a stamp alone. */
export function stampAt(line: string, now: number, start = 0): Stamp | undefined {
  return remember(line, now, start) ? { time: known.time, end: start + known.stamp.length } : undefined;
}

function remember(line: string, now: number, start: number): boolean {
  const text = line.slice(start, start + LONGEST_STAMP);
  const bsd = RFC3164.exec(text);
  const iso = bsd ? null : ISO.exec(text);
  const [stamp] = bsd ?? iso ?? [];
  if (stamp === undefined) return false;
  known = { stamp: flat(stamp), now, time: bsd ? bsdTime(bsd, now) : iso ? calendarTime(iso) : undefined };
  return true;
}

/** The last identifier: a few of them make up most of a log, and need not be cut out again. */
let lastIdentifier = "";

/** The header after its stamp. A line such as `host last message repeated 3 times` has no tag. */
export function sourced(line: string, start: number, time: number | undefined): SyslogHeader {
  return plainlySourced(line, start, time) ?? oddlySourced(line, start, time);
}

/** What most lines have, `host tag[pid]: ` or `host tag: ` of plain characters, without a RegExp. */
function plainlySourced(line: string, start: number, time: number | undefined): SyslogHeader | undefined {
  const tag = endOfWord(line, start);
  if (tag === start || line.charCodeAt(tag) !== BLANK) return undefined;
  let end = endOfWord(line, tag + 1);
  const length = end - tag - 1;
  if (length === 0 || length > 128) return undefined;
  if (line.charCodeAt(end) === OPENING) {
    const digits = end + 1;
    do end++;
    while (isDigit(line.charCodeAt(end)));
    if (end - digits > 64 || line.charCodeAt(end++) !== CLOSING) return undefined;
  }
  if (line.charCodeAt(end) !== COLON || line.charCodeAt(end + 1) !== BLANK) return undefined;
  if (length !== lastIdentifier.length || !line.startsWith(lastIdentifier, tag + 1))
    lastIdentifier = flat(line.slice(tag + 1, tag + 1 + length));
  return { time, identifier: lastIdentifier, source: start, start: end + 2 };
}

const BLANK = 0x20;
const COLON = 0x3a;
const OPENING = 0x5b;
const CLOSING = 0x5d;

/** The end of the letters, digits and `-./_` from `start` on. */
function endOfWord(line: string, start: number): number {
  let end = start;
  for (let code = line.charCodeAt(end); isPlain(code); code = line.charCodeAt(++end));
  return end;
}

function isPlain(code: number): boolean {
  const letter = code | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x2d && code <= 0x39) || code === 0x5f;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function oddlySourced(line: string, start: number, time: number | undefined): SyslogHeader {
  SOURCE.lastIndex = start;
  const match = SOURCE.exec(line);
  if (match) return { time, identifier: match[2], source: start, start: SOURCE.lastIndex };
  return { time, identifier: undefined, source: start, start: line.indexOf(" ", start) + 1 || start };
}

/** Reads the header of RFC 5424, after `<PRI>1`. */
export function rfc5424(line: string): SyslogHeader | undefined {
  const match = RFC5424.exec(line);
  if (!match) return undefined;
  const [header, stamp = "", , identifier] = match;
  return {
    time: isoTime(stamp),
    identifier: identifier === "-" ? undefined : identifier,
    source: header.indexOf(stamp) + stamp.length + 1,
    start: header.length,
  };
}

function bsdTime(
  [, month = "", day, hour, minute, second]: RegExpExecArray,
  now: number,
): number | undefined {
  const number = monthOf(month);
  if (number === undefined) return undefined;
  return withoutYear(number, Number(day), Number(hour), Number(minute), Number(second), now);
}

/** The number of a month, `Jan` to `Dec`, from 1. */
export function monthOf(name: string): number | undefined {
  const index = MONTHS.indexOf(name);
  return index % 3 === 0 ? index / 3 + 1 : undefined;
}

/** The time of a stamp of ISO 8601, all of it, in epoch milliseconds. */
export function isoTime(stamp: string): number | undefined {
  const match = ISO.exec(`${stamp} `);
  return match ? calendarTime(match) : undefined;
}

/** Year to second in groups 1 to 6, a fraction in 7, a zone in 8; a zone without a known offset is the local one. */
export function calendarTime(match: RegExpExecArray): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const milliseconds = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  const offset = zoneOffset(match[8] ?? "");
  const read = offset === undefined ? localTime : wallTime;
  const time = read(year, month, day, hour, minute, second);
  return time === undefined ? undefined : time + milliseconds - (offset ?? 0) * 60_000;
}
