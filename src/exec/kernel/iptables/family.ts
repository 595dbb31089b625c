import type { Backend, Batch, EnforcedJail, Failures, FoundJail } from "../backend.ts";
import { applyBatches } from "../bisect.ts";
import { chainName, jailOf, PREFIX } from "../names.ts";
import { describeFailure } from "../run-command.ts";
import { type ChainState, hasJumps, planChain, readChain, settleChain } from "./chain.ts";
import { FilterTable, type Tool } from "./filter-table.ts";
import { findJumps, parentsOf, portsOf, readBan, readReturn, type Saved } from "./saved.ts";

/** One family of a back end that uses iptables. Other than a back end, it may fail to start as a whole. */
export interface FamilyBackend
  extends Pick<Backend, "holds" | "read" | "apply" | "check" | "list" | "flush"> {
  /** Checks that the tools work and the chains exist. Returns what is wrong. */
  start(chains: readonly string[]): Promise<string | undefined>;
}

/** The jails of one family as chains. Knows what the kernel holds, and changes it in as few transactions as possible. */
export class Family implements FamilyBackend {
  readonly #table: FilterTable;
  readonly #chains = new Map<string, ChainState>();

  constructor(tool: Tool) {
    this.#table = new FilterTable(tool, "-j");
  }

  start(chains: readonly string[]): Promise<string | undefined> {
    return this.#table.start(chains);
  }

  async holds(): Promise<boolean> {
    return [...this.#table.chainsAtStart].some((chain) => chain.startsWith(PREFIX));
  }

  async read(jail: EnforcedJail): Promise<FoundJail | undefined> {
    const chain = await this.#read(jail);
    this.#chains.set(jail.name, chain);
    if (!chain.exists) return undefined;
    return {
      name: jail.name,
      ...portsOf(chain.jumps),
      chains: parentsOf(chain.jumps),
      bans: new Map(chain.bans),
    };
  }

  apply(batches: readonly Batch[]): Promise<Failures> {
    return applyBatches(
      { commit: (some) => this.#commit(some), refresh: (jail) => this.#refresh(jail) },
      batches,
    );
  }

  /** The number of bans of a jail. */
  count(jail: EnforcedJail): number {
    return this.#chain(jail).bans.size;
  }

  async check(jails: readonly EnforcedJail[]): Promise<readonly string[]> {
    const made = jails.map((jail) => this.#table.fit(jail)).filter((jail) => this.#chain(jail).exists);
    const jumps = await this.#table.jumpsIn(made.flatMap(({ chains }) => chains));
    return made
      .filter((jail) => {
        const chain = this.#chain(jail);
        return !chain.isSound || !hasJumps(chain, jumps.get(chainName(jail.name)) ?? []);
      })
      .map(({ name }) => name);
  }

  async list(): Promise<readonly FoundJail[]> {
    const saved = await this.#table.all();
    const jumps = findJumps(saved);
    return ownChains(saved).map((chain) => {
      const rules = saved.rules.get(chain) ?? [];
      const bans = rules.map(readBan).filter((ban) => ban !== undefined);
      const leading = jumps.get(chain) ?? [];
      return {
        name: jailOf(chain, readReturn(rules.at(-1))?.jail),
        ...portsOf(leading),
        chains: parentsOf(leading),
        bans: new Map(bans.reverse().map(({ ip, until }) => [ip, until])),
      };
    });
  }

  async flush(jails?: readonly string[]): Promise<void> {
    const saved = await this.#table.all();
    const jumps = findJumps(saved);
    const wanted = jails && new Set(jails.map(chainName));
    const rules = ownChains(saved)
      .filter((chain) => wanted?.has(chain) ?? true)
      .flatMap((chain) => [
        ...(jumps.get(chain) ?? []).map(({ parent, rule }) => ["-D", parent, ...rule]),
        ["-F", chain],
        ["-X", chain],
      ]);
    await this.#table.commit(rules);
    for (const jail of jails ?? [...this.#chains.keys()]) this.#chains.delete(jail);
  }

  /** Applies batches in one transaction. Returns why it failed. */
  async #commit(batches: readonly Batch[]): Promise<string | undefined> {
    const plans = batches.map(({ jail, changes }) => {
      const batch = { jail: this.#table.fit(jail), changes };
      const chain = this.#chain(jail);
      return { batch, chain, rules: planChain(chain, batch, this.#table.tool.family) };
    });
    const rules = plans.flatMap((plan) => plan.rules);
    if (rules.length > 0) {
      const ran = await this.#table.tool.commit(rules);
      if (ran.status !== 0) return describeFailure(ran);
    }
    for (const plan of plans) settleChain(plan.chain, plan.batch, plan.rules);
    return undefined;
  }

  /** Reads a chain again. The next transaction rewrites what others have removed. */
  async #refresh(jail: EnforcedJail): Promise<string | undefined> {
    const chain = this.#chain(jail);
    try {
      const found = await this.#read(jail);
      chain.exists = found.exists;
      chain.jumps = found.jumps;
      chain.isSound = found.isSound && sameKeys(found.bans, chain.bans);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #read(jail: EnforcedJail): Promise<ChainState> {
    const name = chainName(jail.name);
    const rules = await this.#table.chain(name);
    return readChain(rules, await this.#table.jumpsTo(name, jail), jail);
  }

  #chain(jail: EnforcedJail): ChainState {
    let chain = this.#chains.get(jail.name);
    if (chain === undefined) {
      chain = readChain(undefined, [], jail);
      this.#chains.set(jail.name, chain);
    }
    return chain;
  }
}

function ownChains({ chains }: Saved): readonly string[] {
  return [...chains].filter((chain) => chain.startsWith(PREFIX));
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
