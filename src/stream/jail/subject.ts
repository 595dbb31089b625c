import type { Failure } from "../../filter/verdict.ts";
import type { Ban, Subject, Unban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { formatNetwork, isSingle, type Network, parseNetwork, unmap, widen } from "../../shared/address.ts";
import { MAX_ID_LENGTH } from "../../shared/limits.ts";

/** What a failure's id is. */
export type Identity =
  | { readonly kind: "address"; readonly network: Network }
  | { readonly kind: "host"; readonly host: string }
  | { readonly kind: "id"; readonly id: string }
  /** It can't be banned; `why` goes after it in a message. */
  | { readonly kind: "invalid"; readonly why: string };

/** Reads a failure's id strictly. IPv4 addresses inside IPv6 ones are taken out. */
export function identify({ id, kind, cidr }: Failure): Identity {
  const written = parseNetwork(cidr === undefined ? id : `${id}/${cidr}`);
  const network = written && unmap(written);
  if (network?.prefix === 0) return { kind: "invalid", why: "is the network of all addresses" };
  if (network) return { kind: "address", network };
  if (kind === "address") return { kind: "invalid", why: "is not a valid address" };
  if (id === "") return { kind: "invalid", why: "is empty" };
  if (id.length > MAX_ID_LENGTH)
    return { kind: "invalid", why: `is longer than ${MAX_ID_LENGTH} characters` };
  return kind === "host" ? { kind, host: id } : { kind, id };
}

/**
 * Whether a text in the place of a host name is a number, or ends in one, as `8`, `1.2`, `0x7f.1` and `017700000001` do: no host has such
 * a name, and resolvers take it for the address 0.0.0.8.
 */
export function isNumeric(host: string): boolean {
  return /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(host);
}

/**
 * The address or network under which a jail counts and bans: the network of the jail's `count` around the address; the address
 * alone where that network holds an ignored one.
 */
export function countedAs(
  network: Network,
  { count }: Jail,
  isIgnored: (network: Network) => boolean,
): string {
  const wide = isSingle(network) ? widen(network, network.family === 4 ? count.ipv4 : count.ipv6) : network;
  return formatNetwork(wide.prefix < network.prefix && isIgnored(wide) ? network : wide);
}

/** The subject of a ban or unban. */
export function subjectOf({ ip, id }: Ban | Unban): Subject {
  return ip === undefined ? { id: id ?? "" } : { ip };
}

/** One name for a subject, whatever its kind: an id cannot pass for an address. */
export function nameOf(subject: Subject): string {
  return "ip" in subject ? subject.ip : `id ${subject.id}`;
}
