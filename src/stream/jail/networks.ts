import type { Network } from "../../shared/address.ts";

/** A set of addresses and networks with quick lookups, however many there are. */
export class NetworkSet {
  readonly #ipv4: Ranges<number>;
  readonly #ipv6: Ranges<bigint>;

  constructor(networks: readonly Network[]) {
    const ranges = (family: 4 | 6) => networks.filter((network) => network.family === family).map(rangeOf);
    this.#ipv4 = new Ranges(
      ranges(4).map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
    );
    this.#ipv6 = new Ranges(ranges(6));
  }

  /** True when some address of `network` is in the set. */
  touches(network: Network): boolean {
    const { first, last } = rangeOf(network);
    return network.family === 4
      ? this.#ipv4.overlap(Number(first), Number(last))
      : this.#ipv6.overlap(first, last);
  }

  /** True when the IPv4 address, as a number, is in the set. */
  holdsIPv4(address: number): boolean {
    return this.#ipv4.overlap(address, address);
  }
}

interface Range<T> {
  readonly first: T;
  readonly last: T;
}

function rangeOf({ family, value, prefix }: Network): Range<bigint> {
  const hosts = BigInt((family === 4 ? 32 : 128) - prefix);
  return { first: value, last: value | ((1n << hosts) - 1n) };
}

/** Ranges of numbers that don't overlap, in ascending order. */
class Ranges<T extends number | bigint> {
  readonly #ranges: readonly Range<T>[];

  constructor(ranges: readonly Range<T>[]) {
    const merged: Range<T>[] = [];
    for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
      const before = merged.at(-1);
      if (before === undefined || before.last < range.first) merged.push(range);
      else if (before.last < range.last)
        merged[merged.length - 1] = { first: before.first, last: range.last };
    }
    this.#ranges = merged;
  }

  overlap(first: T, last: T): boolean {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as Range<T>).last < first) low = middle + 1;
      else high = middle;
    }
    const range = this.#ranges[low];
    return range !== undefined && range.first <= last;
  }
}
