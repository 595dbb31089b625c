import type { Blocktype } from "../settings/settings.ts";
/** What the executor knows of a jail that is to be in the kernel. */
export interface EnforcedJail {
  readonly name: string;
  /** `25`, `10000:10100`; empty: all ports. In order, each once. */
  readonly ports: readonly string[];
  /** `tcp`, `udp`, …: at least one where there are ports. */
  readonly protocols: readonly string[];
  /** Chains of the kernel that lead to the jail: `INPUT`, `DOCKER-USER`. The latter is left out where it is not. */
  readonly chains: readonly string[];
  readonly blocktype: Blocktype;
}

/** When a ban ends, in epoch milliseconds; null: never, or nobody knows. */
export type Until = number | null;

/** One address or network, in canonical text, that is to be banned from now on, or no longer. */
export interface Change {
  readonly ip: string;
  /** undefined: no ban. */
  readonly until: Until | undefined;
  /** What we hold to be in the kernel; undefined: nothing. */
  readonly before?: Until | undefined;
}

/** Changes of one jail, each address at most once. Without changes: chain and jump alone are to be right. */
export interface Batch {
  readonly jail: EnforcedJail;
  readonly changes: readonly Change[];
}

/**
 * What went wrong with a change, or with the rules of a jail that had none: text for people, some of it the tool's own, so
 * to be shown through `printable`.
 */
export type Failures = ReadonlyMap<Change | EnforcedJail, string>;

/** A jail as it was found in the kernel. */
export interface FoundJail {
  readonly name: string;
  readonly ports: readonly string[];
  readonly protocols: readonly string[];
  readonly chains: readonly string[];
  readonly bans: ReadonlyMap<string, Until>;
}

/**
 * One way to ban. Calls come one at a time. A back end makes what a jail needs with the first ban of the jail, and never
 * touches anything whose name does not begin with `f2bs-`. A new one is a file, and a line in `choose.ts`.
 */
export interface Backend {
  readonly name: string;
  /**
   * Longest time in milliseconds after which the kernel itself ends a ban; 0: it never does. A ban that lasts longer is
   * given that time, and has to be renewed.
   */
  readonly longestTimeout: number;
  /**
   * Returns what does not work, for people: one family, say.
   *
   * @throws UnavailableError when there is nothing to ban with
   */
  start(): Promise<readonly string[]>;
  /** Whether any f2b-exec had left something here at `start`. */
  holds(): Promise<boolean>;
  /** Reads what there is of a jail, and goes on from there. undefined: nothing. */
  read(jail: EnforcedJail): Promise<FoundJail | undefined>;
  /** Makes the kernel as the batches say, rules included. A change that fails alone takes no other with it. */
  apply(batches: readonly Batch[]): Promise<Failures>;
  /** Names of jails whose rules, or number of bans, are not as they were left. Cheap, however many bans there are. */
  check(jails: readonly EnforcedJail[]): Promise<readonly string[]>;
  /** Everything that any f2b-exec has in force with this back end, read from the kernel. */
  list(): Promise<readonly FoundJail[]>;
  /** Takes away these jails with all their bans; without names everything that any f2b-exec ever made. */
  flush(jails?: readonly string[]): Promise<void>;
}

/** There is no firewall to work with; the message says which was tried, the hint what would help. */
export class UnavailableError extends Error {
  readonly code = "ERR_FIREWALL_UNAVAILABLE";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "UnavailableError";
    this.hint = hint;
  }
}
