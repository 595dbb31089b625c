import type { Failure } from "../../filter/verdict.ts";
import type { Jail } from "../../rules/rule.ts";
import { formatNetwork, isSingle, type Network, parseNetwork, unmap, widen } from "../../shared/address.ts";
import { MAX_ID_LENGTH } from "../../shared/limits.ts";

/** What a failure id turned out to be. */
export type Identity =
  | { readonly kind: "address"; readonly network: Network }
  | { readonly kind: "host"; readonly host: string }
  | { readonly kind: "id"; readonly id: string }
  /** An address that can't be (`999.1.1.1`), the network of everybody (`0.0.0.0/0`), or an id that is empty or of unreasonable length. */
  | { readonly kind: "impossible" };

/** Reads a failure id strictly. IPv4 addresses inside IPv6 ones are taken out. */
export function identify({ id, kind, cidr }: Failure): Identity {
  const written = parseNetwork(cidr === undefined ? id : `${id}/${cidr}`);
  const network = written && unmap(written);
  if (network) return network.prefix === 0 ? { kind: "impossible" } : { kind: "address", network };
  if (kind === "address" || id === "" || id.length > MAX_ID_LENGTH) return { kind: "impossible" };
  return kind === "host" ? { kind, host: id } : { kind, id };
}

/**
 * What counts, and is banned, as one: the network of the jail's `count` around the address; the address alone where that
 * network holds somebody who must not be banned.
 */
export function countedAs(
  network: Network,
  { count }: Jail,
  isSpared: (network: Network) => boolean,
): string {
  const wide = isSingle(network) ? widen(network, network.family === 4 ? count.ipv4 : count.ipv6) : network;
  return formatNetwork(wide.prefix < network.prefix && isSpared(wide) ? network : wide);
}
