import type { Blocktype } from "../settings/settings.ts";
/** A jail as f2b-exec has it in the kernel. */
export interface EnforcedJail {
  readonly name: string;
  /** `25`, `10000:10100`; empty: all ports. In order, each once. */
  readonly ports: readonly string[];
  /** `tcp`, `udp`, …: at least one where there are ports. */
  readonly protocols: readonly string[];
  /** Chains that jump to the jail: `INPUT`, `DOCKER-USER`. The latter is left out where it does not exist. */
  readonly chains: readonly string[];
  readonly blocktype: Blocktype;
}

/** When a ban ends, in epoch milliseconds; null: never, or unknown. */
export type Until = number | null;

/** A change of one ban. `ip` is an address or network in canonical text. */
export interface Change {
  readonly ip: string;
  /** The new end; undefined: no ban. */
  readonly until: Until | undefined;
  /** The end that the kernel is believed to have; undefined: no ban. */
  readonly before?: Until | undefined;
}

/** Changes of one jail, each address at most once. Without changes only its rules are restored. */
export interface Batch {
  readonly jail: EnforcedJail;
  readonly changes: readonly Change[];
}

/**
 * Why changes failed, or the rules of a jail without changes. The text may quote a tool, so it is to be shown through `printable`.
 */
export type Failures = ReadonlyMap<Change | EnforcedJail, string>;

/** A jail as read from the kernel. */
export interface FoundJail {
  readonly name: string;
  readonly ports: readonly string[];
  readonly protocols: readonly string[];
  readonly chains: readonly string[];
  readonly bans: ReadonlyMap<string, Until>;
}

/**
 * One way to ban. Its methods are called one at a time. A back end creates what a jail needs with its first ban, and never touches
 * anything whose name does not begin with `f2bs-`. A new back end is a file and a line in `choose.ts`.
 */
export interface Backend {
  readonly name: string;
  /**
   * Longest time in milliseconds after which the kernel itself can end a ban; 0: it never does. A longer ban gets that time, and
   * has to be renewed.
   */
  readonly longestTimeout: number;
  /**
   * Returns warnings about what does not work, such as one family.
   *
   * @throws UnavailableError when nothing works
   */
  start(): Promise<readonly string[]>;
  /** Whether at `start` the kernel held anything of any f2b-exec. */
  holds(): Promise<boolean>;
  /** Reads a jail from the kernel, for the next `apply` to start from. undefined: it is not there. */
  read(jail: EnforcedJail): Promise<FoundJail | undefined>;
  /** Applies batches, rules included. A change that fails does not affect the others. */
  apply(batches: readonly Batch[]): Promise<Failures>;
  /** Names of jails whose rules, or number of bans, have changed. Cheap, however many bans there are. */
  check(jails: readonly EnforcedJail[]): Promise<readonly string[]>;
  /** All jails of any f2b-exec with this back end, read from the kernel. */
  list(): Promise<readonly FoundJail[]>;
  /** Removes these jails with all their bans; without names everything that any f2b-exec created. */
  flush(jails?: readonly string[]): Promise<void>;
}

/** No firewall works. The message says which were tried, the hint what would help. */
export class UnavailableError extends Error {
  readonly code = "ERR_FIREWALL_UNAVAILABLE";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "UnavailableError";
    this.hint = hint;
  }
}
