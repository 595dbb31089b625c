import { WIDEST_BAN } from "../../protocol/command.ts";
import type { Network } from "../../shared/address.ts";
import { OWN_ADDRESSES_FRESH } from "../../shared/limits.ts";
import { RESERVED, type Reserved, whyInnerReserved, whyReserved } from "../../shared/reserved.ts";

export interface PolicyOptions {
  /** The addresses of `--never-ban`. */
  readonly neverBan: readonly Network[];
  /** Addresses that this host needs. Called every 10 s, since they change (DHCP). */
  readonly host: () => readonly Reserved[];
}

/** Decides which addresses f2b-exec refuses to ban, since that would lock its own host out. */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #neverBan: readonly Reserved[];
  #host: readonly Reserved[] = [];
  #hostRead = Number.NEGATIVE_INFINITY;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#neverBan = options.neverBan.map((network) => ({ network, why: "on the never-ban list" }));
  }

  /** Why this address or network must not be banned; undefined: it may be. `now` in milliseconds. */
  refusal(network: Network, now: number): string | undefined {
    const widest = WIDEST_BAN[network.family];
    if (network.prefix < widest) return `networks wider than /${widest} are not banned`;
    if (now - this.#hostRead >= OWN_ADDRESSES_FRESH || now < this.#hostRead) {
      this.#host = this.#options.host();
      this.#hostRead = now;
    }
    const [neverBan, host] = [this.#neverBan, this.#host];
    return (
      whyReserved(RESERVED, network) ??
      whyReserved(neverBan, network) ??
      whyReserved(host, network) ??
      whyInnerReserved(neverBan, network) ??
      whyInnerReserved(host, network)
    );
  }
}
