import type { Doubt } from "../../shared/time.ts";
import {
  afterPri,
  datedSyslog,
  dovecot,
  hostColon,
  isYearless,
  logread,
  namesTwoHosts,
  relayed,
  SHORT_FULL,
  withUnit,
} from "./odd-headers.ts";
import { calendarTime, rfc5424, type SyslogHeader, sourced, stamped } from "./syslog.ts";

/** How a line with a header of a log daemon begins. */
export type HeaderShape =
  | "rfc5424"
  | "syslog-pri"
  | "dovecot"
  | "logread"
  | "syslog-dated"
  | "syslog"
  | "with-unit"
  | "short-full"
  | "short-unix"
  | "short-monotonic"
  | "relayed"
  | "host-colon";

interface Shape {
  readonly name: HeaderShape;
  /** A line of it. */
  readonly example: string;
  /** The header of a line of this shape; `now` in epoch milliseconds, for stamps without a year. */
  readonly read: (line: string, now: number) => SyslogHeader | undefined;
  /** What the stamp of such a line leaves ambiguous. */
  readonly doubt?: (line: string) => Doubt | undefined;
  /**
   * False: a first line does not settle it, since in a log of another shape a client's text could stand in the place of its tag. It is
   * read only where `--format` says so.
   */
  readonly isFound: boolean;
}

const SHORT_UNIX = /^(\d{9,11})\.(\d{6}) /;
const SHORT_MONOTONIC = /^\[ {0,11}\d{1,11}\.\d{6}\] /;

/** All shapes, in the order in which they are tried for a first line. */
export const HEADER_SHAPES: readonly Shape[] = [
  {
    name: "rfc5424",
    example: "<38>1 2026-11-28T16:27:44.123456+01:00 gw sshd 7 - - Failed password",
    read: rfc5424,
    isFound: true,
  },
  {
    name: "syslog-pri",
    example: "<38>Nov 28 16:27:44 gw sshd[7]: Failed password",
    read: (line, now) => {
      const start = afterPri(line);
      return start === 0 ? undefined : stamped(line, now, start);
    },
    doubt: (line) => yearOf(line, afterPri(line)),
    isFound: true,
  },
  {
    name: "dovecot",
    example: "Nov 28 16:27:44 imap-login: Info: Disconnected (auth failed, 1 attempts in 2 secs)",
    read: dovecot,
    doubt: (line) => yearOf(line, 0),
    isFound: true,
  },
  {
    name: "logread",
    example: "Sat Nov 28 16:27:44 2026 auth.info sshd[7]: Failed password",
    read: logread,
    doubt: () => "zone",
    isFound: true,
  },
  {
    name: "syslog-dated",
    example: "Sat Nov 28 16:27:44 2026 gw sshd[7]: Failed password",
    read: datedSyslog,
    doubt: (line) => (isYearless(line) ? "year" : "zone"),
    isFound: true,
  },
  {
    name: "syslog",
    example: "Nov 28 16:27:44 gw sshd[7]: Failed password",
    read: stamped,
    doubt: (line) => yearOf(line, 0),
    isFound: true,
  },
  {
    name: "with-unit",
    example: "Sat 2026-11-28 16:27:44 CET gw ssh.service[7]: Failed password",
    read: withUnit,
    isFound: true,
  },
  {
    name: "short-full",
    example: "Sat 2026-11-28 16:27:44 CET gw sshd[7]: Failed password",
    read: (line) => afterStamp(line, SHORT_FULL, calendarTime),
    isFound: true,
  },
  {
    name: "short-unix",
    example: "1795883264.123456 gw sshd[7]: Failed password",
    read: (line) => afterStamp(line, SHORT_UNIX, unixTime),
    isFound: true,
  },
  {
    name: "short-monotonic",
    example: "[   12.345678] gw sshd[7]: Failed password",
    read: (line) => afterStamp(line, SHORT_MONOTONIC, () => undefined),
    isFound: true,
  },
  {
    name: "relayed",
    example: "Nov 28 16:27:44 relay gw sshd[7]: Failed password",
    read: relayed,
    doubt: (line) => yearOf(line, afterPri(line)),
    isFound: false,
  },
  {
    name: "host-colon",
    example: "Nov 28 16:27:44 gw: sshd[7]: Failed password",
    read: hostColon,
    doubt: (line) => yearOf(line, afterPri(line)),
    isFound: false,
  },
];

const BY_NAME: ReadonlyMap<HeaderShape, Shape> = new Map(HEADER_SHAPES.map((each) => [each.name, each]));

/**
 * Reads the header of a line.
 *
 * @param now epoch milliseconds, for stamps without a year
 * @returns undefined when the line has no header of this shape
 */
export function readHeader(line: string, shape: HeaderShape, now: number): SyslogHeader | undefined {
  return shape === "syslog" ? stamped(line, now) : BY_NAME.get(shape)?.read(line, now);
}

/** What the stamp of a line with such a header leaves ambiguous: one of RFC 3164 has neither year nor zone. */
export function ambiguityOf(line: string, shape: HeaderShape): Doubt | undefined {
  return BY_NAME.get(shape)?.doubt?.(line);
}

/** How a line of an input is better read than in the input's shape, if at all; `untagged`: no tag is found in its header, or a doubtful one. */
export function betterShape(
  line: string,
  shape: HeaderShape,
  now: number,
): HeaderShape | "untagged" | undefined {
  const header = readHeader(line, shape, now);
  if (header === undefined) return undefined;
  if (shape === "short-full" && withUnit(line)) return "with-unit";
  const { source, start, identifier } = header;
  const isPlain = shape === "syslog" || shape === "syslog-pri";
  if (HOST_ALONE.test(line.slice(source, start)) && TAG_AND_PID.test(line.slice(start, start + LONGEST_TAG)))
    return isPlain ? "host-colon" : "untagged";
  if (identifier !== undefined) return YEAR_AS_HOST.test(line.slice(source, start)) ? "untagged" : undefined;
  return isPlain && namesTwoHosts(line, now) ? "relayed" : "untagged";
}

/** What may be a host with a colon, and a tag after it. */
const HOST_ALONE = /^[^\s:[\]()]+: ?$/;
const TAG_AND_PID = /^[^\s:[\]()]{1,128}(?:\([^\s()]{0,64}\))?\[\d{1,20}\]: /;
const LONGEST_TAG = 220;
const YEAR_AS_HOST = /^20\d\d /;

/** What a stamp that begins at `start` leaves ambiguous: one that begins with a digit is of ISO 8601. */
function yearOf(line: string, start: number): Doubt | undefined {
  const code = line.charCodeAt(start);
  return code >= 0x30 && code <= 0x39 ? undefined : "year";
}

function afterStamp(
  line: string,
  stamp: RegExp,
  timeOf: (match: RegExpExecArray) => number | undefined,
): SyslogHeader | undefined {
  const match = stamp.exec(line);
  return match ? sourced(line, match[0].length, timeOf(match)) : undefined;
}

function unixTime([, seconds, microseconds = ""]: RegExpExecArray): number {
  return Number(seconds) * 1000 + Number(microseconds.slice(0, 3));
}
