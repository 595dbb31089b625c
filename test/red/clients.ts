import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { DaemonHost } from "../daemons/host.ts";
import { CLIENT } from "../helpers/netns.ts";

const exec = promisify(execFile);

/** Addresses of attackers: 192.0.2.0/24 and, in turn, each a /64 of its own of 2001:db8:7::/48. */
export class Clients {
  #count = 0;

  /** Lets the client of a host come from any of them. */
  static async create({ net }: DaemonHost): Promise<Clients> {
    const { client, server } = net;
    await exec("ip", ["netns", "exec", client, "sysctl", "-qw", "net.ipv6.ip_nonlocal_bind=1"]);
    await exec("ip", ["-n", client, "route", "add", "local", "192.0.2.0/24", "dev", "lo"]);
    await exec("ip", ["-n", client, "route", "add", "local", "2001:db8:7::/48", "dev", "lo"]);
    await exec("ip", ["-n", server, "route", "add", "192.0.2.0/24", "via", CLIENT.ipv4]);
    await exec("ip", ["-n", server, "route", "add", "2001:db8:7::/48", "via", CLIENT.ipv6]);
    return new Clients();
  }

  next(): string {
    const count = this.#count++;
    const host = count / 2 + 1;
    return count % 2 === 0 && host < 255 ? `192.0.2.${host}` : `2001:db8:7:${(count + 1).toString(16)}::7`;
  }
}
