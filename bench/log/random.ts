/** Numbers that look random and are the same at every run: xorshift32, of period 2^32 - 1. */
export class Random {
  #state: number;

  /** @param seed any number but 0 */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** `n` characters of base 36, upper case. */
  word(n: number): string {
    let text = "";
    for (let i = 0; i < n; i++) text += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[this.below(36)];
    return text;
  }
}
