import { DOCKER_CHAIN } from "../../settings/settings.ts";
import type { EnforcedJail } from "../backend.ts";
import type { Jump, Rule } from "../rules.ts";
import { describeFailure, type Ran } from "../run-command.ts";
import { findJumps, parentsOf, parseSaved, type Saved } from "./saved.ts";

/** iptables or ip6tables: the real tool, or one that only prints commands. */
export interface Tool {
  readonly name: string;
  readonly family: 4 | 6;
  /** `-S`: the rules of one chain, or of all. */
  list(chain?: string): Promise<Ran>;
  /** Applies all rules or none, in one transaction. */
  commit(rules: readonly Rule[]): Promise<Ran>;
}

/** The filter table of one family, as far as back ends need it. `by`: the option by which a rule leads to ours. */
export class FilterTable {
  readonly tool: Tool;
  /** Names of all chains at the start. */
  chainsAtStart: ReadonlySet<string> = new Set();
  readonly #by: "-j" | "--match-set";
  #isDockerNamed = false;
  #hasDocker = false;
  /** Jumps at the start, by target: an earlier run may have had another --chain. */
  #earlier: ReadonlyMap<string, readonly Jump[]> = new Map();

  constructor(tool: Tool, by: "-j" | "--match-set") {
    this.tool = tool;
    this.#by = by;
  }

  /** Checks that the tool works and the chains exist. Returns what is wrong. */
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

  /** The jail without DOCKER-USER where that does not exist. */
  fit(jail: EnforcedJail): EnforcedJail {
    if (this.#isDockerNamed || this.#hasDocker || !jail.chains.includes(DOCKER_CHAIN)) return jail;
    return { ...jail, chains: jail.chains.filter((chain) => chain !== DOCKER_CHAIN) };
  }

  /** The rules of a chain; undefined when it does not exist: iptables exits with 1 then. */
  async chain(name: string): Promise<readonly Rule[] | undefined> {
    const ran = await this.tool.list(name);
    if (name === DOCKER_CHAIN) this.#hasDocker = ran.status === 0;
    if (ran.status === 1) return undefined;
    return parseSaved(orThrow(ran, this.tool.name)).rules.get(name) ?? [];
  }

  async all(): Promise<Saved> {
    return parseSaved(orThrow(await this.tool.list(), this.tool.name));
  }

  /** The jumps from these chains to ours, by target. */
  async jumpsIn(chains: Iterable<string>): Promise<ReadonlyMap<string, readonly Jump[]>> {
    const rules = new Map<string, readonly Rule[]>();
    for (const chain of new Set(chains)) rules.set(chain, (await this.chain(chain)) ?? []);
    return findJumps({ chains: new Set(), rules }, this.#by);
  }

  /** The jumps to `name`, from the chains of the jail and those that an earlier run used. */
  async jumpsTo(name: string, jail: EnforcedJail): Promise<readonly Jump[]> {
    const found = await this.jumpsIn([...jail.chains, ...parentsOf(this.#earlier.get(name) ?? [])]);
    return found.get(name) ?? [];
  }

  /** @throws ToolError when the tool fails */
  async commit(rules: readonly Rule[]): Promise<void> {
    if (rules.length > 0) orThrow(await this.tool.commit(rules), this.tool.name);
  }
}

/** A tool of the firewall failed. The message quotes the tool, so it is to be shown through `printable`. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

/**
 * The stdout of a tool.
 *
 * @throws ToolError when the tool failed
 */
export function orThrow(ran: Ran, tool: string): string {
  if (ran.status !== 0) throw new ToolError(`${tool}: ${describeFailure(ran)}`);
  return ran.stdout;
}
