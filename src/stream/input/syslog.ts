import { flat } from "../../shared/text.ts";
import { type Doubt, localTime, wallTime, withoutYear, zoneOffset } from "../../shared/time.ts";

/**
 * How a line with a syslog header begins:
 * `syslog` (RFC 3164 or ISO 8601 stamp, as rsyslog, syslog-ng and `journalctl -o short`, `short-iso` write it), the same
 * after `<PRI>`, RFC 5424 after `<PRI>1`, and `journalctl -o short-full`, `short-unix`, `short-monotonic`.
 */
export type SyslogShape =
  | "syslog"
  | "syslog-pri"
  | "rfc5424"
  | "short-full"
  | "short-unix"
  | "short-monotonic";

/** A parsed header. */
export interface SyslogHeader {
  /** Epoch milliseconds. */
  readonly time: number | undefined;
  readonly identifier: string | undefined;
  /** Where host and tag begin, after the stamp, in UTF-16 units. */
  readonly source: number;
  /** Where the message begins, in UTF-16 units. */
  readonly start: number;
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
/** No stamp is longer, in characters. */
const LONGEST_STAMP = 48;
const PRI = /^<(?:0|[1-9]\d{0,2})>/;
const RFC3164 = /^([A-Z][a-z]{2}) ([ \d]?\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})? /;
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d) /;
const RFC5424 =
  /^<(?:0|[1-9]\d{0,2})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[[^"\]\\]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"\]\\]*)*\])+)(?: (?:\ufeff)?|$)/s;
const SHORT_FULL =
  /^[A-Z][a-z]{2} (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([A-Z][A-Za-z0-9+-]{0,9}|[+-]\d\d(?:\d\d)?) /;
const SHORT_UNIX = /^(\d{9,11})\.(\d{6}) /;
const SHORT_MONOTONIC = /^\[ {0,11}\d{1,11}\.\d{6}\] /;
/** `host tag[pid]: `; old PAM modules wrote `tag(module)[pid]: `; `journalctl --no-hostname` leaves out the host. */
const SOURCE =
  /(?:\S*[^\s:] |(?=\S*:(?: |$)))([^\s:[\]()]{1,128})(?:\([^\s()]{0,64}\))?(?:\[[^\s\]]{0,64}\])?: ?/y;

/**
 * Reads the header of a line.
 *
 * @param now epoch milliseconds, for stamps without a year
 * @returns undefined when the line has no header of this shape
 */
export function readHeader(line: string, shape: SyslogShape, now: number): SyslogHeader | undefined {
  switch (shape) {
    case "syslog":
      return stamped(line, now);
    case "syslog-pri": {
      const pri = PRI.exec(line);
      return pri ? stamped(line, now, pri[0].length) : undefined;
    }
    case "rfc5424":
      return rfc5424(line);
    case "short-full": {
      const match = SHORT_FULL.exec(line);
      return match ? sourced(line, match[0].length, calendarTime(match)) : undefined;
    }
    case "short-unix": {
      const match = SHORT_UNIX.exec(line);
      return match ? sourced(line, match[0].length, unixTime(match)) : undefined;
    }
    case "short-monotonic": {
      const match = SHORT_MONOTONIC.exec(line);
      return match ? sourced(line, match[0].length, undefined) : undefined;
    }
  }
}

/** `host tag[pid]: `, the host may be missing. */
const TAGGED = /^(?:(\S*[^\s:]) )?[^\s:[\]()]+(?:\([^\s()]*\))?\[([^\s\]]+)\]: ?$/;

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

/** What the stamp of a line with such a header leaves ambiguous: one of RFC 3164 has neither year nor zone. */
export function ambiguityOf(line: string, shape: SyslogShape): Doubt | undefined {
  if (shape !== "syslog" && shape !== "syslog-pri") return undefined;
  return isDigit(line.charCodeAt(shape === "syslog" ? 0 : line.indexOf(">") + 1)) ? undefined : "year";
}

/** The last stamp, with the blank after it: lines of one second follow each other. */
let known = { stamp: " ", now: 0, time: undefined as number | undefined };

function stamped(line: string, now: number, start = 0): SyslogHeader | undefined {
  if (now === known.now && line.startsWith(known.stamp, start)) {
    return sourced(line, start + known.stamp.length, known.time);
  }
  const text = line.slice(start, start + LONGEST_STAMP);
  const bsd = RFC3164.exec(text);
  const iso = bsd ? null : ISO.exec(text);
  const [stamp] = bsd ?? iso ?? [];
  if (stamp === undefined) return undefined;
  known = { stamp: flat(stamp), now, time: bsd ? bsdTime(bsd, now) : iso ? calendarTime(iso) : undefined };
  return sourced(line, start + stamp.length, known.time);
}

/** The last identifier: a few of them make up most of a log, and need not be cut out again. */
let lastIdentifier = "";

/** The header after its stamp. A line such as `host last message repeated 3 times` has no tag. */
function sourced(line: string, start: number, time: number | undefined): SyslogHeader {
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
  if (match) return { time, identifier: match[1], source: start, start: SOURCE.lastIndex };
  return { time, identifier: undefined, source: start, start: line.indexOf(" ", start) + 1 || start };
}

function rfc5424(line: string): SyslogHeader | undefined {
  const match = RFC5424.exec(line);
  if (!match) return undefined;
  const [header, stamp = "", , identifier] = match;
  const iso = ISO.exec(`${stamp} `);
  return {
    time: iso ? calendarTime(iso) : undefined,
    identifier: identifier === "-" ? undefined : identifier,
    source: header.indexOf(stamp) + stamp.length + 1,
    start: header.length,
  };
}

function bsdTime(
  [, month = "", day, hour, minute, second]: RegExpExecArray,
  now: number,
): number | undefined {
  const index = MONTHS.indexOf(month);
  if (index % 3 !== 0) return undefined;
  return withoutYear(index / 3 + 1, Number(day), Number(hour), Number(minute), Number(second), now);
}

/** Year to second in groups 1 to 6, a fraction in 7, a zone in 8; a zone without a known offset is the local one. */
function calendarTime(match: RegExpExecArray): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const milliseconds = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  const offset = zoneOffset(match[8] ?? "");
  const read = offset === undefined ? localTime : wallTime;
  const time = read(year, month, day, hour, minute, second);
  return time === undefined ? undefined : time + milliseconds - (offset ?? 0) * 60_000;
}

function unixTime([, seconds, microseconds = ""]: RegExpExecArray): number {
  return Number(seconds) * 1000 + Number(microseconds.slice(0, 3));
}
