import { endianness } from "node:os";
import { type Network, parseNetwork, unmap } from "../../shared/address.ts";
import { ownAddresses, type Reserved } from "../../shared/reserved.ts";
import type { Run } from "../kernel/run-command.ts";
import { readOrEmpty } from "./proc.ts";

/** Least milliseconds between two reads of all routes, also as a multiple of the time that one takes: there may be a million. */
const ROUTES_EVERY = 60_000;
const ROUTES_SHARE = 200;
const ROUTES_TIMEOUT = 10_000;
/** Most bytes of routes that are read for each family; default routes come first in their tables. */
const MAX_ROUTES = 16 * 1024 * 1024;
/** Most gateways taken from them. */
const MAX_GATEWAYS = 1000;

/** resolv.conf, and the file in which systemd-resolved lists its own resolvers. */
const RESOLVERS = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
const MAX_RESOLVERS = 64;

/** Widest network of the table `local` that counts as our own, as prefix length. */
const WIDEST_OWN = { 4: 16, 6: 48 } as const;

/** The addresses that this host must be able to reach: its own, its gateways, its resolvers. */
export class HostAddresses {
  readonly #run: Run;
  readonly #now: () => number;
  #routes: readonly Reserved[] = [];
  #nextRead = Number.NEGATIVE_INFINITY;

  /** `now` in milliseconds. */
  constructor(run: Run, now: () => number) {
    this.#run = run;
    this.#now = now;
  }

  /** Reads the routes of all tables. Without `ip` only those of the main table are known. */
  async readRoutes(): Promise<void> {
    const started = this.#now();
    this.#nextRead = Number.POSITIVE_INFINITY;
    const options = { timeout: ROUTES_TIMEOUT, maxStdout: MAX_ROUTES };
    const texts = await Promise.all(
      ["-4", "-6"].map((family) => this.#run(["ip", family, "route", "show", "table", "all"], options)),
    );
    this.#routes = texts.flatMap(({ status, stdout }) => (status === 0 ? routesOf(stdout) : []));
    const took = this.#now() - started;
    this.#nextRead = started + Math.max(ROUTES_EVERY, took * ROUTES_SHARE);
  }

  /** The current addresses; routes of tables other than the main one are up to a minute old. */
  now(): readonly Reserved[] {
    if (this.#now() >= this.#nextRead) void this.readRoutes();
    const gateways = [
      ...gatewaysIPv4(readOrEmpty("/proc/net/route")),
      ...gatewaysIPv6(readOrEmpty("/proc/net/ipv6_route")),
    ];
    return [
      ...ownAddresses(),
      ...gateways.map((network) => ({ network, why: "the default gateway" })),
      ...this.#routes,
      ...RESOLVERS.flatMap((path) =>
        resolversOf(readOrEmpty(path)).map((network) => ({ network, why: `a resolver of ${path}` })),
      ),
    ];
  }
}

/** Gateways, own addresses and broadcast addresses in the text of `ip route show table all`. */
export function routesOf(text: string): readonly Reserved[] {
  const gateways = new Set(Array.from(text.matchAll(GATEWAY), ([, address = ""]) => address));
  return [
    ...[...gateways].slice(0, MAX_GATEWAYS).flatMap((address) => reserve(address, "the gateway of a route")),
    ...Array.from(text.matchAll(OWN), ([, kind, address = ""]) =>
      reserve(address, kind === "broadcast" ? "a broadcast address" : "an address of this host"),
    ).flat(),
  ].filter(({ network }) => network.prefix >= WIDEST_OWN[network.family]);
}

function reserve(address: string, why: string): readonly Reserved[] {
  const network = parseNetwork(address);
  return network === undefined ? [] : [{ network, why }];
}

/** `default via 192.0.2.1 dev eth0`, `nexthop via inet6 fe80::1 dev eth0`. */
const GATEWAY = /\svia (?:inet6? )?([\da-f.:]+)/g;
/** Only in the table `local`: elsewhere `local default dev lo` is for proxies. */
const OWN = /^(local|anycast|broadcast) ([\da-f.:/]+) dev \S+ table local\b/gm;

/** The servers in the text of a resolv.conf. */
export function resolversOf(text: string): readonly Network[] {
  return Array.from(text.matchAll(/^[ \t]*nameserver[ \t]+([\da-f.:]+)/gim), ([, address = ""]) =>
    parseNetwork(address),
  )
    .filter((network) => network !== undefined)
    .slice(0, MAX_RESOLVERS)
    .map(unmap);
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
