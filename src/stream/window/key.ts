import { createHash } from "node:crypto";
import { ipv4Number, type Network, parseNetwork } from "../../shared/address.ts";

/**
 * The key of a subject in tables: 128 bits and a kind. For an address or network these are its own bits; for any other id the
 * first half of its SHA-256, too long for a collision to be found. All are signed 32-bit integers, which V8 keeps unboxed.
 */
export interface Key {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  /** Below 256; the bits above are the jail, in a table for several jails. */
  readonly kind: number;
}

/** Kinds: the prefix length for IPv4, this and the prefix length for IPv6, and one for ids. */
const IPV6 = 64;
const ID = 255;

let lastName: string | undefined;
let lastKey: Key = keyOfId("");

/** The key of a subject's name, as `nameOf` gives it. The last one is kept: each failure needs its key several times. */
export function keyOf(name: string): Key {
  if (name === lastName) return lastKey;
  const number = ipv4Number(name);
  const network = number >= 0 ? undefined : parseNetwork(name);
  lastKey = number >= 0 ? keyOfIPv4(number, 32) : network ? keyOfNetwork(network) : keyOfId(name);
  lastName = name;
  return lastKey;
}

/** Keys for a table that holds subjects of several jails. */
export class JailKeys {
  /** A number for each jail there ever was, above 0. */
  readonly #numbers = new Map<string, number>();

  of(jail: string, name: string): Key {
    const known = this.#numbers.get(jail);
    const number = known ?? this.#numbers.size + 1;
    if (known === undefined) this.#numbers.set(jail, number);
    return inJail(keyOf(name), number);
  }

  /** The keys of a subject in all jails. */
  all(name: string): readonly Key[] {
    return [...this.#numbers.values()].map((number) => inJail(keyOf(name), number));
  }
}

function inJail({ a, b, c, d, kind }: Key, number: number): Key {
  return { a, b, c, d, kind: kind | (number << 8) };
}

function keyOfNetwork({ family, value, prefix }: Network): Key {
  if (family === 4) return keyOfIPv4(Number(value), prefix);
  const word = (shift: bigint) => Number(BigInt.asIntN(32, value >> shift));
  return { a: word(96n), b: word(64n), c: word(32n), d: word(0n), kind: IPV6 + prefix };
}

function keyOfIPv4(number: number, prefix: number): Key {
  return { a: number | 0, b: 0, c: 0, d: 0, kind: prefix };
}

function keyOfId(id: string): Key {
  const digest = createHash("sha256").update(id).digest();
  const word = (at: number) => digest.readInt32LE(at);
  return { a: word(0), b: word(4), c: word(8), d: word(12), kind: ID };
}
