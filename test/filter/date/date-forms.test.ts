import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DateDetector } from "../../../src/filter/date/date.ts";

// How the programs that people ban from write dates, and what each means in Zurich: an exact time, or none. What is none brings the alert
// `dateless` (test/stream/input/header-date-table.test.ts).

const NOW = Date.UTC(2026, 10, 28, 16);

before(() => {
  process.env.TZ = "Europe/Zurich";
});

/** 16:27:44 in Zurich, in winter. */
const LOCAL = "2026-11-28T15:27:44.000Z";
/** 16:27:44 in UTC. */
const UTC = "2026-11-28T16:27:44.000Z";

const forms: readonly (readonly [program: string, line: string, time: string | undefined])[] = [
  ["sshd by rsyslog, as of old", "Nov 28 16:27:44 gw sshd[7]: x", LOCAL],
  ["sshd by rsyslog, ISO 8601", "2026-11-28T16:27:44.123456+01:00 gw sshd[7]: x", LOCAL],
  ["sshd by syslog-ng, with milliseconds", "Nov 28 16:27:44.123 gw sshd[7]: x", LOCAL],
  ["journalctl -o short-precise", "Nov 28 16:27:44.123456 gw sshd[7]: x", LOCAL],
  ["journalctl -o short-iso", "2026-11-28T16:27:44+01:00 gw sshd[7]: x", LOCAL],
  ["journalctl -o short-iso, older", "2026-11-28T16:27:44+0100 gw sshd[7]: x", LOCAL],
  ["journalctl -o short-iso-precise", "2026-11-28T16:27:44.123456+01:00 gw sshd[7]: x", LOCAL],
  ["journalctl -o short-full", "Sat 2026-11-28 16:27:44 CET gw sshd[7]: x", LOCAL],
  ["journalctl -o short-full --utc", "Sat 2026-11-28 16:27:44 UTC gw sshd[7]: x", UTC],
  ["a host like a year", "Nov 28 16:27:44 2024-web sshd[7]: x", LOCAL],
  ["a host like a year, with a domain", "Nov 28 16:27:44 2024.example.com sshd[7]: x", LOCAL],
  ["a host that is an IPv6 address", "Nov 28 16:27:44 2001:db8::1 sshd[7]: x", LOCAL],
  ["a host that is a short IPv6 address", "Nov 28 16:27:44 2001::1 sshd[7]: x", LOCAL],
  ["a host that begins like a year", "Nov 28 16:27:44 2024web sshd[7]: x", LOCAL],
  ["a year behind the time", "Nov 28 16:27:44 2025 gw sshd[7]: x", "2025-11-28T15:27:44.000Z"],
  ["a year behind the time, and a colon", "Nov 28 16:27:44 2025: x", "2025-11-28T15:27:44.000Z"],
  ["a year before the time", "Nov 28 2025 16:27:44 gw sshd[7]: x", "2025-11-28T15:27:44.000Z"],
  ["a weekday", "Sat Nov 28 16:27:44 gw sshd[7]: x", LOCAL],
  ["OpenWrt's logread", "Sat Nov 28 16:27:44 2026 auth.info sshd[7]: x", LOCAL],
  ["nginx access.log", '192.0.2.7 - - [28/Nov/2026:16:27:44 +0000] "GET / HTTP/1.1" 404 0', UTC],
  ["nginx error.log", "2026/11/28 16:27:44 [error] 7#7: *1 x", LOCAL],
  ["apache access.log", '192.0.2.7 - - [28/Nov/2026:16:27:44 +0100] "GET / HTTP/1.1" 404 0', LOCAL],
  ["apache error.log", "[Sat Nov 28 16:27:44.123456 2026] [core:error] [pid 7] x", LOCAL],
  ["apache error.log of 2.2", "[Sat Nov 28 16:27:44 2026] [error] [client 192.0.2.7] x", LOCAL],
  ["postfix, maillog_file", "Nov 28 16:27:44 gw postfix/smtpd[7]: x", LOCAL],
  ["dovecot, log_path", "Nov 28 16:27:44 imap-login: Info: x", LOCAL],
  ["exim mainlog", "2026-11-28 16:27:44 no host name found for IP address 192.0.2.7", LOCAL],
  ["exim mainlog with log_timezone", "2026-11-28 16:27:44 +0000 no host name found", UTC],
  ["exim mainlog with millisec", "2026-11-28 16:27:44.123 +0000 no host name found", UTC],
  ["proftpd.log", "2026-11-28 16:27:44,123 gw proftpd[7] gw (192.0.2.7[192.0.2.7]): x", LOCAL],
  ["vsftpd.log", 'Sat Nov 28 16:27:44 2026 [pid 7] [bob] FAIL LOGIN: Client "192.0.2.7"', LOCAL],
  ["pure-ftpd's clf log", '192.0.2.7 - bob [28/Nov/2026:16:27:44 -0000] "GET /x" 200 1', UTC],
  ["asterisk", "[Nov 28 16:27:44] NOTICE[7] chan_sip.c: x", LOCAL],
  ["asterisk with a dateformat", "[2026-11-28 16:27:44] NOTICE[7] chan_sip.c: x", LOCAL],
  ["mysql 8", "2026-11-28T16:27:44.123456Z 7 [Note] Access denied for user", UTC],
  ["mysql 5.6", "2026-11-28 16:27:44 7 [Warning] Access denied for user", LOCAL],
  ["mysql 5.5", "261128 16:27:44 [Warning] Access denied for user", LOCAL],
  ["mariadb", "2026-11-28 16:27:44 7 [Warning] Access denied for user", LOCAL],
  ["postgresql in UTC", "2026-11-28 16:27:44.123 UTC [7] FATAL:  x", UTC],
  [
    "postgresql with an abbreviation, which is left aside",
    "2026-11-28 16:27:44.123 CET [7] FATAL:  x",
    LOCAL,
  ],
  ["mongodb 4.4", '{"t":{"$date":"2026-11-28T16:27:44.123+00:00"},"s":"I", "c":"ACCESS"}', UTC],
  ["mongodb 4.2", "2026-11-28T16:27:44.123+0000 I ACCESS   [conn7] x", UTC],
  ["named", "28-Nov-2026 16:27:44.123 security: info: client x", LOCAL],
  ["named with print-time iso8601-utc", "2026-11-28T16:27:44.123Z security: info: client x", UTC],
  ["haproxy", "gw haproxy[7]: 192.0.2.7:4 [28/Nov/2026:16:27:44.123] web web/a 0", LOCAL],
  ["traefik access.log, CLF", '192.0.2.7 - - [28/Nov/2026:16:27:44 +0000] "GET / HTTP/1.1" 404 0', UTC],
  ["traefik access.log, JSON", '{"ClientHost":"192.0.2.7","time":"2026-11-28T16:27:44Z"}', UTC],
  ["traefik's StartUTC", '{"StartUTC":"2026-11-28T16:27:44.123456789Z","status":404}', UTC],
  ["docker", '{"log":"x\\n","stream":"stderr","time":"2026-11-28T16:27:44.123456789Z"}', UTC],
  ["docker, seven digits", '{"log":"x\\n","stream":"stderr","time":"2026-11-28T16:27:44.1234567Z"}', UTC],
  ["docker logs -t", "2026-11-28T16:27:44.123456789Z x", UTC],
  ["containerd", "2026-11-28T16:27:44.123456789+01:00 stdout F x", LOCAL],
  ["containerd in America", "2026-11-28T16:27:44.12345678-05:00 stdout F x", "2026-11-28T21:27:44.000Z"],
  ["log of Go", "2026/11/28 16:27:44 x", LOCAL],
  ["log of Go with microseconds", "2026/11/28 16:27:44.123456 x", LOCAL],
  ["slog of Go", "time=2026-11-28T16:27:44.123+01:00 level=INFO msg=x", LOCAL],
  ["zap, for the console", "2026-11-28T16:27:44.123+0100\tINFO\tx", LOCAL],
  ["zap with RFC3339Nano", '{"level":"info","ts":"2026-11-28T16:27:44.123456789Z","msg":"x"}', UTC],
  [
    "caddy and zap, JSON: no datepattern is for a number within",
    '{"level":"info","ts":1795883264.1234567}',
    undefined,
  ],
  ["log4j", "2026-11-28 16:27:44,123 WARN [main] org.example.A - x", LOCAL],
  ["java.util.logging", "Nov 28, 2026 4:27:44 PM org.example.A x", LOCAL],
  ["tomcat", "28-Nov-2026 16:27:44.123 WARNING [main] org.example.A x", LOCAL],
  ["spring boot", "2026-11-28T16:27:44.123+01:00  WARN 7 --- [main] x", LOCAL],
  ["php-fpm", "[28-Nov-2026 16:27:44] WARNING: [pool www] x", LOCAL],
  ["php's error_log", "[28-Nov-2026 16:27:44 UTC] PHP Warning: x", UTC],
  ["gitea", "2026/11/28 16:27:44 ...ers/web/auth/auth.go:199:SignInPost() [I] Failed x", LOCAL],
  ["nextcloud", '{"reqId":"x","level":2,"time":"2026-11-28T16:27:44+00:00","remoteAddr":"192.0.2.7"}', UTC],
  ["vaultwarden", "[2026-11-28 16:27:44.123][vaultwarden::api::identity][ERROR] x. IP: 192.0.2.7", LOCAL],
  ["vaultwarden in UTC", "[2026-11-28 16:27:44.123 +0000][vaultwarden::api][ERROR] x", UTC],
  ["python's logging", "2026-11-28 16:27:44,123 WARNING x", LOCAL],
  ["home assistant", "2026-11-28 16:27:44.123 WARNING (MainThread) [homeassistant.components] x", LOCAL],
  ["squid", "1795883264.123    7 192.0.2.7 TCP_DENIED/403 0 GET x", UTC],
  ["auditd", "type=USER_LOGIN msg=audit(1795883264.123:7): pid=7", UTC],
  ["multilog", "@400000006b0b01002fb0f2a4 x", UTC],
];

