import { execFile, spawnSync } from "node:child_process";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);
let count = 0;

/** Addresses of the two ends. */
export const SERVER = { ipv4: "198.51.100.1", ipv6: "2001:db8:51::1" } as const;
export const CLIENT = { ipv4: "198.51.100.2", ipv6: "2001:db8:51::2" } as const;

/** Why network namespaces can't be used here; false when they can. For `skip`. */
export function netnsSkip(...tools: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return "needs root for network namespaces";
  const missing = ["ip", ...tools].filter(
    (tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0,
  );
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  const probe = spawnSync("ip", ["netns", "add", `f2bt-${process.pid}-probe`], { encoding: "utf8" });
  if (probe.status !== 0) return `no network namespaces here: ${probe.stderr.trim()}`;
  spawnSync("ip", ["netns", "del", `f2bt-${process.pid}-probe`]);
  return false;
}

export interface Container {
  readonly ipv4: string;
  /** What stands before a command that is to run in it. */
  readonly atContainer: readonly string[];
  readonly remove: () => Promise<void>;
}

/** A server and a client, each a network namespace, joined by a cable. */
export class Netns {
  readonly server: string;
  readonly client: string;

  private constructor(name: string) {
    this.server = `${name}-s`;
    this.client = `${name}-c`;
  }

  static async create(): Promise<Netns> {
    const pair = new Netns(`f2bt-${process.pid}-${++count}`);
    const { server, client } = pair;
    for (const name of [server, client]) await exec("ip", ["netns", "add", name]);
    await exec("ip", [
      "-n",
      server,
      "link",
      "add",
      "veth0",
      "type",
      "veth",
      "peer",
      "veth0",
      "netns",
      client,
    ]);
    for (const [name, { ipv4, ipv6 }] of [
      [server, SERVER],
      [client, CLIENT],
    ] as const) {
      await exec("ip", ["-n", name, "link", "set", "lo", "up"]);
      await exec("ip", ["-n", name, "addr", "add", `${ipv4}/24`, "dev", "veth0"]);
      await exec("ip", ["-n", name, "addr", "add", `${ipv6}/64`, "dev", "veth0", "nodad"]);
      await exec("ip", ["-n", name, "link", "set", "veth0", "up"]);
    }
    return pair;
  }

  /** A third namespace behind the server, as Docker makes them for containers. */
  async addContainer(): Promise<Container> {
    const name = `${this.server}-box`;
    const ipv4 = "198.51.102.2";
    await exec("ip", ["netns", "add", name]);
    await exec("ip", [
      "-n",
      this.server,
      "link",
      "add",
      "box0",
      "type",
      "veth",
      "peer",
      "eth0",
      "netns",
      name,
    ]);
    await exec("ip", ["-n", this.server, "addr", "add", "198.51.102.1/24", "dev", "box0"]);
    await exec("ip", ["-n", this.server, "link", "set", "box0", "up"]);
    await exec("ip", ["-n", name, "addr", "add", `${ipv4}/24`, "dev", "eth0"]);
    for (const link of ["lo", "eth0"]) await exec("ip", ["-n", name, "link", "set", link, "up"]);
    await exec("ip", ["-n", name, "route", "add", "default", "via", "198.51.102.1"]);
    await this.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
    const remove = async () => {
      await exec("ip", ["netns", "del", name]);
      await exec("ip", ["-n", this.server, "link", "del", "box0"]).catch(() => undefined);
    };
    return { ipv4, atContainer: ["ip", "netns", "exec", name], remove };
  }

  /** What stands before a command that is to run at the server. */
  get atServer(): readonly string[] {
    return ["ip", "netns", "exec", this.server];
  }

  /** Runs a command at the server and returns its stdout. */
  async run(...argv: readonly string[]): Promise<string> {
    const { stdout } = await exec("ip", ["netns", "exec", this.server, ...argv], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** The rules of a table as `-S` shows them. */
  async rules(tool: "iptables" | "ip6tables" = "iptables"): Promise<string[]> {
    const lines = (await this.run(tool, "-S")).trimEnd().split("\n");
    return lines.filter((line) => !line.startsWith("-P"));
  }

  /** Takes the namespaces away, and the locks that f2b-exec keeps for them. */
  async remove(): Promise<void> {
    await exec("ip", ["netns", "del", `${this.server}-box`]).catch(() => undefined);
    for (const name of [this.server, this.client]) {
      const { ino } = statSync(`/run/netns/${name}`);
      await exec("ip", ["netns", "del", name]);
      removeLocks(ino);
    }
  }
}

function removeLocks(namespace: number): void {
  const folder = "/run/f2b-exec";
  try {
    for (const name of readdirSync(folder)) {
      if (name.startsWith(`${namespace}-`)) rmSync(join(folder, name));
    }
  } catch {
    // Nothing was ever locked.
  }
}
