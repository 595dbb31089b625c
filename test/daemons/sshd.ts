import type { ChildProcess } from "node:child_process";
import type { DaemonHost } from "./host.ts";
import type { Attempt, Outcome } from "./ssh-client.ts";
import { SshTalker } from "./ssh-talker.ts";

export { type Attempt, authorizedKey, type Outcome, type Request, type Text } from "./ssh-client.ts";

export interface SshUser {
  readonly name: string;
  readonly uid?: number;
  /** Undefined: the account is locked. */
  readonly password?: string;
  /** Lines of authorized_keys. */
  readonly keys?: readonly string[];
  readonly groups?: readonly string[];
  readonly shell?: string;
  /** True: the account expired long ago. */
  readonly isExpired?: boolean;
}

/** Debian's sshd on a DaemonHost, and a client that does what it is told. Make it with `using`, after the host. */
export class Sshd {
  readonly host: DaemonHost;
  readonly #talker: SshTalker;

  private constructor(host: DaemonHost) {
    this.host = host;
    this.#talker = new SshTalker(host);
  }

  /** Makes what every sshd of this host needs: a host key, and PAM without its two seconds after each wrong password. */
  static async on(host: DaemonHost): Promise<Sshd> {
    await host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/test_key");
    await host.run("sed", "-i", "/pam_unix.so/s/$/ nodelay/", "/etc/pam.d/common-auth");
    return new Sshd(host);
  }

  /**
   * Starts sshd with these options, and listens at a port; the same port twice is an error. Options that are not given are those of sshd itself,
   * with Debian's UsePAM.
   *
   * @returns the process: `kill` it, or leave it to the end of the host
   */
  async start(port: number, options: Readonly<Record<string, string | number>> = {}): Promise<ChildProcess> {
    const all = {
      Port: port,
      HostKey: "/etc/ssh/test_key",
      PidFile: "none",
      MaxStartups: "1000",
      UsePAM: "yes",
      StrictModes: "no",
      ...options,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} ${value}\n`);
    this.host.write(`/etc/ssh/sshd_config.${port}`, lines.join(""));
    const child = this.host.start("/usr/sbin/sshd", "-D", "-f", `/etc/ssh/sshd_config.${port}`);
    await this.host.listening(port);
    return child;
  }

  /** Adds users, as useradd does, but at once. */
  async addUsers(...users: readonly SshUser[]): Promise<void> {
    for (const [index, user] of users.entries()) {
      const {
        name,
        uid = 5_000 + index,
        password,
        keys = [],
        groups = [],
        shell = "/bin/sh",
        isExpired,
      } = user;
      const home = `/home/${name}`;
      const hash = password === undefined ? "!" : password === "" ? "" : await this.#hash(password);
      if (name === "root") await this.host.run("sed", "-i", `s|^root:[^:]*:|root:${hash}:|`, "/etc/shadow");
      else {
        this.host.append("/etc/passwd", `${name}:x:${uid}:${uid}::${home}:${shell}\n`);
        this.host.append("/etc/shadow", `${name}:${hash}:19000:0:99999:7::${isExpired ? 1 : ""}:\n`);
        this.host.append("/etc/group", `${name}:x:${uid}:\n`);
      }
      for (const group of groups) await this.host.run("usermod", "-aG", group, name);
      if (keys.length > 0) {
        const folder = name === "root" ? "/root" : home;
        this.host.write(`${folder}/.ssh/authorized_keys`, `${keys.join("\n")}\n`);
      }
    }
  }

  /** Makes a connection. @throws Error when it can't be made, or the server breaks the protocol */
  attempt(what: Omit<Attempt, "to"> & { readonly to?: string }): Promise<Outcome> {
    return this.#talker.attempt(what);
  }

  /** Ends the client; the host ends the rest. */
  [Symbol.dispose](): void {
    this.#talker[Symbol.dispose]();
  }

  async #hash(password: string): Promise<string> {
    return (await this.host.run("openssl", "passwd", "-1", password)).trim();
  }
}
