import type { EnforcedBan } from "../../protocol/command.ts";
import type { EnforcedJail } from "../kernel/backend.ts";

/** Ports and protocols of a jail, each list in order and without repeats. */
export type Ports = Pick<EnforcedJail, "ports" | "protocols">;

/** Protocols with ports, as iptables' multiport knows them; `all` means the first two. */
const WITH_PORTS: readonly string[] = ["tcp", "udp", "udplite", "sctp", "dccp"];

/**
 * The ports that a command names; undefined when it names none. Protocols without ports are ignored; ports without a protocol
 * are those of tcp.
 *
 * @throws RangeError for a protocol that has no ports
 */
export function readPorts({
  port,
  protocol = ["tcp"],
}: Pick<EnforcedBan, "port" | "protocol">): Ports | undefined {
  if (port === undefined) return undefined;
  if (port.length === 0) return { ports: [], protocols: [] };
  const named = protocol.flatMap((name) => (name === "all" ? WITH_PORTS.slice(0, 2) : [name]));
  const unable = named.find((name) => !WITH_PORTS.includes(name));
  if (unable !== undefined) throw new RangeError(`protocol ${unable} has no ports`);
  return sortPorts({ ports: port.map(String), protocols: named });
}

/** In order and without repeats, so that the same ports are the same text. */
export function sortPorts({ ports, protocols }: Ports): Ports {
  return { ports: [...new Set(ports)].sort(byNumber), protocols: [...new Set(protocols)].sort() };
}

/** For people: `all ports`, `ports 25,465 tcp`. */
export function describePorts({ ports, protocols }: Ports): string {
  return ports.length === 0 ? "all ports" : `ports ${ports.join(",")} ${protocols.join(",")}`;
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}
