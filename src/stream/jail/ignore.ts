import { statSync } from "node:fs";
import type { IgnoreRule } from "../../rules/rule.ts";
import { contains, isSingle, type Network, parseNetwork, unmap } from "../../shared/address.ts";
import { OWN_ADDRESSES_FRESH } from "../../shared/limits.ts";
import { innerIPv4, ownAddresses, RESERVED } from "../../shared/reserved.ts";
import { LIST, readTrusted } from "../../shared/safe-file.ts";
import { NetworkSet } from "./networks.ts";

const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** Addresses that no other host has, whatever the interfaces are: loopback, multicast and the like. */
const RESERVED_NETWORKS = RESERVED.map(({ network }) => network);
const LOOPBACK = [parseNetwork("127.0.0.0/8")].filter((network) => network !== undefined);
const RESERVED_SET = new NetworkSet(RESERVED_NETWORKS);

/** What an ignore list needs of its surroundings. */
export interface IgnoreHost {
  /** False in a replay, which gives the same on every machine: own addresses are then those that are so everywhere. */
  readonly isLive: boolean;
  /** The addresses of a host name as far as they are known; asks for them in the background. */
  readonly addressesOf: (host: string) => readonly Network[];
  readonly warn: (message: string) => void;
}

/** The addresses that a jail never bans: `ignoreip` with its lists and host names, and the machine itself. */
export class IgnoreList {
  readonly #rule: IgnoreRule;
  readonly #host: IgnoreHost;
  readonly #files: readonly ListFile[];
  readonly #networks: NetworkSet;
  #own: NetworkSet;
  /** The machine's addresses alone. */
  #ownInside: NetworkSet;
  #refreshed = Number.NEGATIVE_INFINITY;

  constructor(rule: IgnoreRule, host: IgnoreHost) {
    this.#rule = rule;
    this.#host = host;
    this.#files = rule.files.map((path) => new ListFile(path, host.warn));
    this.#networks = new NetworkSet(rule.networks);
    this.#own = new NetworkSet(rule.self ? RESERVED_NETWORKS : []);
    this.#ownInside = new NetworkSet(rule.self ? LOOPBACK : []);
  }

  /** Reads lists and own addresses again, and looks up host names, if that is due at `now` (epoch milliseconds). */
  refresh(now: number): void {
    if (now - this.#refreshed < OWN_ADDRESSES_FRESH && now >= this.#refreshed) return;
    const isFirst = this.#refreshed === Number.NEGATIVE_INFINITY;
    this.#refreshed = now;
    if (!this.#host.isLive && !isFirst) return;
    for (const file of this.#files) file.refresh();
    for (const host of this.#rule.hosts) this.#host.addressesOf(host);
    if (this.#host.isLive && this.#rule.self) this.#readOwn();
  }

  #readOwn(): void {
    const own = ownAddresses().map(({ network }) => network);
    this.#own = new NetworkSet([...RESERVED_NETWORKS, ...own]);
    this.#ownInside = new NetworkSet(own);
  }

  /** True when some address of `network` is ignored. */
  touches(network: Network): boolean {
    return (
      this.#networks.touches(network) ||
      this.#isOwn(network) ||
      this.#files.some((file) => file.networks.touches(network)) ||
      this.#isHost(network)
    );
  }

  /** True when the IPv4 address, as a number, is ignored. */
  holdsIPv4(address: number): boolean {
    return (
      this.#networks.holdsIPv4(address) ||
      this.#own.holdsIPv4(address) ||
      this.#files.some((file) => file.networks.holdsIPv4(address)) ||
      (this.#rule.hosts.length > 0 && this.#isHost({ family: 4, value: BigInt(address), prefix: 32 }))
    );
  }

  /** Whether a network holds an address of the machine, or an IPv6 address that stands for one. */
  #isOwn(network: Network): boolean {
    return this.#own.touches(network) || innerIPv4(network).some((inner) => this.#ownInside.touches(inner));
  }

  /** Why an address or network is never banned, for people; undefined: it may be. */
  reasonFor(network: Network): string | undefined {
    const is = isSingle(network) ? "it is" : "it holds";
    if (this.#own.touches(network) && RESERVED_SET.touches(network))
      return `${is} an address that no other host has, and ignoreself is on`;
    if (this.#isOwn(network)) return `${is} an address of this machine, and ignoreself is on`;
    return this.touches(network) ? `${is} an address that ignoreip names` : undefined;
  }

  #isHost(network: Network): boolean {
    return this.#rule.hosts.some((host) =>
      this.#host.addressesOf(host).some((address) => contains(network, address)),
    );
  }
}

/** A file of addresses and networks, one a line; `#` begins a comment. While it cannot be read, its last content stays. */
class ListFile {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  /** Size and time of change when it was read. */
  #version = "";
  networks = new NetworkSet([]);

  constructor(path: string, warn: (message: string) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  refresh(): void {
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const version = `${ino} ${size} ${mtimeMs}`;
      if (version === this.#version) return;
      this.#version = version;
      const bytes = readTrusted(this.#path, MAX_LIST_BYTES, LIST);
      if (bytes.length > MAX_LIST_BYTES) throw new RangeError(`longer than ${MAX_LIST_BYTES} bytes`);
      this.networks = new NetworkSet(this.#parse(bytes.toString("utf8")));
    } catch (error) {
      if (this.#version === "unreadable") return;
      this.#version = "unreadable";
      this.#warn(`ignoreip: ${this.#path}: ${error instanceof Error ? error.message : error}`);
    }
  }

  #parse(text: string): readonly Network[] {
    return text.split("\n").flatMap((line, index) => {
      const word = line.replace(/#.*/, "").trim();
      if (word === "") return [];
      const network = parseNetwork(word);
      if (network) return [unmap(network)];
      this.#warn(`ignoreip: ${this.#path}:${index + 1}: expected an address or a network`);
      return [];
    });
  }
}
