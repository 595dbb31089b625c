import { contains, formatNetwork, isSingle, type Network, parseNetwork } from "../address.ts";
import { WIDEST_BAN } from "../command.ts";
import type { Protected } from "./host.ts";

const NEVER: readonly Protected[] = [
  { text: "127.0.0.0/8", why: "loopback" },
  { text: "::1", why: "loopback" },
  { text: "0.0.0.0/8", why: "nobody's address" },
  { text: "::", why: "nobody's address" },
].map(({ text, why }) => ({ network: parseNetwork(text) as Network, why }));

/** Own addresses and gateways change while we run (DHCP): how long, in milliseconds, they are believed. */
const HOST_FRESH = 10_000;

export interface PolicyOptions {
  /** Of `--never-ban`. */
  readonly neverBan: readonly Network[];
  /** Asked again every 10 s. */
  readonly host: () => readonly Protected[];
}

/** Says whom f2b-exec will not ban, whoever asks: that would lock its own host out. */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #always: readonly Protected[];
  #host: readonly Protected[] = [];
  #hostRead = Number.NEGATIVE_INFINITY;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#always = [
      ...NEVER,
      ...options.neverBan.map((network) => ({ network, why: "on the never-ban list" })),
    ];
  }

  /** Why this address or network is not banned; undefined when it may be. `now` in milliseconds. */
  refusal(network: Network, now: number): string | undefined {
    const widest = WIDEST_BAN[network.family];
    if (network.prefix < widest) return `networks wider than /${widest} are not banned`;
    if (now - this.#hostRead >= HOST_FRESH || now < this.#hostRead) {
      this.#host = this.#options.host();
      this.#hostRead = now;
    }
    return refusalBy(this.#always, network) ?? refusalBy(this.#host, network);
  }
}

function refusalBy(list: readonly Protected[], network: Network): string | undefined {
  for (const { network: guarded, why } of list) {
    if (contains(guarded, network)) return isSingle(guarded) ? why : `${why} (${formatNetwork(guarded)})`;
    if (contains(network, guarded)) return `it holds ${formatNetwork(guarded)}: ${why}`;
  }
  return undefined;
}
