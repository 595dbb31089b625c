import assert from "node:assert/strict";
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { decode, isBan } from "../../src/protocol/command.ts";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { ROOT } from "../helpers/root.ts";

// One pipe and fail2ban itself, both live on the same files and the same journal, with a jail.local as people publish them: what the one
// bans, the other bans too.

const JOURNALD = "/lib/systemd/systemd-journald";
const JOURNAL_SOCKET = "/run/systemd/journal/dev-log";
const UNIT = "/sys/fs/cgroup/system.slice/sshd.service";
/** Sends a line of its stdin to a socket as a datagram, each. */
const SEND =
  "socket S, AF_UNIX, SOCK_DGRAM, 0; connect S, sockaddr_un shift or die; $| = 1; while (<STDIN>) { chomp; send S, $_, 0 or die }";

const JAIL_LOCAL = `
[DEFAULT]
bantime = 1h
findtime = 10m
maxretry = 3
ignoreip = 127.0.0.1/8 192.0.2.200
ignoreself = false
usedns = no
banaction = note
banaction_allports = note
action = note[name=%(__name__)s]

[sshd]
enabled = true
backend = systemd

[postfix]
enabled = true
backend = auto
mode = more
logpath = /var/log/mail.log

[postfix-sasl]
enabled = true
backend = auto
logpath = /var/log/mail.log

[dovecot]
enabled = true
backend = auto
logpath = /var/log/mail.log

[nginx-http-auth]
enabled = true
logpath = /var/log/nginx/error.log

[nginx-limit-req]
enabled = true
logpath = /var/log/nginx/*error.log

[nginx-botsearch]
enabled = true
maxretry = 2
logpath = /var/log/nginx/access.log

[nginx-bad-request]
enabled = true
logpath = /var/log/nginx/*access.log

[vsftpd]
enabled = true
logpath = /var/log/vsftpd.log

[apache-auth]
enabled = true
logpath = /var/log/apache2/error.log

[webapp]
enabled = true
filter = webapp
logpath = /srv/webapp/logs/*.log

[recidive]
enabled = true
logpath = /var/log/fail2ban.log
maxretry = 3
findtime = 1d
bantime = 1w
`;

const WEBAPP = `
[Definition]
failregex = ^ WARN login failed for user '<F-USER>[^']*</F-USER>' from <HOST>$
datepattern = ^\\[%%d/%%m/%%Y %%H:%%M:%%S\\]
`;

const NOTE = `
[Definition]
actionban = echo "<name> <ip>" >> /var/log/banned
actionunban =
`;

const FAIL2BAN_LOCAL = `
[Definition]
loglevel = INFO
logtarget = /var/log/fail2ban.log
dbfile = None
socket = /run/fail2ban.sock
pidfile = /run/fail2ban.pid
`;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** The parts of the time now, in UTC: the zone of the host. */
function parts() {
  const date = new Date();
  const two = (n: number) => String(n).padStart(2, "0");
  return {
    day: two(date.getUTCDate()),
    blank: String(date.getUTCDate()).padStart(2),
    month: MONTHS[date.getUTCMonth()],
    number: two(date.getUTCMonth() + 1),
    weekday: DAYS[date.getUTCDay()],
    year: date.getUTCFullYear(),
    time: date.toISOString().slice(11, 19),
  };
}

/** How each jail's service writes a failure, and where: a file, or the journal. */
const SERVICES: Readonly<Record<string, { log: string; line: (ip: string) => string }>> = {
  sshd: { log: "journal", line: (ip) => `<38>sshd[311]: Failed password for root from ${ip} port 4711 ssh2` },
  postfix: {
    log: "/var/log/mail.log",
    line: (ip) =>
      `${syslog("postfix/smtpd[52]")}NOQUEUE: reject: RCPT from unknown[${ip}]: 554 5.7.1 <a@example.org>: Relay access denied; from=<b@example.org> to=<a@example.org> proto=ESMTP helo=<h>`,
  },
  "postfix-sasl": {
    log: "/var/log/mail.log",
    line: (ip) =>
      `${syslog("postfix/smtpd[53]")}warning: unknown[${ip}]: SASL LOGIN authentication failed: authentication failure`,
  },
  dovecot: {
    log: "/var/log/mail.log",
    line: (ip) =>
      `${syslog("dovecot")}imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<u>, method=PLAIN, rip=${ip}, lip=198.51.100.1, session=<x>`,
  },
  "nginx-http-auth": {
    log: "/var/log/nginx/error.log",
    line: (ip) =>
      `${nginxError()}user "u": password mismatch, client: ${ip}, server: w, request: "GET / HTTP/1.1", host: "w"`,
  },
  "nginx-limit-req": {
    log: "/var/log/nginx/shop-error.log",
    line: (ip) =>
      `${nginxError()}limiting requests, excess: 5.310 by zone "login", client: ${ip}, server: w, request: "GET / HTTP/1.1", host: "w"`,
  },
  "nginx-botsearch": {
    log: "/var/log/nginx/access.log",
    line: (ip) => `${access(ip)}"GET /phpmyadmin/index.php HTTP/1.1" 404 146 "-" "-"`,
  },
  "nginx-bad-request": {
    log: "/var/log/nginx/shop-access.log",
    line: (ip) => `${access(ip)}"\\x16\\x03\\x01" 400 150 "-" "-"`,
  },
  vsftpd: {
    log: "/var/log/vsftpd.log",
    line: (ip) => {
      const { weekday, month, blank, time, year } = parts();
      return `${weekday} ${month} ${blank} ${time} ${year} [pid 61] [u] FAIL LOGIN: Client "${ip}"`;
    },
  },
  "apache-auth": {
    log: "/var/log/apache2/error.log",
    line: (ip) => {
      const { weekday, month, day, time, year } = parts();
      return `[${weekday} ${month} ${day} ${time}.123456 ${year}] [auth_basic:error] [pid 62:tid 140] [client ${ip}:4711] AH01617: user u: authentication failure for "/": Password Mismatch`;
    },
  },
  webapp: {
    log: "/srv/webapp/logs/production.log",
    line: (ip) => {
      const { day, number, year, time } = parts();
      return `[${day}/${number}/${year} ${time}] WARN login failed for user 'u' from ${ip}`;
    },
  },
};

