import { existsSync } from "node:fs";
import { makeCertificate, startDovecot } from "./dovecot.ts";
import type { DaemonHost } from "./host.ts";

export interface PostfixOptions {
  /** Parameters of main.cf that differ from Debian's. */
  readonly main?: Readonly<Record<string, string>>;
  /** Who judges passwords; none without it, as shipped. */
  readonly sasl?: "cyrus" | "dovecot";
  /** Names and passwords for it. */
  readonly users?: Readonly<Record<string, string>>;
  /** Services of master.cf beside or instead of those as shipped: "submission/inet" to its line. */
  readonly services?: Readonly<Record<string, string>>;
}

/** Postscreen at port 25 and smtpd behind it, as master.cf has it in comments. */
export const POSTSCREEN: Readonly<Record<string, string>> = {
  "smtp/inet": "smtp inet n - y - 1 postscreen",
  "smtpd/pass": "smtpd pass - - y - - smtpd",
  "dnsblog/unix": "dnsblog unix - - y - 0 dnsblog",
  "tlsproxy/unix": "tlsproxy unix - - y - 0 tlsproxy",
};

/** Submission (587) and smtps (465), as master.cf has them in comments, with passwords taken without TLS at 587. */
export const SUBMISSION: Readonly<Record<string, string>> = {
  "submission/inet":
    "submission inet n - y - - smtpd -o syslog_name=postfix/submission -o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject",
  "smtps/inet":
    "smtps inet n - y - - smtpd -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject",
};

/** Names that a host's resolver knows: addresses by name. All others don't exist. */
export type Names = Readonly<Record<string, readonly string[]>>;

/**
 * Debian's postfix on a host, with the main.cf and master.cf of the package but for what `options` change, and a certificate. It takes mail
 * for the users of mail.test (root, and whom the test adds), and asks the host's resolver, see `startResolver`.
 */
export async function startPostfix(host: DaemonHost, options: PostfixOptions = {}): Promise<void> {
  const { main = {}, services = {}, sasl, users = {} } = options;
  await host.run("sh", "-c", PACKAGE_CONFIG);
  await makeCertificate(host, "/etc/postfix/mail");
  const parameters = {
    smtpd_tls_cert_file: "/etc/postfix/mail.pem",
    smtpd_tls_key_file: "/etc/postfix/mail.key",
    smtpd_tls_security_level: "may",
    ...main,
  };
  await host.run("postconf", "-e", ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`));
  for (const [name, line] of Object.entries(services))
    await host.run("postconf", "-M", "-e", `${name}=${line}`);
  if (sasl === "cyrus") await useCyrus(host, users);
  if (sasl === "dovecot") await useDovecot(host, users);
  await host.run("newaliases");
  // What Debian's unit does first: files for the chroot, the resolver's address among them.
  await host.run("sh", "-c", "/usr/lib/postfix/configure-instance.sh -");
  host.start("postfix", "start-fg");
  await host.listening(25);
}

/** The files as the package makes them for an "Internet Site" called mail.test, whatever this machine's own have come to. */
const PACKAGE_CONFIG = `
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
echo mail.test > /etc/mailname
touch /etc/aliases
postconf -e compatibility_level=3.6 myhostname=mail.test 'alias_maps=hash:/etc/aliases' 'alias_database=hash:/etc/aliases' \
  myorigin=/etc/mailname 'mydestination=$myhostname, mail.test, localhost.localdomain, localhost' relayhost= \
  'mynetworks=127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128' mailbox_size_limit=0 recipient_delimiter=+ inet_interfaces=all inet_protocols=all \
  'smtpd_relay_restrictions=permit_mynetworks permit_sasl_authenticated defer_unauth_destination'
`;

async function useCyrus(host: DaemonHost, users: Readonly<Record<string, string>>): Promise<void> {
  host.write(
    "/etc/postfix/sasl/smtpd.conf",
    "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN CRAM-MD5\nsasldb_path: /etc/sasldb2\n",
  );
  host.write(
    "/users",
    Object.entries(users)
      .map(([name, password]) => `${name} ${password}\n`)
      .join(""),
  );
  await host.run(
    "sh",
    "-c",
    'while read -r name password; do echo "$password" | saslpasswd2 -p -c -u mail.test "$name"; done < /users',
  );
  await host.run(
    "sh",
    "-c",
    "mkdir -p /var/spool/postfix/etc && cp /etc/sasldb2 /var/spool/postfix/etc/ && chgrp postfix /etc/sasldb2 /var/spool/postfix/etc/sasldb2",
  );
  await host.run("postconf", "-e", "smtpd_sasl_auth_enable=yes", "smtpd_sasl_local_domain=mail.test");
}

async function useDovecot(host: DaemonHost, users: Readonly<Record<string, string>>): Promise<void> {
  await startDovecot(host, { users, isQuick: true, settings: DOVECOT_SASL });
  const path = "/var/spool/postfix/private/auth";
  await host.run(
    "postconf",
    "-e",
    "smtpd_sasl_auth_enable=yes",
    "smtpd_sasl_type=dovecot",
    "smtpd_sasl_path=private/auth",
  );
  await host.until(() => existsSync(host.path(path)), "dovecot's socket for postfix");
}

const DOVECOT_SASL = `
protocols = imap
auth_mechanisms = plain login cram-md5
disable_plaintext_auth = no
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
`;

/** A resolver on the host, which answers of its own knowledge: names and their addresses, both ways. `records`: further options of dnsmasq. */
export async function startResolver(
  host: DaemonHost,
  names: Names,
  records: readonly string[] = [],
): Promise<void> {
  const hostRecords = Object.entries(names).map(([name, ips]) => `--host-record=${[name, ...ips].join(",")}`);
  // Other names are none, and not an error of a resolver that knows nobody to ask.
  const nobody = ["--no-resolv", "--no-hosts", "--local=//", "--local=/#/"];
  host.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
  host.start(
    ...[
      "dnsmasq",
      "--keep-in-foreground",
      "--user=root",
      "--pid-file",
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
    ],
    ...nobody,
    ...hostRecords,
    ...records,
  );
  await host.listening(53);
}
