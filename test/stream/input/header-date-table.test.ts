import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import { Engine } from "../../../src/stream/engine.ts";
import { filterRule, newJail } from "../../helpers/jail.ts";

// Each shape of a line with each form of a date, through the whole engine, the format found out by itself: a log of twelve such lines is read,
// each with its address and its time, or an alert tells within them that it is not.

const NOW = Date.UTC(2026, 10, 28, 18);
/** What each date means in Zurich. */
const TIME = "2026-11-28T15:27:44";
const LINES = 12;

before(() => {
  process.env.TZ = "Europe/Zurich";
});

const DATES: readonly string[] = [
  "Nov 28 16:27:44",
  "Nov 28 16:27:44.123",
  "Nov 28 16:27:44.123456",
  "Sat Nov 28 16:27:44",
  "Sat Nov 28 16:27:44 2026",
  "Nov 28 16:27:44 2026",
  "Nov 28 2026 16:27:44",
  "2026 Nov 28 16:27:44",
  "Sat Nov 28 16:27:44.123456 2026",
  "2026-11-28T16:27:44+01:00",
  "2026-11-28T16:27:44+0100",
  "2026-11-28T15:27:44Z",
  "2026-11-28T15:27:44.123Z",
  "2026-11-28T16:27:44.123456+01:00",
  "2026-11-28T15:27:44.1234567Z",
  "2026-11-28T15:27:44.123456789Z",
  "2026-11-28T16:27:44.123456789+01:00",
  "2026-11-28T16:27:44",
  "2026-11-28 16:27:44",
  "2026-11-28 16:27:44,123",
  "2026-11-28 16:27:44.123 +0100",
  "2026/11/28 16:27:44",
  "28/Nov/2026:16:27:44 +0100",
  "28-Nov-2026 16:27:44.123",
  "Sat 2026-11-28 16:27:44 CET",
  "1795879664.123456",
  "261128 16:27:44",
  "28/11/2026 16:27:44",
  "Nov 28, 2026 4:27:44 PM",
  "20261128T162744",
  "[   12.345678]",
  "",
];

const SSHD = "Failed password for root from IP port 22 ssh2";
const sshd = { identifier: ["sshd"], failregex: "^Failed password for \\S+ from <ADDR> port \\d+ ssh2$" };
const imap = {
  identifier: ["dovecot"],
  failregex: "^[\\w-]+: Disconnected \\(auth failed, \\d+ attempts\\): user=<.*>, rip=<ADDR>$",
};
const raw = (failregex: string) => ({ identifier: undefined, failregex });

interface Row {
  readonly name: string;
  /** The lines of one failure; `D` is the date, `IP` the address. */
  readonly lines: readonly string[];
  readonly jail: { readonly identifier: readonly string[] | undefined; readonly failregex: string };
  /** By date: `r`, it is read, or `t`, it is told; `-`: nobody writes such lines, and they are not tried. */
  readonly results: string;
}

