import { chainName, PREFIX } from "../names.ts";
import { describeFailure, type Ran } from "../run.ts";
import type { Batch, Change, Found, Jail } from "./backend.ts";
import { type Chain, planChain, readChain, settleChain } from "./chain.ts";
import type { Rule } from "./rules.ts";
import { findJumps, type Jump, parseSaved, portsOf, readBan, readReturn, type Saved } from "./saved.ts";

/** iptables or ip6tables: the real one, or one that only shows what it would do. */
export interface Tool {
  readonly name: string;
  readonly family: 4 | 6;
  /** `-S`: the rules of one chain, or all. */
  list(chain?: string): Promise<Ran>;
  /** All of the rules or none, in one transaction. */
  commit(rules: readonly Rule[]): Promise<Ran>;
}

/**
 * Changes of a jail that may fail one by one before the rest of its batch is given up: what fails that often is not the
 * fault of the single change.
 */
const MAX_SINGLE_FAILURES = 16;

/** The jails of one family: knows what is in the kernel, and changes it in as few transactions as can be. */
export class Family {
  readonly #tool: Tool;
  readonly #chains = new Map<string, Chain>();
  /** Jumps that were there at start, by chain: an earlier run may have been given another --chain. */
  #earlier: ReadonlyMap<string, readonly Jump[]> = new Map();

  constructor(tool: Tool) {
    this.#tool = tool;
  }

  /** Looks whether the tool works and has the chains. Returns what is wrong. */
  async start(chains: readonly string[]): Promise<string | undefined> {
    const all = await this.#tool.list();
    if (all.status !== 0) return `${this.#tool.name}: ${describeFailure(all)}`;
    for (const chain of chains) {
      if ((await this.#tool.list(chain)).status !== 0)
        return `${this.#tool.name}: there is no chain ${chain}`;
    }
    this.#earlier = findJumps(parseSaved(all.stdout));
    return undefined;
  }

  /** @throws Error when the tool fails */
  async adopt(jail: Jail): Promise<Found | undefined> {
    const chain = await this.#read(jail);
    this.#chains.set(jail.name, chain);
    if (!chain.exists) return undefined;
    return { name: jail.name, ...portsOf(chain.jumps), chains: parentsOf(chain.jumps), bans: chain.bans };
  }

  /** One transaction for all; when it fails, jail by jail, and then by halves. Returns why changes failed. */
  async apply(batches: readonly Batch[]): Promise<Map<Change, string>> {
    const failures = new Map<Change, string>();
    if ((await this.#commit(batches)) === undefined) return failures;
    for (const batch of batches) await this.#applyJail(batch, failures);
    return failures;
  }

  /** How many bans a jail has. */
  count(jail: Jail): number {
    return this.#chain(jail).bans.size;
  }

  async list(): Promise<readonly Found[]> {
    const saved = await this.#listAll();
    const jumps = findJumps(saved);
    return ownChains(saved).map((chain) => {
      const rules = saved.rules.get(chain) ?? [];
      const bans = rules.map(readBan).filter((ban) => ban !== undefined);
      const leading = jumps.get(chain) ?? [];
      return {
        name: readReturn(rules.at(-1))?.jail ?? chain.slice(PREFIX.length),
        ...portsOf(leading),
        chains: parentsOf(leading),
        bans: new Map(bans.reverse().map(({ ip, until }) => [ip, until])),
      };
    });
  }

  /** @throws Error when the tool fails */
  async flush(jails?: readonly string[]): Promise<void> {
    const saved = await this.#listAll();
    const jumps = findJumps(saved);
    const wanted = jails && new Set(jails.map(chainName));
    const rules = ownChains(saved)
      .filter((chain) => wanted?.has(chain) ?? true)
      .flatMap((chain) => [
        ...(jumps.get(chain) ?? []).map(({ parent, rule }) => ["-D", parent, ...rule]),
        ["-F", chain],
        ["-X", chain],
      ]);
    if (rules.length > 0) orThrow(await this.#tool.commit(rules), this.#tool.name);
    for (const jail of jails ?? [...this.#chains.keys()]) this.#chains.delete(jail);
  }

  async #applyJail({ jail, changes }: Batch, failures: Map<Change, string>): Promise<void> {
    const problem = (await this.#refresh(jail)) ?? (await this.#commit([{ jail, changes: [] }]));
    if (problem === undefined) await this.#applyHalves(jail, changes, failures);
    else for (const change of changes) failures.set(change, problem);
  }

  async #applyHalves(
    jail: Jail,
    changes: readonly Change[],
    failures: Map<Change, string>,
    budget = { left: MAX_SINGLE_FAILURES },
  ): Promise<void> {
    if (changes.length === 0) return;
    const problem = await this.#commit([{ jail, changes }]);
    if (problem === undefined) return;
    if (changes.length === 1 || budget.left === 0) {
      budget.left = Math.max(budget.left - 1, 0);
      for (const change of changes) failures.set(change, problem);
      return;
    }
    const middle = changes.length >> 1;
    await this.#applyHalves(jail, changes.slice(0, middle), failures, budget);
    await this.#applyHalves(jail, changes.slice(middle), failures, budget);
  }

  /** One transaction. Returns why it failed. */
  async #commit(batches: readonly Batch[]): Promise<string | undefined> {
    const plans = batches.map((batch) => {
      const chain = this.#chain(batch.jail);
      return { batch, chain, rules: planChain(chain, batch, this.#tool.family) };
    });
    const rules = plans.flatMap((plan) => plan.rules);
    if (rules.length > 0) {
      const ran = await this.#tool.commit(rules);
      if (ran.status !== 0) return describeFailure(ran);
    }
    for (const plan of plans) settleChain(plan.chain, plan.batch, plan.rules);
    return undefined;
  }

  /** Looks again after a failure: what others took away is written anew with the next transaction. */
  async #refresh(jail: Jail): Promise<string | undefined> {
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

  async #read(jail: Jail): Promise<Chain> {
    const name = chainName(jail.name);
    const rules = await this.#listChain(name);
    const parents = new Set([...jail.chains, ...parentsOf(this.#earlier.get(name) ?? [])]);
    const jumps: Jump[] = [];
    for (const parent of parents) {
      const found = {
        chains: new Set<string>(),
        rules: new Map([[parent, (await this.#listChain(parent)) ?? []]]),
      };
      jumps.push(...(findJumps(found).get(name) ?? []));
    }
    return readChain(rules, jumps, jail);
  }

  /** The rules of a chain; undefined when there is none: iptables ends with 1 then. */
  async #listChain(chain: string): Promise<readonly Rule[] | undefined> {
    const ran = await this.#tool.list(chain);
    if (ran.status === 1) return undefined;
    return parseSaved(orThrow(ran, this.#tool.name)).rules.get(chain) ?? [];
  }

  async #listAll(): Promise<Saved> {
    return parseSaved(orThrow(await this.#tool.list(), this.#tool.name));
  }

  #chain(jail: Jail): Chain {
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

function parentsOf(jumps: readonly Jump[]): readonly string[] {
  return [...new Set(jumps.map(({ parent }) => parent))];
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}

function orThrow(ran: Ran, tool: string): string {
  if (ran.status !== 0) throw new Error(`${tool}: ${describeFailure(ran)}`);
  return ran.stdout;
}
