import type { Random } from "./random.ts";

// Addresses that belong to nobody: those for documentation, those for benchmarks (198.18.0.0/15), and, where a million
// different ones are needed, those of private networks.

/** One of the 131,072 addresses for benchmarks; now and then, one of IPv6. */
function anyAddress(random: Random): string {
  const n = random.below(131_072);
  if (random.below(20) === 0) return `2001:db8:${(n >> 4).toString(16)}::${(n & 0xf).toString(16)}`;
  return `198.${18 + (n >> 16)}.${(n >> 8) & 0xff}.${n & 0xff}`;
}

/** One of 768 clients that do no harm. */
export function clientAddress(random: Random): string {
  return `${random.pick(["192.0.2", "198.51.100", "203.0.113"])}.${random.below(256)}`;
}

/** The `n`th of 16 million addresses of 10.0.0.0/8. */
export function distinctAddress4(n: number): string {
  return `10.${(n >> 16) & 0xff}.${(n >> 8) & 0xff}.${n & 0xff}`;
}

/** The `n`th of 2^32 addresses of 2001:db8::/32, each in a /64 of its own. */
export function distinctAddress6(n: number): string {
  return `2001:db8:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;
}

/** Who fails in a soak: one in five for the first time, the others again, soon after. One in twenty has an IPv6 address. */
export class Newcomers {
  readonly #random: Random;
  #known = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Addresses that there were. */
  get known(): number {
    return this.#known;
  }

  /** Whose failure comes next. */
  next(): string {
    const random = this.#random;
    if (this.#known === 0 || random.below(5) === 0) return addressOf(this.#known++);
    return addressOf(this.#known - 1 - random.below(Math.min(this.#known, 4000)));
  }
}

function addressOf(n: number): string {
  return n % 20 === 0 ? distinctAddress6(n) : distinctAddress4(n);
}

/** Who fails: some come once and never again, others try on and on until they give up and the next one takes their place. */
export class Attackers {
  readonly #random: Random;
  readonly #most: number;
  readonly #active: { address: string; tries: number }[] = [];

  /** @param most so many try on at any time */
  constructor(random: Random, most: number) {
    this.#random = random;
    this.#most = most;
  }

  /** Whose failure comes next. */
  next(): string {
    const random = this.#random;
    if (random.below(10) < 4) return anyAddress(random);
    const at = random.below(this.#most);
    let attacker = this.#active[at];
    if (attacker === undefined || attacker.tries === 0) {
      attacker = { address: anyAddress(random), tries: 10 + random.below(180) };
      this.#active[at] = attacker;
    }
    attacker.tries--;
    return attacker.address;
  }
}