const ROWS: readonly Row[] = [
  {
    name: "syslog",
    lines: [`D gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "syslog without a host",
    lines: [`D sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrttttttrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "syslog without a pid",
    lines: [`D gw sshd: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "an old PAM module",
    lines: [`D gw sshd(pam_unix)[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host that is an IPv6 address",
    lines: [`D 2001:db8::1 sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host that begins like a year",
    lines: [`D 2024-web sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host that is an IPv4 address",
    lines: [`D 192.0.2.1 sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host with a domain",
    lines: [`D gw.example.com sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host in brackets",
    lines: [`D [gw] sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrttttttrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host after an @",
    lines: [`D @gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrttttttrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "BusyBox's syslogd",
    lines: [`D gw auth.info sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "BusyBox's syslogd, without a pid",
    lines: [`D gw authpriv.warn sshd: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "logread of OpenWrt",
    lines: [`D auth.info sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "logread -t of OpenWrt",
    lines: [`D [1795879664.123] auth.info sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrtrtttrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a host twice",
    lines: [`D gw gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrrrrrrrrrrrrrrrtttttttrrtttttt",
  },
  {
    name: "a relay and a host",
    lines: [`D relay gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "a host with a colon",
    lines: [`D gw: sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "syslog after a priority",
    lines: [`<38>D gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrttttttrrrrrrrrttttttttttttttt",
  },
  {
    name: "BusyBox's syslogd after a priority",
    lines: [`<38>D gw auth.info sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "rrrttttttrrrrrrrrttttttttttttttt",
  },
  {
    name: "a relay and a host after a priority",
    lines: [`<38>D relay gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "RFC 5424",
    lines: [`<38>1 D gw sshd 7 - - ${SSHD}`],
    jail: sshd,
    results: "tttttttttrrrrrrrrttttttttttttttt",
  },
  {
    name: "RFC 5424 with data",
    lines: [`<38>1 D gw sshd 7 ID47 [a@1 b="c"] ${SSHD}`],
    jail: sshd,
    results: "tttttttttrrrrrrrrttttttttttttttt",
  },
  {
    name: "a blank before the pid",
    lines: [`D gw sshd [7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "no colon",
    lines: [`D gw sshd[7] ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "a date in brackets",
    lines: [`[D] gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "bars",
    lines: [`D | gw | sshd[7] | ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "tabs",
    lines: [`D\tgw\tsshd[7]:\t${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "a blank before all",
    lines: [` D gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "FreeBSD's syslogd -v",
    lines: [`D <auth.info> gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "a facility in brackets",
    lines: [`D gw [auth.info] sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "a coloured date",
    lines: [`\u001b[32mD\u001b[0m gw sshd[7]: ${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "a coloured message",
    lines: [`D gw sshd[7]: \u001b[31m${SSHD}`],
    jail: sshd,
    results: "tttttttttttttttttttttttttttttttt",
  },
  {
    name: "dovecot's own log",
    lines: ["D imap-login: Info: Disconnected (auth failed, 1 attempts): user=<x>, rip=IP"],
    jail: imap,
    results: "rrrttttttrrrrrrrrttttttt--tttt-t",
  },
  {
    name: "dovecot's own log, a service with a pid",
    lines: ["D auth-worker(7): Info: Disconnected (auth failed, 1 attempts): user=<x>, rip=IP"],
    jail: { ...imap, failregex: imap.failregex.replace("[\\w-]+", "[\\w-]+\\(7\\)") },
    results: "rrrttttttrrrrrrrrttttttt--tttt-t",
  },
  {
    name: "docker's json-file",
    lines: [`{"log":"${SSHD}\\n","stream":"stderr","time":"D"}`],
    jail: raw("^Failed password for \\S+ from <ADDR> port \\d+ ssh2$"),
    results: "tttttttttrrrrrrrrttttttttttttttt",
  },
  {
    name: "docker's json-file, in pieces",
    lines: [
      '{"log":"Failed pass","stream":"stderr","time":"D"}',
      '{"log":"word for root from IP port 22 ssh2\\n","stream":"stderr","time":"2026-11-28T15:27:44.5Z"}',
    ],
    jail: raw("^Failed password for \\S+ from <ADDR> port \\d+ ssh2$"),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr",
  },
  {
    name: "the CRI's log",
    lines: [`D stderr F ${SSHD}`],
    jail: raw("^Failed password for \\S+ from <ADDR> port \\d+ ssh2$"),
    results: "---------rrrrrrrr---------------",
  },
  {
    name: "the CRI's log, in pieces",
    lines: ["D stdout P Failed pass", "D stdout F word for root from IP port 22 ssh2"],
    jail: raw("^Failed password for \\S+ from <ADDR> port \\d+ ssh2$"),
    results: "---------rrrrrrrr---------------",
  },
  {
    name: "docker logs -t",
    lines: [`D ${SSHD}`],
    jail: raw("Failed password for \\S+ from <ADDR> port \\d+ ssh2$"),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrtt",
  },
  {
    name: "an access log",
    lines: ['IP - - [D] "GET / HTTP/1.1" 404 0'],
    jail: raw('^<ADDR> - - \\[[^\\]]*\\]{1,2} "GET'),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrtrrrrtt",
  },
  {
    name: "an error log",
    lines: ["[D] [core:error] [client IP:4] x"],
    jail: raw("\\] \\[core:error\\] \\[client <ADDR>:"),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrtt",
  },
  {
    name: "JSON",
    lines: ['{"time":"D","remoteAddr":"IP"}'],
    jail: raw('"remoteAddr":"<ADDR>"'),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrtrrrrtt",
  },
  {
    name: "names and values",
    lines: ['time="D" level=warning ip=IP'],
    jail: raw(" ip=<ADDR>$"),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrtrrrrtt",
  },
  {
    name: "an application's brackets",
    lines: ["[D][api][ERROR] wrong password from IP"],
    jail: raw("\\[api\\]\\[ERROR\\] wrong password from <ADDR>$"),
    results: "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrtt",
  },
];

/** The results of a log: what was banned, with its time, and what was told. */
function run(
  { lines, jail: { identifier, failregex } }: Row,
  date: string,
): { times: string[]; told: string[] } {
  const times: string[] = [];
  const told: string[] = [];
  const filter = filterRule({ failregex: [failregex] });
  const jail = newJail({ identifier, filter, maxretry: 1, bantime: 86_400_000 });
  const options = {
    isLive: false,
    silence: 0,
    prefilter: true,
    format: undefined,
    source: undefined,
    maxLine: 2000,
    maxKeys: 1000,
    maxEvidence: 1 << 20,
    report: new Report("test", (line) => told.push(line)),
    write: (line: string) => times.push(/"cmd":"ban".*"time":"(.{19})/.exec(line)?.[1] ?? ""),
  };
  const engine = new Engine([{ jail, filter: compileFilter(filter) }], options, NOW);
  for (let i = 1; i <= LINES; i++) {
    const text = lines.map((line) => `${line.replace("D", date).replace("IP", `192.0.2.${i}`)}\n`).join("");
    engine.push(Buffer.from(text), NOW);
  }
  engine.end(NOW);
  return { times: times.filter(Boolean), told: told.filter((line) => line.startsWith("test: warning")) };
}

function resultOf(row: Row, date: string): string {
  const { times, told } = run(row, date);
  if (told.length > 0) return "t";
  return times.length === LINES && times.every((time) => time === TIME) ? "r" : "!";
}

for (const row of ROWS) {
  test(`each form of a date is read or told in ${row.name}`, () => {
    const results = DATES.map((date, at) => (row.results[at] === "-" ? "-" : resultOf(row, date)));
    assert.equal(results.join(""), row.results);
  });
}
