import { localTime, withoutYear } from "../../shared/time.ts";
import { calendarTime, FACILITY, monthOf, type SyslogHeader, stampAt, TAG } from "./syslog.ts";

/** `Sat `, and the year, wherever syslog daemons put them around `Nov 28 16:27:44`. */
const WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ";
const YEAR = String.raw`20\d\d`;
const DAY = String.raw`([A-Z][a-z]{2}) ([ \d]?\d)`;
const CLOCK = String.raw`(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?`;

/** Each with month to second in groups 1 to 5 and the year, if there is one, in a group `year`. */
const DATED: readonly RegExp[] = [
  `(?:${WEEKDAY})?${DAY} ${CLOCK} (?<year>${YEAR}) `,
  `(?:${WEEKDAY})?${DAY} (?<year>${YEAR}) ${CLOCK} `,
  `(?<year>${YEAR}) ${DAY} ${CLOCK} `,
  `${WEEKDAY}${DAY} ${CLOCK} `,
].map((source) => new RegExp(`^${source}`));

/**
 * Host and tag after such a stamp, which other logs have too: so both must be there, and a word for a level is no host, for a client's
 * text often follows one; nor is a year.
 */
const STRICT_SOURCE = new RegExp(
  String.raw`(?!(?:trace|debug|info|notice|warn|warning|error|err|crit|critical|alert|emerg|fatal|panic|severe|20\d\d) )` +
    String.raw`([a-z0-9](?:[\w.:/-]*\w)?) (?:\1 |${FACILITY})?(?:${TAG})`,
  "iy",
);

/** Reads a header whose stamp has a weekday, a year or both. */
export function datedSyslog(line: string, now: number): SyslogHeader | undefined {
  for (const pattern of DATED) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const start = match[0].length;
    STRICT_SOURCE.lastIndex = start;
    const source = STRICT_SOURCE.exec(line);
    if (source === null) continue;
    const time = datedTime(match, match.groups?.year, now);
    return { time, identifier: source[2], source: start, start: STRICT_SOURCE.lastIndex };
  }
  return undefined;
}

/** Whether a line that has such a header leaves out the year. */
export function isYearless(line: string): boolean {
  return DATED.slice(0, 3).every((pattern) => !pattern.test(line));
}

/** Month to second are the groups besides the year. */
function datedTime(groups: readonly string[], year: string | undefined, now: number): number | undefined {
  const others = groups.slice(1).filter((group) => group !== year);
  const [month = "", ...numbers] = others;
  const number = monthOf(month);
  if (number === undefined) return undefined;
  const [day = 0, hour = 0, minute = 0, second = 0] = numbers.map(Number);
  return year === undefined
    ? withoutYear(number, day, hour, minute, second, now)
    : localTime(Number(year), number, day, hour, minute, second);
}

/** OpenWrt: asctime, with `-t` also seconds since 1970, facility, tag; no host. */
const LOGREAD = new RegExp(
  String.raw`^${WEEKDAY}${DAY} ${CLOCK} (?<year>${YEAR}) (?:\[\d{9,11}\.\d{3}\] )?${FACILITY}(?:(?=[^\s:]+:(?: |$))${TAG})?`,
);

/** Reads what OpenWrt's `logread` writes. */
export function logread(line: string, now: number): SyslogHeader | undefined {
  const match = LOGREAD.exec(line);
  if (match === null) return undefined;
  const [header] = match;
  const tag = match[7];
  const source = tag === undefined ? header.length : header.lastIndexOf(` ${tag}`) + 1;
  return {
    time: datedTime(match.slice(0, 7), match.groups?.year, now),
    identifier: tag,
    source,
    start: header.length,
  };
}

