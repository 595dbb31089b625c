/** What the executor knows of a jail that is to be in the kernel. */
export interface Jail {
  readonly name: string;
  /** `25`, `10000:10100`; empty: all ports. In order, each once. */
  readonly ports: readonly string[];
  /** `tcp`, `udp`, …: at least one where there are ports. */
  readonly protocols: readonly string[];
  /** Chains of the kernel that lead to the jail: `INPUT`, `DOCKER-USER`. */
  readonly chains: readonly string[];
  readonly blocktype: Blocktype;
}

export type Blocktype = "reject" | "drop";

/** When a ban ends, in epoch milliseconds; null: never, or nobody knows. */
export type Until = number | null;

/** One address or network, in canonical text, that is to be banned from now on, or no longer. */
export interface Change {
  readonly ip: string;
  /** undefined: no ban. */
  readonly until: Until | undefined;
}

/** Changes of one jail, each address at most once. Without changes: chain and jump alone are to be right. */
export interface Batch {
  readonly jail: Jail;
  readonly changes: readonly Change[];
}

/** What went wrong with a change: text for people, some of it the tool's own, so to be shown through `printable`. */
export type Failures = ReadonlyMap<Change, string>;

/** A jail as it was found in the kernel. */
export interface Found {
  readonly name: string;
  readonly ports: readonly string[];
  readonly protocols: readonly string[];
  readonly chains: readonly string[];
  readonly bans: ReadonlyMap<string, Until>;
}

/**
 * One way to ban. Calls come one at a time. A back end makes what a jail needs with the first ban of the jail, and never
 * touches anything whose name does not begin with `f2bs-`.
 */
export interface Backend {
  readonly name: string;
  /** True when the kernel itself ends bans at their `until`. */
  readonly endsBans: boolean;
  /** @throws UnavailableError when there is nothing to ban with */
  start(): Promise<void>;
  /** Looks for what an earlier run left of a jail and takes it over. undefined: nothing. */
  adopt(jail: Jail): Promise<Found | undefined>;
  /** Makes the kernel as the batches say. A change that fails alone takes no other with it. */
  apply(batches: readonly Batch[]): Promise<Failures>;
  /** Everything that any f2b-exec has in force with this back end, read from the kernel. */
  list(): Promise<readonly Found[]>;
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
