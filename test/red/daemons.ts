import { startApache } from "../daemons/apache.ts";
import { startDovecot } from "../daemons/dovecot.ts";
import { eximSkip, startExim } from "../daemons/exim.ts";
import { type DaemonHost, hostSkip } from "../daemons/host.ts";
import { startNginx } from "../daemons/nginx.ts";
import { startPostfix } from "../daemons/postfix.ts";
import { startProftpd } from "../daemons/proftpd.ts";
import { startVsftpd, vsftpdSkip } from "../daemons/vsftpd.ts";
import type { Field } from "./field.ts";
import { FTP_FIELDS } from "./ftp.ts";
import { APACHE_FIELDS, NGINX_FIELDS } from "./http.ts";
import { DOVECOT_FIELDS, SMTP_FIELDS } from "./mail.ts";
import { SSH_FIELDS } from "./ssh.ts";
import { startSshd } from "./sshd.ts";

/** A daemon that is attacked. */
export interface Target {
  readonly name: string;
  /** The bundled rules that read its log. */
  readonly rules: readonly string[];
  /** Why it can't be attacked here; false when it can. */
  skip(): string | false;
  start(host: DaemonHost): Promise<void>;
  /** Files, each read as a log of its own. */
  readonly logs: readonly string[];
  readonly fields: readonly Field[];
}

/** PAM without the seconds that it waits after a wrong password. */
const QUICK_PAM =
  "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n";

/** Logins without TLS, by each mechanism, and odd names let through; a process for many connections; and what the jail dovecot-auth reads. */
const DOVECOT = `
auth_mechanisms = plain login cram-md5
disable_plaintext_auth = no
auth_username_chars =
auth_verbose = yes
service imap-login {
  service_count = 0
  process_limit = 4
}
service pop3-login {
  service_count = 0
  process_limit = 4
}
`;

/** No answer is delayed. */
const POSTFIX = {
  smtpd_error_sleep_time: "0",
  smtpd_soft_error_limit: "1000",
  smtpd_client_connection_count_limit: "0",
};

const USERS = { alice: "secret" };

export const TARGETS: readonly Target[] = [
  {
    name: "nginx",
    rules: ["nginx"],
    skip: () => hostSkip("nginx", "openssl"),
    start: (host) => startNginx(host),
    logs: ["/var/log/nginx/access.log", "/var/log/syslog"],
    fields: NGINX_FIELDS,
  },
  {
    name: "sshd",
    rules: ["sshd"],
    skip: () => hostSkip("/usr/sbin/sshd", "ssh-keygen"),
    start: startSshd,
    logs: ["/var/log/syslog"],
    fields: SSH_FIELDS,
  },
  {
    name: "apache",
    rules: ["apache"],
    skip: () => hostSkip("apache2", "htpasswd", "openssl"),
    start: (host) => startApache(host),
    logs: ["/var/log/apache2/access.log", "/var/log/apache2/error.log"],
    fields: APACHE_FIELDS,
  },
  {
    name: "dovecot",
    rules: ["dovecot"],
    skip: () => hostSkip("/usr/sbin/dovecot", "openssl"),
    start: (host) => startDovecot(host, { users: USERS, isQuick: true, settings: DOVECOT }),
    logs: ["/var/log/syslog"],
    fields: DOVECOT_FIELDS,
  },
  {
    name: "postfix",
    rules: ["postfix"],
    skip: () => hostSkip("postfix", "/usr/sbin/dovecot", "openssl"),
    start: (host) => startPostfix(host, { sasl: "dovecot", users: USERS, main: POSTFIX }),
    logs: ["/var/log/syslog"],
    fields: SMTP_FIELDS,
  },
  {
    name: "exim",
    rules: ["exim"],
    skip: () => hostSkip("dpkg-deb", "tar") || eximSkip(),
    start: (host) => startExim(host),
    logs: ["/var/log/exim4/mainlog"],
    fields: SMTP_FIELDS,
  },
  {
    name: "proftpd",
    rules: ["proftpd"],
    skip: () => hostSkip("proftpd"),
    async start(host) {
      host.write("/etc/pam.d/proftpd", QUICK_PAM);
      await startProftpd(host, ["SystemLog none", "DelayEngine off"]);
    },
    logs: ["/var/log/syslog"],
    fields: FTP_FIELDS,
  },
  {
    name: "vsftpd",
    rules: ["vsftpd"],
    skip: () => hostSkip("dpkg-deb", "tar") || vsftpdSkip(),
    async start(host) {
      host.write("/etc/pam.d/vsftpd", QUICK_PAM);
      await startVsftpd(host, ["log_ftp_protocol=YES"]);
      host.write("/etc/pam.d/vsftpd", QUICK_PAM);
    },
    logs: ["/var/log/vsftpd.log", "/var/log/syslog"],
    fields: FTP_FIELDS,
  },
];
