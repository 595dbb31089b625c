import type { DaemonHost } from "../daemons/host.ts";

const CONFIG = `
HostKey /etc/ssh/test_key
UsePAM no
MaxStartups 1000
MaxAuthTries 20
LoginGraceTime 60
`;

/** Starts Debian's sshd on a host, at port 22, with passwords and without PAM's delays. It writes to syslog. */
export async function startSshd(host: DaemonHost): Promise<void> {
  await host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/test_key");
  host.write("/etc/ssh/red_config", CONFIG);
  host.start("/usr/sbin/sshd", "-D", "-f", "/etc/ssh/red_config");
  await host.listening(22);
}
