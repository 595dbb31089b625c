import type { DaemonHost } from "./host.ts";

export interface ApacheOptions {
  /** As in Debian's apache2.conf: warn. */
  readonly logLevel?: string;
  /** Where error.log goes, as ErrorLog says it. */
  readonly errorLog?: string;
}

const BASIC = `  <Directory /var/www/html/basic>
    AuthType Basic
    AuthName basic
    AuthBasicProvider file
    AuthUserFile /etc/apache2/passwords
    Require valid-user
  </Directory>
`;

const SITE = `
<VirtualHost *:80>
  DocumentRoot /var/www/html
  CustomLog /var/log/apache2/access.log combined
${BASIC}  <Directory /var/www/html/digest>
    AuthType Digest
    AuthName digest
    AuthDigestProvider file
    AuthUserFile /etc/apache2/digests
    Require valid-user
  </Directory>
  <Location /denied>
    Require all denied
  </Location>
</VirtualHost>
<VirtualHost *:443>
  DocumentRoot /var/www/html
  CustomLog /var/log/apache2/access.log combined
  SSLEngine on
  SSLCertificateFile /etc/apache2/cert.pem
  SSLCertificateKeyFile /etc/apache2/key.pem
${BASIC}</VirtualHost>
`;

/**
 * Starts Debian's apache2 on a host, at ports 80 and 443 (HTTP/2 on both): /basic/ and /digest/ want the password "secret" of alice,
 * /denied is forbidden. It writes /var/log/apache2/access.log and error.log.
 */
export async function startApache(
  host: DaemonHost,
  { logLevel = "warn", errorLog }: ApacheOptions = {},
): Promise<void> {
  await host.run("a2enmod", "-q", "auth_digest", "ssl", "http2", "socache_shmcb");
  for (const place of ["basic", "digest", "denied"])
    host.write(`/var/www/html/${place}/index.html`, "here\n");
  host.write("/etc/apache2/sites-enabled/000-default.conf", SITE);
  const log = errorLog === undefined ? "" : `ErrorLog ${errorLog}\n`;
  host.write(
    "/etc/apache2/conf-enabled/test.conf",
    `ServerName www.example.com\nLogLevel ${logLevel}\n${log}Protocols h2 h2c http/1.1\n`,
  );
  await host.run("htpasswd", "-b", "-c", "/etc/apache2/passwords", "alice", "secret");
  // MD5 of alice:digest:secret
  host.write("/etc/apache2/digests", "alice:digest:badb6529a75cb2313a40fe1bf8ce7752\n");
  await host.run(
    ...["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=www.example.com"],
    ...["-keyout", "/etc/apache2/key.pem", "-out", "/etc/apache2/cert.pem"],
  );
  await host.run("mkdir", "-p", "/run/apache2", "/var/log/apache2");
  host.start("apache2ctl", "-D", "FOREGROUND");
  await host.listening(80);
}
