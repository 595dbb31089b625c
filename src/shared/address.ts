/** An address, or a network when `prefix` is shorter than the address. The bits after the prefix are zero. */
export interface Network {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/**
 * Reads an address or `address/prefix`, strictly: no host name, no zone, no leading zeros, no surrounding blanks.
 * Bits after the prefix are cleared. Returns undefined for anything else.
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

/**
 * An IPv4 address in dotted decimal, as a number; -1 for any other text. As strict as `parseNetwork`, without its BigInt: most
 * failures come from such addresses.
 */
export function ipv4Number(text: string): number {
  if (text.length > 15) return -1;
  let address = 0;
  let byte = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) {
      if (byte === 0) return -1;
      byte = byte < 0 ? digit : byte * 10 + digit;
      if (byte > 255) return -1;
    } else {
      if (digit !== -2 || byte < 0) return -1;
      address = address * 256 + byte;
      byte = -1;
      dots++;
    }
  }
  return dots === 3 && byte >= 0 ? address * 256 + byte : -1;
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
  const number = ipv4Number(text);
  if (number >= 0) return { family: 4, value: BigInt(number), prefix: 32 };
  const groups = ipv6Groups(text);
  return groups && { family: 6, value: ipv6Value(groups), prefix: 128 };
}

/** The eight groups of an IPv6 address. */
function ipv6Groups(text: string): number[] | undefined {
  const groups: number[] = [];
  let gap = text.startsWith("::") ? 0 : -1;
  let at = gap === 0 ? 2 : 0;
  while (at < text.length) {
    const start = at;
    let group = 0;
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, ++at)) group = group * 16 + digit;
    if (text[at] === ".") {
      const tail = ipv4Number(text.slice(start));
      if (tail < 0) return undefined;
      groups.push(tail >>> 16, tail & 0xffff);
      break;
    }
    if (at === start || at > start + 4) return undefined;
    groups.push(group);
    if (at === text.length) break;
    if (text[at++] !== ":" || at === text.length) return undefined;
    if (text[at] !== ":") continue;
    if (gap >= 0) return undefined;
    gap = groups.length;
    at++;
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  if (gap >= 0) groups.splice(gap, 0, ...ZEROS.slice(groups.length));
  return groups;
}

const ZEROS = [0, 0, 0, 0, 0, 0, 0, 0];

/** The value of the hexadecimal digit at `at`; -1 for any other character. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function ipv6Value(groups: readonly number[]): bigint {
  const word = (at: number) => BigInt((groups[at] ?? 0) * 65536 + (groups[at + 1] ?? 0));
  return (((((word(0) << 32n) | word(2)) << 32n) | word(4)) << 32n) | word(6);
}

function formatIPv4(value: bigint): string {
  const number = Number(value);
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

function formatIPv6(value: bigint): string {
  const groups: number[] = [];
  for (const shift of [96n, 64n, 32n, 0n]) {
    const word = Number((value >> shift) & 0xffffffffn);
    groups.push(word >>> 16, word & 0xffff);
  }
  const run = longestZeroRun(groups);
  let text = "";
  for (let at = 0; at < 8; at++) {
    if (at === run.start && run.length > 1) {
      text += at === 0 ? "::" : ":";
      at += run.length - 1;
    } else text += `${(groups[at] as number).toString(16)}${at < 7 ? ":" : ""}`;
  }
  return text;
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
