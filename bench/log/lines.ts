import type { LogEntry } from "./entry.ts";
import type { Random } from "./random.ts";

const HOST = "mx1";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const PAGES = [
  "",
  "index.html",
  "style.css",
  "news/2026/11",
  "img/logo.svg",
  "api/v1/items",
  "search?q=shoes",
] as const;
const SCANNED = [
  "wp-login.php",
  ".env",
  "phpmyadmin/",
  "cgi-bin/luci",
  "vendor/phpunit/",
  "backup.zip",
] as const;
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1",
  "curl/8.11.0",
] as const;

/** As rsyslog writes to a file by default: the date without year and zone. */
export function syslogLine({ time, tag, pid, message }: LogEntry): string {
  return `${stamp(time).syslog} ${HOST} ${tag}${pid === undefined ? "" : `[${pid}]`}: ${message}\n`;
}

/** As nginx writes its format "combined". */
export function accessLine(random: Random, time: number, address: string, isScan: boolean): string {
  const page = random.pick(isScan ? SCANNED : PAGES);
  const answer = isScan ? "404 153" : `200 ${random.below(90_000)}`;
  return `${address} - - [${stamp(time).access}] "GET /${page} HTTP/1.1" ${answer} "-" "${random.pick(AGENTS)}"\n`;
}

/** As journalctl -o json does, with the fields that the journal has of a program that writes to syslog. */
export function journalLine(random: Random): (entry: LogEntry) => string {
  const boot = random.word(32).toLowerCase();
  const machine = random.word(32).toLowerCase();
  let sequence = 0;
  return ({ time, tag, pid, message }) => {
    const micro = time * 1000;
    sequence++;
    const isPostfix = tag.startsWith("postfix/");
    const command = tag.replace(/^.*\//, "");
    const unit = isPostfix ? "postfix@-.service" : `${tag}.service`;
    return `${JSON.stringify({
      __CURSOR: `s=${machine};i=${sequence.toString(16)};b=${boot};m=${sequence.toString(16)};t=${micro.toString(16)};x=${sequence}`,
      __REALTIME_TIMESTAMP: String(micro),
      __MONOTONIC_TIMESTAMP: String(sequence * 1000),
      _BOOT_ID: boot,
      _MACHINE_ID: machine,
      _HOSTNAME: HOST,
      PRIORITY: "6",
      SYSLOG_FACILITY: "3",
      SYSLOG_IDENTIFIER: tag,
      ...(pid === undefined ? {} : { SYSLOG_PID: String(pid), _PID: String(pid) }),
      _UID: isPostfix ? "106" : "0",
      _GID: isPostfix ? "113" : "0",
      _TRANSPORT: "syslog",
      _COMM: command,
      _EXE: isPostfix ? `/usr/lib/postfix/sbin/${command}` : `/usr/sbin/${command}`,
      _CMDLINE: isPostfix ? `${command} -n smtp -t inet -u -c` : `/usr/sbin/${command} -D`,
      _CAP_EFFECTIVE: "1ffffffffff",
      _SYSTEMD_CGROUP: `/system.slice/${unit}`,
      _SYSTEMD_UNIT: unit,
      _SYSTEMD_SLICE: "system.slice",
      SYSLOG_TIMESTAMP: `${stamp(time).syslog} `,
      _SOURCE_REALTIME_TIMESTAMP: String(micro - 21),
      MESSAGE: message,
    })}\n`;
  };
}

let last = { second: Number.NaN, syslog: "", access: "" };

/** The date as both kinds of log write it, in UTC. */
function stamp(time: number): { readonly syslog: string; readonly access: string } {
  const second = Math.floor(time / 1000);
  if (second === last.second) return last;
  const date = new Date(time);
  const month = MONTHS[date.getUTCMonth()];
  const day = String(date.getUTCDate());
  const clock = date.toISOString().slice(11, 19);
  last = {
    second,
    syslog: `${month} ${day.padStart(2)} ${clock}`,
    access: `${day.padStart(2, "0")}/${month}/${date.getUTCFullYear()}:${clock} +0000`,
  };
  return last;
}
