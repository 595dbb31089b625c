import { isIPv4, isIPv6 } from "node:net";

/** An address, or a network when `prefix` is shorter than the address. The bits behind the prefix are zero. */
export interface Network {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/**
 * Reads an address or `address/prefix`, strictly: no host name, no zone, no leading zeros, no surrounding blanks.
 * Bits behind the prefix are cleared. Returns undefined for anything else.
 */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined || slash < 0) return address;
  const digits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const prefix = Number(digits);
  return prefix > BITS[address.family] ? undefined : widen(address, prefix);
}

/** Canonical text: dotted decimal, or RFC 5952 for IPv6; `/prefix` only for a network. */
export function formatNetwork({ family, value, prefix }: Network): string {
  const address = family === 4 ? formatIPv4(value) : formatIPv6(value);
  return prefix === BITS[family] ? address : `${address}/${prefix}`;
}

/** The network of `prefix` bits that holds `network`; `network` itself when it is as wide already. */
export function widen(network: Network, prefix: number): Network {
  if (prefix >= network.prefix) return network;
  const host = BigInt(BITS[network.family] - prefix);
  return { family: network.family, value: (network.value >> host) << host, prefix };
}

/** True when every address of `inner` lies in `outer`. */
export function contains(outer: Network, inner: Network): boolean {
  return (
    outer.family === inner.family &&
    outer.prefix <= inner.prefix &&
    widen(inner, outer.prefix).value === outer.value
  );
}

/** True when `network` stands for one address. */
export function isSingle({ family, prefix }: Network): boolean {
  return prefix === BITS[family];
}

/**
 * The IPv4 address inside an IPv4-mapped (`::ffff:192.0.2.1`) or NAT64 (`64:ff9b::192.0.2.1`, RFC 6052) address;
 * any other address as it is.
 */
export function unmap(network: Network): Network {
  if (network.family === 4 || network.prefix < 96) return network;
  const head = network.value >> 32n;
  if (head !== 0xffffn && head !== 0x64ff9bn << 64n) return network;
  return { family: 4, value: network.value & 0xffffffffn, prefix: network.prefix - 96 };
}

function parseAddress(text: string): Network | undefined {
  if (isIPv4(text)) return { family: 4, value: BigInt(ipv4Number(text)), prefix: 32 };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return { family: 6, value: ipv6Value(text), prefix: 128 };
}

function ipv4Number(text: string): number {
  return text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function ipv6Value(text: string): bigint {
  const dotted = text.lastIndexOf(":") + 1;
  let hex = text;
  if (text.includes(".")) {
    const tail = ipv4Number(text.slice(dotted));
    hex = `${text.slice(0, dotted)}${Math.floor(tail / 65536).toString(16)}:${(tail % 65536).toString(16)}`;
  }
  const [head = "", tail] = hex.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function formatIPv4(value: bigint): string {
  const number = Number(value);
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

function formatIPv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
