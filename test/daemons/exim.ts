import type { DaemonHost } from "./host.ts";
import { unpack, unpackSkip } from "./unpack.ts";

const PACKAGES = ["exim4-daemon-light", "exim4-base", "exim4-config"];

/** Why exim can't be had here; false when it can. */
export function eximSkip(): string | false {
  return unpackSkip(...PACKAGES);
}

export interface EximOptions {
  /** True: it writes to syslog, not to /var/log/exim4. */
  readonly toSyslog?: boolean;
  /** Lines of configuration that go before Debian's. */
  readonly macros?: string;
}

/** What Debian asks at installation, answered for an internet site. */
const ANSWERS = `
dc_eximconfig_configtype='internet'
dc_other_hostnames='example.com'
dc_local_interfaces='0.0.0.0 ; ::0'
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='false'
dc_relay_nets=''
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='false'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
`;

/** The servers of Debian's examples, which offer logins without TLS; the password of alice is "secret". */
const LOGINS = `
plain_server:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and{{eq{$auth2}{alice}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
  server_prompts = :
login_server:
  driver = plaintext
  public_name = LOGIN
  server_prompts = "Username:: : Password::"
  server_condition = \${if and{{eq{$auth1}{alice}}{eq{$auth2}{secret}}}}
  server_set_id = $auth1
cram_md5_server:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{$auth1}{alice}{secret}fail}
  server_set_id = $auth1
`;

/** Starts Debian's exim4 on a host, at port 25, as the configuration of an internet site with logins. It writes /var/log/exim4/mainlog. */
export async function startExim(
  host: DaemonHost,
  { toSyslog = false, macros = "" }: EximOptions = {},
): Promise<void> {
  await unpack(host, ...PACKAGES);
  host.append("/etc/passwd", "Debian-exim:x:900:900::/var/spool/exim4:/usr/sbin/nologin\n");
  host.append("/etc/group", "Debian-exim:x:900:\n");
  host.write("/etc/mailname", "example.com\n");
  host.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
  host.write("/etc/exim4/update-exim4.conf.conf", ANSWERS);
  const syslog = toSyslog ? "log_file_path = syslog\nsyslog_duplication = false\n" : "";
  host.write(
    "/etc/exim4/exim4.conf.localmacros",
    `auth_advertise_hosts = *\nsmtp_accept_max = 200\nsmtp_accept_queue_per_connection = 0\nsmtp_max_unknown_commands = 3\n${syslog}${macros}`,
  );
  const template = host.read("/etc/exim4/exim4.conf.template");
  host.write(
    "/etc/exim4/exim4.conf.template",
    template.replace("begin authenticators\n", `begin authenticators\n${LOGINS}`),
  );
  await host.run(
    "sh",
    "-c",
    "mkdir -p /var/lib/exim4 /var/spool/exim4 /var/log/exim4 && chown -R Debian-exim: /var/lib/exim4 /var/spool/exim4 /var/log/exim4",
  );
  await host.run("update-exim4.conf");
  host.start("/usr/sbin/exim4", "-bdf", "-q30m");
  await host.listening(25);
}
