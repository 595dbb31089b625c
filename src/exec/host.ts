import { readdirSync, readFileSync } from "node:fs";
import { endianness, networkInterfaces } from "node:os";
import { formatNetwork, type Network, parseNetwork, unmap } from "../address.ts";

/** A network that must stay reachable, and why, as it is told: `the default gateway`. */
export interface Protected {
  readonly network: Network;
  readonly why: string;
}

/** The kernel's number for it in /proc/net/tcp. */
const ESTABLISHED = "01";

/** The addresses of this host and its default gateways, as they are now. */
export function hostAddresses(): readonly Protected[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => parseNetwork(address.replace(/%.*/, "")));
  const gateways = [...gatewaysIPv4(read("/proc/net/route")), ...gatewaysIPv6(read("/proc/net/ipv6_route"))];
  return [
    ...own.filter((network) => network !== undefined).map((network) => ({ network, why: "an own address" })),
    ...gateways.map((network) => ({ network, why: "the default gateway" })),
  ];
}

/**
 * Peers of SSH sessions: those established when it was made, as long as they are. Somebody who was only trying passwords
 * then is cut off by sshd soon, and can be banned when that has happened.
 */
export class SshPeers {
  readonly #atStart = new Set(establishedPeers().map(formatNetwork));

  now(): readonly Protected[] {
    if (this.#atStart.size === 0) return [];
    const still = new Map(establishedPeers().map((network) => [formatNetwork(network), network]));
    for (const ip of this.#atStart) if (!still.has(ip)) this.#atStart.delete(ip);
    return [...this.#atStart].flatMap((ip) => {
      const network = still.get(ip);
      return network === undefined ? [] : [{ network, why: "the peer of an SSH session" }];
    });
  }
}

/** Whoever is connected to a port of sshd. */
function establishedPeers(): readonly Network[] {
  const ports = sshPorts(process.env.SSH_CONNECTION);
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => peersOf(read(path), ports));
}

/** Port 22, those that sshd's configuration names, and the one through which we were started. */
function sshPorts(connection: string | undefined): ReadonlySet<number> {
  const folder = "/etc/ssh/sshd_config.d";
  const files = [...list(folder).map((name) => `${folder}/${name}`), "/etc/ssh/sshd_config"];
  const named = files.flatMap((path) =>
    Array.from(read(path).matchAll(/^\s*(?:Port\s+|ListenAddress\s.*:)(\d{1,5})\s*$/gim), ([, port]) =>
      Number(port),
    ),
  );
  const own = Number(connection?.split(" ")[3]);
  return new Set([22, ...named, ...(own > 0 ? [own] : [])]);
}

/** Remote addresses of established connections to some local ports, in the text of /proc/net/tcp or tcp6. */
export function peersOf(
  text: string,
  ports: ReadonlySet<number>,
  order: "BE" | "LE" = endianness(),
): readonly Network[] {
  return fieldsOf(text).flatMap(([, local = "", remote = "", state]) => {
    const port = Number.parseInt(local.split(":")[1] ?? "", 16);
    const address = remote.split(":")[0] ?? "";
    if (state !== ESTABLISHED || !ports.has(port) || !/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(address))
      return [];
    const bytes = Buffer.from(address, "hex");
    if (order === "LE") bytes.swap32();
    const value = BigInt(`0x${bytes.toString("hex")}`);
    return [unmap(bytes.length === 4 ? { family: 4, value, prefix: 32 } : { family: 6, value, prefix: 128 })];
  });
}

/** Gateways of default routes in the text of /proc/net/route, where addresses are words in the host's byte order. */
export function gatewaysIPv4(text: string, order: "BE" | "LE" = endianness()): readonly Network[] {
  return fieldsOf(text).flatMap(([, destination, gateway, , , , , mask]) => {
    if (destination !== "00000000" || mask !== "00000000" || !/^[0-9A-F]{8}$/i.test(gateway ?? "")) return [];
    const bytes = Buffer.from(gateway ?? "", "hex");
    const value = BigInt(order === "LE" ? bytes.readUInt32LE() : bytes.readUInt32BE());
    return value === 0n ? [] : [{ family: 4, value, prefix: 32 } as const];
  });
}

/** Gateways of default routes in the text of /proc/net/ipv6_route. */
export function gatewaysIPv6(text: string): readonly Network[] {
  return fieldsOf(text).flatMap(([destination, length, , , gateway]) => {
    if (!/^0{32}$/.test(destination ?? "") || length !== "00") return [];
    const value = /^[0-9a-f]{32}$/i.test(gateway ?? "") ? BigInt(`0x${gateway}`) : 0n;
    return value === 0n ? [] : [{ family: 6, value, prefix: 128 } as const];
  });
}

function fieldsOf(text: string): readonly string[][] {
  return text.split("\n").map((line) => line.trim().split(/\s+/));
}

/** Kernels without IPv6 have no ipv6_route. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".conf"));
  } catch {
    return [];
  }
}