for (const [program, line, time] of forms) {
  test(`DateDetector reads what is written by ${program}`, () => {
    const found = new DateDetector("", "own").find(line, NOW);
    const read =
      found?.time === undefined ? undefined : new Date(Math.floor(found.time / 1000) * 1000).toISOString();
    assert.equal(read, time);
  });
}

const asFail2ban: readonly (readonly [what: string, line: string, time: string])[] = [
  ["a fraction of nine digits loses its zone", "2026-11-28T16:27:44.123456789Z x", LOCAL],
  ["a host is taken for a year", "Nov 28 16:27:44 2024-web sshd[7]: x", "2024-11-28T15:27:44.000Z"],
  ["an address is taken for a year", "Nov 28 16:27:44 2001:db8::1 sshd[7]: x", "2001-11-28T15:27:44.000Z"],
];

for (const [what, line, time] of asFail2ban) {
  test(`DateDetector reads for fail2ban's jails as fail2ban: ${what}`, () => {
    assert.equal(new DateDetector("").find(line, NOW)?.time, Date.parse(time));
  });
}

test("DateDetector takes nine digits for %f in a datepattern of our rules", () => {
  const line = "x 2026-11-28T16:27:44.123456789Z y";
  const found = new DateDetector("%Y-%m-%dT%H:%M:%S\\.%f%z", "own").find(line, NOW);
  assert.deepEqual([found?.time, line.slice(found?.start, found?.end)], [Date.parse(UTC), line.slice(2, -2)]);
  assert.equal(new DateDetector("%Y-%m-%dT%H:%M:%S\\.%f%z").find(line, NOW), undefined);
});