/** `journalctl -o short-full`: the stamp. */
export const SHORT_FULL =
  /^[A-Z][a-z]{2} (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([A-Z][A-Za-z0-9+-]{0,9}|[+-]\d\d(?:\d\d)?) /;
const UNIT =
  /(?:(\S*[^\s:]) )?((?:[\w:.@\\-]{1,255}\/)?[\w:.@\\-]{1,255}\.(?:service|scope|slice|socket|mount|timer|swap|path))(?:\[(\d{1,20})\])?: /y;

/** Reads what `journalctl -o with-unit` writes: a unit's name stands in the place of the tag. */
export function withUnit(line: string): SyslogHeader | undefined {
  const match = SHORT_FULL.exec(line);
  if (match === null) return undefined;
  const source = match[0].length;
  UNIT.lastIndex = source;
  const [, host = "", identifier, pid] = UNIT.exec(line) ?? [];
  if (identifier === undefined) return undefined;
  const process = pid === undefined ? undefined : `${host} ${pid}`;
  return { time: calendarTime(match), identifier, source, start: UNIT.lastIndex, process };
}

const DOVECOT = new RegExp(
  "((?:master|auth|auth-worker|config|log|anvil|stats|old-stats|director|doveadm|doveadm-server|dict|dict-async|dict-expire|lmtp|lda|imap|pop3" +
    "|submission|managesieve|imap-login|pop3-login|submission-login|managesieve-login|imap-urlauth|imap-urlauth-login|imap-urlauth-worker" +
    "|imap-hibernate|indexer|indexer-worker|replicator|aggregator|ssl-params|ipc|script|script-login|quota-status|dns-client|dns_client" +
    String.raw`|health-check)(?:\([^\s()]*\))?(?:<[^\s<>]*>){0,3}): (?:Debug|Info|Warning|Error|Fatal|Panic): `,
  "y",
);

/** Reads a line of dovecot's own log file: all are dovecot's, and the level is no part of the message, as in syslog. */
export function dovecot(line: string, now: number): SyslogHeader | undefined {
  const stamp = stampAt(line, now);
  if (stamp === undefined) return undefined;
  DOVECOT.lastIndex = stamp.end;
  const service = DOVECOT.exec(line)?.[1];
  if (service === undefined) return undefined;
  const start = DOVECOT.lastIndex;
  const message = `${service}: ${line.slice(start)}`;
  return { time: stamp.time, identifier: "dovecot", source: stamp.end, start, message, process: undefined };
}

const PRI = /^<(?:0|[1-9]\d{0,2})>/;

/** Where a line's stamp begins: after `<PRI>`, if it has one. */
export function afterPri(line: string): number {
  return PRI.exec(line)?.[0].length ?? 0;
}

const RELAYED = new RegExp(String.raw`(\S*[^\s:\]]) (?:(\S*[^\s:\]]) )?(?:${TAG})`, "y");
const HOST_COLON = new RegExp(String.raw`(\S*[^\s:\]]): (?:${TAG})`, "y");
const PID = /\[([^\s\]]+)\]: ?$/;

/** Reads a header with the names of two hosts, a relay's and the sender's, or with one. */
export function relayed(line: string, now: number): SyslogHeader | undefined {
  return tagged(line, now, RELAYED);
}

/** Reads a header with a colon behind the host. */
export function hostColon(line: string, now: number): SyslogHeader | undefined {
  return tagged(line, now, HOST_COLON);
}

/** The last group is the tag; the group before it, or else the first one, is the host. */
function tagged(line: string, now: number, pattern: RegExp): SyslogHeader | undefined {
  const stamp = stampAt(line, now, afterPri(line));
  if (stamp === undefined) return undefined;
  pattern.lastIndex = stamp.end;
  const match = pattern.exec(line);
  if (match === null) return undefined;
  const host = match.length === 4 ? (match[2] ?? match[1]) : match[1];
  const pid = PID.exec(match[0])?.[1];
  const process = pid === undefined ? undefined : `${host} ${pid}`;
  return { time: stamp.time, identifier: match.at(-1), source: stamp.end, start: pattern.lastIndex, process };
}

/** Whether two different names of hosts stand before a tag. */
export function namesTwoHosts(line: string, now: number): boolean {
  const stamp = stampAt(line, now, afterPri(line));
  if (stamp === undefined) return false;
  RELAYED.lastIndex = stamp.end;
  return RELAYED.exec(line)?.[2] !== undefined;
}
