import { clientAddress } from "./addresses.ts";
import type { Random } from "./random.ts";

/** A message that brings no ban. */
type Say = (random: Random) => string;

/** A program that writes to syslog, and what it says on an ordinary day. */
export interface Program {
  readonly tag: string;
  /** The kernel gives no pid, and dovecot's master none. */
  readonly hasPid: boolean;
  /** Of a hundred ordinary lines, about so many are its. */
  readonly share: number;
  readonly says: readonly Say[];
}

const USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"] as const;
const UNITS = [
  "apt-daily.service",
  "logrotate.service",
  "man-db.service",
  "fstrim.service",
  "backup.service",
] as const;
const NAMES = ["www", "mail", "cdn", "static", "api", "ns1", "ftp", "shop", "images"] as const;

const port = (random: Random) => 1024 + random.below(64_000);
const user = (random: Random) => random.pick(USERS);
const queueId = (random: Random) => random.word(10);
const host = (random: Random) => `${random.pick(NAMES)}.example.${random.pick(["com", "net", "org"])}`;

/** Twelve programs. */
export const PROGRAMS: readonly Program[] = [
  {
    tag: "sshd",
    hasPid: true,
    share: 20,
    says: [
      (r) =>
        `Accepted publickey for ${user(r)} from ${clientAddress(r)} port ${port(r)} ssh2: ED25519 SHA256:${r.word(43)}`,
      (r) =>
        `pam_unix(sshd:session): session opened for user ${user(r)}(uid=${1000 + r.below(8)}) by (uid=0)`,
      (r) => `pam_unix(sshd:session): session closed for user ${user(r)}`,
      (r) => `Received disconnect from ${clientAddress(r)} port ${port(r)}:11: disconnected by user`,
      (r) => `Disconnected from user ${user(r)} ${clientAddress(r)} port ${port(r)}`,
      (r) => `Connection closed by ${clientAddress(r)} port ${port(r)}`,
    ],
  },
  {
    tag: "postfix/smtpd",
    hasPid: true,
    share: 16,
    says: [
      (r) => `connect from ${host(r)}[${clientAddress(r)}]`,
      (r) =>
        `${queueId(r)}: client=${host(r)}[${clientAddress(r)}], sasl_method=PLAIN, sasl_username=${user(r)}`,
      (r) =>
        `disconnect from ${host(r)}[${clientAddress(r)}] ehlo=2 starttls=1 mail=1 rcpt=${1 + r.below(4)} data=1 quit=1 commands=7`,
      (r) =>
        `Anonymous TLS connection established from ${host(r)}[${clientAddress(r)}]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)`,
    ],
  },
  {
    tag: "dovecot",
    hasPid: false,
    share: 14,
    says: [
      (r) =>
        `imap-login: Login: user=<${user(r)}@example.com>, method=PLAIN, rip=${clientAddress(r)}, lip=192.0.2.25, mpid=${1000 + r.below(60_000)}, TLS, session=<${r.word(16)}>`,
      (r) =>
        `imap(${user(r)}@example.com)<${r.below(60_000)}><${r.word(16)}>: Disconnected: Logged out in=${r.below(9000)} out=${r.below(90_000)} deleted=0 expunged=0 trashed=0`,
      (r) =>
        `lmtp(${user(r)}@example.com)<${r.below(60_000)}><${r.word(16)}>: msgid=<${r.word(20)}@example.net>: saved mail to INBOX`,
    ],
  },
  {
    tag: "CRON",
    hasPid: true,
    share: 8,
    says: [
      (r) => `(root) CMD (   test -x /usr/sbin/${r.pick(NAMES)} && /usr/sbin/${r.pick(NAMES)} --hourly)`,
      (r) =>
        `pam_unix(cron:session): session opened for user ${user(r)}(uid=${1000 + r.below(8)}) by (uid=0)`,
      (r) => `pam_unix(cron:session): session closed for user ${user(r)}`,
    ],
  },
  {
    tag: "systemd",
    hasPid: true,
    share: 10,
    says: [
      (r) => `Starting ${r.pick(UNITS)} - the daily round of ${r.pick(NAMES)}...`,
      (r) => `Finished ${r.pick(UNITS)} - the daily round of ${r.pick(NAMES)}.`,
      (r) =>
        `${r.pick(UNITS)}: Consumed ${r.below(60)}.${r.below(1000)}s CPU time, ${r.below(900)}.${r.below(10)}M memory peak.`,
      (r) => `Started session-${r.below(90_000)}.scope - Session ${r.below(90_000)} of User ${user(r)}.`,
    ],
  },
  {
    tag: "kernel",
    hasPid: false,
    share: 7,
    says: [
      (r) =>
        `[${r.below(900_000)}.${100_000 + r.below(900_000)}] [UFW BLOCK] IN=eth0 OUT= MAC= SRC=${clientAddress(r)} DST=192.0.2.25 LEN=40 TTL=${40 + r.below(20)} ID=${r.below(65_536)} PROTO=TCP SPT=${port(r)} DPT=${r.below(10_000)} WINDOW=1024 SYN`,
      (r) =>
        `[${r.below(900_000)}.${100_000 + r.below(900_000)}] perf: interrupt took too long (${r.below(9000)} > 2500)`,
      (r) =>
        `[${r.below(900_000)}.${100_000 + r.below(900_000)}] EXT4-fs (sda${1 + r.below(4)}): re-mounted. Quota mode: none.`,
    ],
  },
  {
    tag: "named",
    hasPid: true,
    share: 7,
    says: [
      (r) =>
        `client @0x7f${r.word(8)} ${clientAddress(r)}#${port(r)} (${host(r)}): query: ${host(r)} IN A +E(0)K (192.0.2.53)`,
      (r) =>
        `zone example.${r.pick(["com", "net", "org"])}/IN: sending notifies (serial 20261120${10 + r.below(90)})`,
      (r) =>
        `success resolving '${host(r)}/AAAA' after disabling qname minimization due to 'ncache nxdomain'`,
    ],
  },
  {
    tag: "nginx",
    hasPid: true,
    share: 8,
    says: [
      (r) => `*${r.below(900_000)} client ${clientAddress(r)} closed keepalive connection`,
      (r) =>
        `*${r.below(900_000)} upstream response is buffered to a temporary file, client: ${clientAddress(r)}, server: ${host(r)}, request: "GET /${r.pick(NAMES)} HTTP/1.1"`,
    ],
  },
  {
    tag: "sudo",
    hasPid: false,
    share: 3,
    says: [
      (r) =>
        `   ${user(r)} : TTY=pts/${r.below(9)} ; PWD=/home/${user(r)} ; USER=root ; COMMAND=/usr/bin/systemctl restart ${r.pick(UNITS)}`,
      (r) =>
        `pam_unix(sudo:session): session opened for user root(uid=0) by ${user(r)}(uid=${1000 + r.below(8)})`,
    ],
  },
  {
    tag: "rsyslogd",
    hasPid: true,
    share: 2,
    says: [
      () =>
        `[origin software="rsyslogd" swVersion="8.2302.0" x-pid="612" x-info="https://www.rsyslog.com"] rsyslogd was HUPed`,
      (r) => `imuxsock[pid: ${r.below(60_000)}]: begin to drop messages due to rate-limiting`,
    ],
  },
  {
    tag: "dhclient",
    hasPid: true,
    share: 2,
    says: [
      (r) => `DHCPREQUEST for ${clientAddress(r)} on eth0 to 192.0.2.1 port 67`,
      (r) => `bound to ${clientAddress(r)} -- renewal in ${r.below(43_200)} seconds.`,
    ],
  },
  {
    tag: "NetworkManager",
    hasPid: true,
    share: 3,
    says: [
      (r) =>
        `<info>  [17637${r.below(90_000)}.${1000 + r.below(9000)}] dhcp4 (eth${r.below(4)}): state changed new lease, address=${clientAddress(r)}`,
      (r) =>
        `<info>  [17637${r.below(90_000)}.${1000 + r.below(9000)}] device (wlan${r.below(4)}): supplicant interface state: associated -> completed`,
    ],
  },
];
