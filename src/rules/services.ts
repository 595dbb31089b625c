import { readFileSync } from "node:fs";

/** Port numbers by service name. */
export type Services = ReadonlyMap<string, number>;

/** Names for machines without /etc/services: IANA's, and other common ones. */
const COMMON: Services = new Map([
  ...Object.entries({
    "ftp-data": 20,
    ftp: 21,
    ssh: 22,
    telnet: 23,
    smtp: 25,
    mail: 25,
    domain: 53,
    tftp: 69,
  }),
  ...Object.entries({
    http: 80,
    www: 80,
    kerberos: 88,
    pop3: 110,
    sunrpc: 111,
    auth: 113,
    nntp: 119,
    ntp: 123,
  }),
  ...Object.entries({ imap: 143, imap2: 143, snmp: 161, irc: 194, ldap: 389, https: 443, kpasswd: 464 }),
  ...Object.entries({ submissions: 465, smtps: 465, ssmtp: 465, urd: 465, syslog: 514, rtsp: 554 }),
  ...Object.entries({ nntps: 563, submission: 587, ipp: 631, ldaps: 636, rsync: 873, "ftps-data": 989 }),
  ...Object.entries({ ftps: 990, telnets: 992, imaps: 993, pop3s: 995, socks: 1080, openvpn: 1194 }),
  ...Object.entries({ "ms-sql-s": 1433, radius: 1812, "radius-acct": 1813, mqtt: 1883, nfs: 2049 }),
  ...Object.entries({ squid: 3128, mysql: 3306, "ms-wbt-server": 3389, rdp: 3389, nut: 3493, sieve: 4190 }),
  ...Object.entries({ munin: 4949, sip: 5060, "sip-tls": 5061, "xmpp-client": 5222, "xmpp-server": 5269 }),
  ...Object.entries({ postgresql: 5432, amqp: 5672, vnc: 5900, x11: 6000, redis: 6379, ircd: 6667 }),
  ...Object.entries({ "ircs-u": 6697, "http-alt": 8080, webcache: 8080, "https-alt": 8443, git: 9418 }),
  ...Object.entries({ webmin: 10000, "zabbix-agent": 10050, "zabbix-trapper": 10051 }),
]);

let ofThisMachine: Services | undefined;

/** The services of this machine: /etc/services, then the common ones. Read once. */
export function machineServices(): Services {
  ofThisMachine ??= new Map([...COMMON, ...readServices("/etc/services")]);
  return ofThisMachine;
}

/** Reads the text of services(5): `name port/protocol alias… # comment`. The first mention of a name counts. */
export function parseServices(text: string): Services {
  const services = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, number, ...aliases] = line.replace(/#.*/s, "").trim().split(/\s+/);
    const port = /^(\d{1,5})\/[a-z]+$/.exec(number ?? "")?.[1];
    if (name === undefined || port === undefined || Number(port) > 65535) continue;
    for (const each of [name, ...aliases]) {
      if (!services.has(each)) services.set(each, Number(port));
    }
  }
  return services;
}

/**
 * A port as rules write it: a number, a service name, or a range of either (`10000:10100`, `10000-10100`). Returns a
 * number, or a range `"10000:10100"` as iptables spells it; undefined for anything else.
 */
export function parsePort(text: string, services: Services = machineServices()): number | string | undefined {
  const single = portNumber(text, services);
  if (single !== undefined) return single;
  const cut = /^(\d+|[^:]+(?=:))[:-](.+)$/.exec(text);
  const [from, to] = [portNumber(cut?.[1] ?? "", services), portNumber(cut?.[2] ?? "", services)];
  if (from === undefined || to === undefined || from > to) return undefined;
  return from === to ? from : `${from}:${to}`;
}

function portNumber(text: string, services: Services): number | undefined {
  if (!/^\d+$/.test(text)) return services.get(text.toLowerCase());
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

function readServices(path: string): Services {
  try {
    return parseServices(readFileSync(path, "utf8"));
  } catch {
    return new Map();
  }
}
