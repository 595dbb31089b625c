import type { DaemonHost } from "./host.ts";

/**
 * Starts Debian's proftpd on a host, at port 21. It writes /var/log/proftpd/proftpd.log; without that as SystemLog, to syslog.
 *
 * @param settings lines after its own
 */
export async function startProftpd(host: DaemonHost, settings: readonly string[] = []): Promise<void> {
  const stock = host.read("/etc/proftpd/proftpd.conf").replace(/^MaxInstances.*$/m, "MaxInstances 400");
  const isFile = !settings.includes("SystemLog none");
  const lines = settings.filter((line) => line !== "SystemLog none");
  host.write(
    "/etc/proftpd/proftpd.conf",
    `${isFile ? stock : stock.replace(/^SystemLog.*$/m, "")}\n${lines.join("\n")}\n`,
  );
  host.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
  await host.run("mkdir", "-p", "/run/proftpd", "/var/log/proftpd");
  // In the foreground it would log to stderr.
  await host.run("/usr/sbin/proftpd");
  await host.listening(21);
}
