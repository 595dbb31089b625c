import type { DaemonHost } from "./host.ts";
import { unpack, unpackSkip } from "./unpack.ts";

/** Why vsftpd can't be had here; false when it can. */
export function vsftpdSkip(): string | false {
  return unpackSkip("vsftpd");
}

/** Starts Debian's vsftpd on a host, at port 21, with `settings` after its own. It writes /var/log/vsftpd.log, or syslog when told so. */
export async function startVsftpd(host: DaemonHost, settings: readonly string[] = []): Promise<void> {
  await unpack(host, "vsftpd");
  const stock = host.read("/etc/vsftpd.conf");
  host.write(
    "/etc/vsftpd.conf",
    `${stock}\nbackground=NO\nmax_clients=0\ndelay_failed_login=0\n${settings.join("\n")}\n`,
  );
  await host.run("mkdir", "-p", "/run/vsftpd/empty");
  host.start("/usr/sbin/vsftpd", "/etc/vsftpd.conf");
  await host.listening(21);
}
