import { networkInterfaces } from "node:os";
import { contains, isSingle, type Network, parseNetwork, formatNetwork as shown } from "./address.ts";

/** A network that must not be banned, and why, for messages: `the default gateway`. */
export interface Reserved {
  readonly network: Network;
  readonly why: string;
}

/** Networks that never hold the address of another host. */
export const RESERVED: readonly Reserved[] = [
  { text: "127.0.0.0/8", why: "loopback" },
  { text: "::1", why: "loopback" },
  { text: "0.0.0.0/8", why: "an unspecified address" },
  { text: "::", why: "the unspecified address" },
  { text: "224.0.0.0/4", why: "multicast" },
  { text: "ff00::/8", why: "multicast" },
  { text: "255.255.255.255", why: "a broadcast address" },
].map(({ text, why }) => ({ network: known(text), why }));

type Interfaces = Readonly<
  Record<string, readonly { readonly address: string; readonly cidr: string | null }[] | undefined>
>;

/** The addresses of this host's interfaces, and the broadcast addresses of their networks. */
export function ownAddresses(interfaces: Interfaces = networkInterfaces()): readonly Reserved[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ address, cidr }) => {
      const own = parseNetwork(address.replace(/%.*/, ""));
      if (own === undefined) return [];
      const prefix = Number(cidr?.split("/")[1] ?? 32);
      const hosts = (1n << BigInt(Math.max(32 - prefix, 0))) - 1n;
      const broadcast: Network = { ...own, value: own.value | hosts };
      return [
        { network: own, why: "an address of this host" },
        // A /31 and a /32 have no broadcast address.
        ...(own.family === 4 && prefix < 31 ? [{ network: broadcast, why: "a broadcast address" }] : []),
      ];
    });
}

/** Where an IPv6 address holds an IPv4 address: the first bit of each of its bytes. */
interface Form {
  readonly within: Network;
  readonly bytes: readonly number[];
  /** Its bits are inverted. */
  readonly isInverted?: true;
}

const LAST = [96, 104, 112, 120];
const FORMS: readonly Form[] = [
  { within: known("::/96"), bytes: LAST },
  { within: known("::ffff:0:0/96"), bytes: LAST },
  { within: known("64:ff9b::/96"), bytes: LAST },
  // RFC 8215: a local translator may use a prefix of any length of RFC 6052 in it.
  { within: known("64:ff9b:1::/48"), bytes: [48, 56, 72, 80] },
  { within: known("64:ff9b:1::/48"), bytes: [56, 72, 80, 88] },
  { within: known("64:ff9b:1::/48"), bytes: [72, 80, 88, 96] },
  { within: known("64:ff9b:1::/48"), bytes: LAST },
  { within: known("2002::/16"), bytes: [16, 24, 32, 40] },
  // The client of Teredo. The address of its server does not tell whose address it is.
  { within: known("2001::/32"), bytes: LAST, isInverted: true },
];
/** First 16 bits of these forms: an address or network of at least that prefix with other bits has none of them. */
const HEADS: ReadonlySet<number> = new Set([0, 0x64, 0x2001, 0x2002]);
const HEAD_BITS = 16;

/**
 * The IPv4 networks that an IPv6 address or network may embed: mapped, compatible, NAT64, 6to4 and Teredo. A network that
 * leaves the whole IPv4 address open embeds 0.0.0.0/0.
 */
export function innerIPv4(network: Network): readonly Network[] {
  if (network.family === 4) return [];
  if (network.prefix >= HEAD_BITS && !HEADS.has(Number(network.value >> 112n))) return [];
  return FORMS.flatMap((form) => {
    if (contains(form.within, network)) return [innerOf(network, form)];
    return contains(network, form.within) ? [ALL_IPV4] : [];
  });
}

const ALL_IPV4: Network = { family: 4, value: 0n, prefix: 0 };

function innerOf({ value, prefix }: Network, { bytes, isInverted }: Form): Network {
  let inner = 0n;
  let length = 0;
  for (const [index, first] of bytes.entries()) {
    const bits = Math.min(Math.max(prefix - first, 0), 8);
    const byte = Number((value >> BigInt(120 - first)) & 0xffn) ^ (isInverted ? 0xff : 0);
    inner |= BigInt(byte & (0xff00 >> bits)) << BigInt(24 - 8 * index);
    length += bits;
    if (bits < 8) break;
  }
  return { family: 4, value: inner, prefix: length };
}

/** Why a list forbids to ban a network; undefined: it does not. */
export function whyReserved(list: readonly Reserved[], network: Network): string | undefined {
  for (const { network: reserved, why } of list) {
    if (contains(reserved, network)) return isSingle(reserved) ? why : `${why} (${shown(reserved)})`;
    if (contains(network, reserved)) return `it holds ${shown(reserved)}: ${why}`;
  }
  return undefined;
}

/** The same for the IPv4 addresses that an IPv6 network may embed. Not for RESERVED: most forms of most addresses are 0.x. */
export function whyInnerReserved(list: readonly Reserved[], network: Network): string | undefined {
  for (const inner of innerIPv4(network)) {
    const why = whyReserved(list, inner);
    if (why !== undefined) return `it may embed ${shown(inner)}: ${why}`;
  }
  return undefined;
}

function known(text: string): Network {
  return parseNetwork(text) as Network;
}