function syslog(tag: string): string {
  const { month, blank, time } = parts();
  return `${month} ${blank} ${time} mail1 ${tag}: `;
}

function nginxError(): string {
  const { year, number, day, time } = parts();
  return `${year}/${number}/${day} ${time} [error] 71#71: *5 `;
}

function access(ip: string): string {
  const { day, month, year, time } = parts();
  return `${ip} - - [${day}/${month}/${year}:${time} +0000] `;
}

const JAILS = [...Object.keys(SERVICES), "recidive"];

describe("a jail.local of twelve jails, as one pipe and as fail2ban", {
  skip:
    hostSkip("fail2ban-server", "fail2ban-client", "journalctl", "perl") ||
    (!existsSync(JOURNALD) && `needs ${JOURNALD}`) ||
    (!existsSync("/usr/lib/python3/dist-packages/systemd") && "needs python3-systemd"),
}, () => {
  let host: DaemonHost;
  let journal: ReturnType<DaemonHost["start"]>;

  before(async () => {
    host = await DaemonHost.create();
    await host.run("mkdir", "-p", "/run/systemd/journal", "/run/log/journal");
    await host.run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup");
    host.start(JOURNALD);
    await host.until(
      () => readdirSync(host.path("/run/log/journal")).length > 0,
      "journald has begun a journal",
    );
    await host.run("rm", "-rf", "/etc/fail2ban/jail.d");
    host.write("/etc/fail2ban/jail.local", JAIL_LOCAL);
    host.write("/etc/fail2ban/fail2ban.local", FAIL2BAN_LOCAL);
    host.write("/etc/fail2ban/filter.d/webapp.conf", WEBAPP);
    host.write("/etc/fail2ban/action.d/note.conf", NOTE);
    for (const { log } of Object.values(SERVICES)) if (log !== "journal") host.write(log, "");
    host.write("/var/log/fail2ban.log", "");
    host.write("/var/log/banned", "");
    // The journal knows a service by its process: its name, and its control group.
    await host.run("cp", "/usr/bin/perl", "/run/sshd/sshd");
    await host.run("mkdir", "-p", UNIT);
    journal = host.startWithInput(
      ...[
        "sh",
        "-c",
        `echo $$ > ${UNIT}/cgroup.procs; exec /run/sshd/sshd -MSocket -e '${SEND}' ${JOURNAL_SOCKET}`,
      ],
    );
    host.start("fail2ban-server", "-f", "start");
    const node = process.execPath;
    const [tail, stream] = ["f2b-tail", "f2b-stream"].map(
      (name) => `${node} ${ROOT}dist/bin/${name}.js -r /etc/fail2ban`,
    );
    host.start(
      "sh",
      "-c",
      `TZ=UTC ${tail} 2>/var/log/f2b-tail | TZ=UTC ${stream} > /var/log/commands 2>/var/log/f2b-stream`,
    );
    await host.until(
      () => JAILS.every((jail) => host.read("/var/log/fail2ban.log").includes(`Jail '${jail}' started`)),
      "fail2ban has started its jails",
    );
    await host.until(() => /^f2b-tail: follows /m.test(host.read("/var/log/f2b-tail")), "f2b-tail follows");
  });
  after(async () => {
    await host.remove();
    if (existsSync(UNIT)) rmdirSync(UNIT);
  });

  function fail(jail: string, ip: string): void {
    const { log, line } = SERVICES[jail] as (typeof SERVICES)[string];
    if (log === "journal") journal.stdin?.write(`${line(ip)}\n`);
    else host.append(log, `${line(ip)}\n`);
  }

  const theirs = () => new Set(host.lines("/var/log/banned"));
  const ours = () =>
    new Set(
      host
        .lines("/var/log/commands")
        .filter(Boolean)
        .map((line) => decode(line, 0))
        .filter(isBan)
        .map(({ jail, ip }) => `${jail} ${ip}`),
    );

  test("both ban the same addresses in the same jails", { timeout: 120_000 }, async () => {
    const expected = new Set<string>();
    for (const [n, jail] of Object.keys(SERVICES).entries()) {
      const [attacker, innocent, ignored] = [`192.0.2.${n + 1}`, `198.51.100.${n + 1}`, "192.0.2.200"];
      const maxretry = jail === "nginx-botsearch" ? 2 : 3;
      for (let i = 0; i < maxretry; i++) {
        for (const ip of [attacker, "203.0.113.9", ignored]) fail(jail, ip);
        if (i > 0) fail(jail, innocent);
        // Files are read in turn by their times: each line is a little later than the one before.
        await sleep(20);
      }
      expected.add(`${jail} ${attacker}`).add(`${jail} 203.0.113.9`);
    }
    expected.add("recidive 203.0.113.9");
    const isDone = () => [theirs(), ours()].every((banned) => banned.size >= expected.size);
    await host.until(isDone, "both have banned", 60_000).catch(() => undefined);
    await sleep(2000);
    const about = `${host.read("/var/log/f2b-tail")}${host.read("/var/log/f2b-stream")}`;
    assert.deepEqual([...theirs()].sort(), [...expected].sort(), "fail2ban");
    assert.deepEqual([...ours()].sort(), [...expected].sort(), about);
  });
});
