import { DOCKER_CHAIN } from "../../settings/settings.ts";
import type { EnforcedJail } from "../backend.ts";
import type { Jump, Rule } from "../rules.ts";
import { describeFailure, type Ran } from "../run-command.ts";
import { findJumps, parentsOf, parseSaved, type Saved } from "./saved.ts";

/** iptables or ip6tables: the real one, or one that only shows what it would do. */
export interface Tool {
  readonly name: string;
  readonly family: 4 | 6;
  /** `-S`: the rules of one chain, or all. */
  list(chain?: string): Promise<Ran>;
  /** All of the rules or none, in one transaction. */
  commit(rules: readonly Rule[]): Promise<Ran>;
}

/** The filter table of one family, as far as back ends look at it. `by`: what makes a rule lead to ours. */
export class FilterTable {
  readonly tool: Tool;
  /** Names of all chains when it was started. */
  chainsAtStart: ReadonlySet<string> = new Set();
  readonly #by: "-j" | "--match-set";
  #isDockerNamed = false;
  #hasDocker = false;
  /** Jumps that were there at start, by name: an earlier run may have been given another --chain. */
  #earlier: ReadonlyMap<string, readonly Jump[]> = new Map();

  constructor(tool: Tool, by: "-j" | "--match-set") {
    this.tool = tool;
    this.#by = by;
  }

  /** Looks whether the tool works and has the chains. Returns what is wrong. */
  async start(chains: readonly string[]): Promise<string | undefined> {
    const all = await this.tool.list();
    if (all.status !== 0) return `${this.tool.name}: ${describeFailure(all)}`;
    const saved = parseSaved(all.stdout);
    for (const chain of chains) {
      if (saved.chains.has(chain) || (await this.tool.list(chain)).status === 0) continue;
      return `${this.tool.name}: there is no chain ${chain}`;
    }
    this.#isDockerNamed = chains.includes(DOCKER_CHAIN);
    this.#hasDocker = saved.chains.has(DOCKER_CHAIN);
    this.#earlier = findJumps(saved, this.#by);
    this.chainsAtStart = saved.chains;
    return undefined;
  }

  /** The jail without the chain that this machine does not have. */
  fit(jail: EnforcedJail): EnforcedJail {
    if (this.#isDockerNamed || this.#hasDocker || !jail.chains.includes(DOCKER_CHAIN)) return jail;
    return { ...jail, chains: jail.chains.filter((chain) => chain !== DOCKER_CHAIN) };
  }

  /** The rules of a chain; undefined when there is none: iptables ends with 1 then. */
  async chain(name: string): Promise<readonly Rule[] | undefined> {
    const ran = await this.tool.list(name);
    if (name === DOCKER_CHAIN) this.#hasDocker = ran.status === 0;
    if (ran.status === 1) return undefined;
    return parseSaved(orThrow(ran, this.tool.name)).rules.get(name) ?? [];
  }

  async all(): Promise<Saved> {
    return parseSaved(orThrow(await this.tool.list(), this.tool.name));
  }

  /** What leads to ours in these chains, by the name of ours. */
  async jumpsIn(chains: Iterable<string>): Promise<ReadonlyMap<string, readonly Jump[]>> {
    const rules = new Map<string, readonly Rule[]>();
    for (const chain of new Set(chains)) rules.set(chain, (await this.chain(chain)) ?? []);
    return findJumps({ chains: new Set(), rules }, this.#by);
  }

  /** What leads to `name`, in the jail's chains and in those that an earlier run used. */
  async jumpsTo(name: string, jail: EnforcedJail): Promise<readonly Jump[]> {
    const found = await this.jumpsIn([...jail.chains, ...parentsOf(this.#earlier.get(name) ?? [])]);
    return found.get(name) ?? [];
  }

  /** @throws ToolError when the tool fails */
  async commit(rules: readonly Rule[]): Promise<void> {
    if (rules.length > 0) orThrow(await this.tool.commit(rules), this.tool.name);
  }
}

/** A tool of the firewall failed. Its message holds the tool's own words: to be shown through `printable`. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

/** What a tool wrote. @throws ToolError when it failed */
export function orThrow(ran: Ran, tool: string): string {
  if (ran.status !== 0) throw new ToolError(`${tool}: ${describeFailure(ran)}`);
  return ran.stdout;
}
