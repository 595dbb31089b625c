import {
  type Backend,
  type Batch,
  type Change,
  type EnforcedJail,
  type Failures,
  type FoundJail,
  UnavailableError,
} from "./backend.ts";
import type { FamilyBackend } from "./iptables/family.ts";
import { mergeFamilies, ofFamily } from "./merge-families.ts";

export interface FamiliesOptions {
  readonly name: string;
  readonly longestTimeout: number;
  readonly families: ReadonlyMap<4 | 6, FamilyBackend>;
  /** Chains that a family needs to work. */
  readonly chains: readonly string[];
}

/** A back end that treats IPv4 and IPv6 independently. A family that does not work is left out. */
export class Families implements Backend {
  readonly name: string;
  readonly longestTimeout: number;
  readonly #chains: readonly string[];
  /** Working families; both before `start`. */
  readonly #families: Map<4 | 6, FamilyBackend>;
  readonly #problems = new Map<4 | 6, string>();

  constructor({ name, longestTimeout, families, chains }: FamiliesOptions) {
    this.name = name;
    this.longestTimeout = longestTimeout;
    this.#families = new Map(families);
    this.#chains = chains;
  }

  async start(): Promise<readonly string[]> {
    const started = await this.#each(
      async (family, version) => [version, await family.start(this.#chains)] as const,
    );
    for (const [version, problem] of started) {
      if (problem === undefined) continue;
      this.#problems.set(version, problem);
      this.#families.delete(version);
    }
    const problems = [...this.#problems.values()];
    if (this.#families.size === 0)
      throw new UnavailableError(problems.join("; "), hintFor(problems, this.name));
    return [...this.#problems].map(([version, problem]) => `no IPv${version} bans: ${problem}`);
  }

  async holds(): Promise<boolean> {
    return (await this.#each((family) => family.holds())).some(Boolean);
  }

  async read(jail: EnforcedJail): Promise<FoundJail | undefined> {
    const found = await this.#each((family) => family.read(jail));
    return mergeFamilies(found.filter((one) => one !== undefined))[0];
  }

  async apply(batches: readonly Batch[]): Promise<Failures> {
    const failures: Failures[] = await this.#each((family, version) =>
      family.apply(ofFamily(batches, version)),
    );
    for (const [version, problem] of this.#problems) {
      const lost = ofFamily(batches, version).flatMap(({ changes }) => changes);
      failures.push(new Map<Change | EnforcedJail, string>(lost.map((change) => [change, problem])));
    }
    return new Map(failures.flatMap((map) => [...map]));
  }

  async check(jails: readonly EnforcedJail[]): Promise<readonly string[]> {
    return [...new Set((await this.#each((family) => family.check(jails))).flat())];
  }

  async list(): Promise<readonly FoundJail[]> {
    return mergeFamilies((await this.#each((family) => family.list())).flat());
  }

  async flush(jails?: readonly string[]): Promise<void> {
    await this.#each((family) => family.flush(jails));
  }

  /** Runs both at a time: their tools share no state. */
  #each<T>(work: (family: FamilyBackend, version: 4 | 6) => Promise<T>): Promise<T[]> {
    return Promise.all([...this.#families].map(([version, family]) => work(family, version)));
  }
}

/** What would help when a tool does not work. */
export function hintFor(problems: readonly string[], tool: string): string {
  const text = problems.join(" ");
  if (text.includes("ENOENT")) return `install ${tool}, or see --backend none and --dry-run`;
  if (/permission denied|not permitted|must be root/i.test(text)) {
    return "run f2b-exec as root or with CAP_NET_ADMIN; --dry-run needs neither";
  }
  return "f2b-exec --dry-run shows the commands that f2b-exec would run";
}
