import type { DaemonHost } from "./host.ts";

export interface DovecotOptions {
  /** Goes into local.conf, after all that Debian ships. */
  readonly settings?: string;
  /** Names and passwords, instead of the machine's own users (PAM). */
  readonly users?: Readonly<Record<string, string>>;
  /** Answers to wrong passwords at once: PAM and dovecot make a guess take some seconds, and a guesser's address more. */
  readonly isQuick?: boolean;
}

/** What makes guesses quick: no delay after one, none for the address. */
const QUICK = `
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`;

/**
 * Debian's dovecot on a host, as it is shipped but for `options` and a certificate: IMAP 143 and 993, POP3 110 and 995, ManageSieve 4190,
 * submission 587, as far as these packages are installed. Names may be sent without TLS only where `settings` say disable_plaintext_auth=no.
 */
export async function startDovecot(host: DaemonHost, options: DovecotOptions = {}): Promise<void> {
  const { settings = "", users, isQuick = false } = options;
  const parts = [settings];
  if (isQuick) parts.push(QUICK);
  if (users !== undefined) {
    host.write("/etc/dovecot/conf.d/auth-system.conf.ext", PASSWD_FILE);
    parts.push("first_valid_uid = 1");
    const lines = Object.entries(users).map(([name, password]) => `${name}:{PLAIN}${password}\n`);
    host.write("/etc/dovecot/users", lines.join(""));
  }
  host.write("/etc/dovecot/local.conf", parts.join("\n"));
  await makeCertificate(host, "/etc/dovecot/private/dovecot");
  host.start("/usr/sbin/dovecot", "-F");
  await host.listening(143);
}

const PASSWD_FILE = `
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=/var/mail/%u
}
`;

/** Makes `path`.pem and `path`.key for mail.test. */
export async function makeCertificate(host: DaemonHost, path: string): Promise<void> {
  await host.run("mkdir", "-p", path.replace(/\/[^/]*$/, ""));
  await host.run(
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-subj", "/CN=mail.test", "-keyout", `${path}.key`, "-out", `${path}.pem`],
  );
}
