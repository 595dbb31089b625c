import { readFileSync } from "node:fs";
import { endianness, networkInterfaces } from "node:os";
import { type Network, parseNetwork } from "../address.ts";

/** A network that must stay reachable, and why, as it is told: `the default gateway`. */
export interface Protected {
  readonly network: Network;
  readonly why: string;
}

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
