import { createHash } from "node:crypto";
import { ipv4Number, type Network, parseNetwork } from "../../shared/address.ts";

/**
 * What tables know a subject by: 128 bits, and of what kind they are. An address or network is its own bits; any other id
 * the first half of its SHA-256, for which nobody finds two. All are signed 32-bit integers, which V8 keeps without boxes.
 */
export interface Key {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  /** Below 256; above that is the jail, where one table is for several. */
  readonly kind: number;
}

/** Kinds: the prefix length for IPv4, this and the prefix length for IPv6, and one for ids. */
const IPV6 = 64;
const ID = 255;

let lastName: string | undefined;
let lastKey: Key = keyOfId("");

/** The key of a subject's name, as `nameOf` gives it. The last one is kept at hand: a failure asks several times. */
export function keyOf(name: string): Key {
  if (name === lastName) return lastKey;
  const number = ipv4Number(name);
  const network = number >= 0 ? undefined : parseNetwork(name);
  lastKey = number >= 0 ? keyOfIPv4(number, 32) : network ? keyOfNetwork(network) : keyOfId(name);
  lastName = name;
  return lastKey;
}

/** Keys for what a table holds of the subjects of several jails. */
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
