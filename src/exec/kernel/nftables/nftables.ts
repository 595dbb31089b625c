import { DOCKER_CHAIN } from "../../settings/settings.ts";
import {
  type Backend,
  type Batch,
  type EnforcedJail,
  type Failures,
  type FoundJail,
  UnavailableError,
} from "../backend.ts";
import { applyBatches } from "../bisect.ts";
import { hintFor } from "../families.ts";
import { orThrow } from "../iptables/filter-table.ts";
import { TOOL_OPTIONS } from "../iptables/iptables.ts";
import { withoutForeign } from "../iptables/quoted.ts";
import { PREFIX, tableName } from "../names.ts";
import { quoteCommand } from "../quote-command.ts";
import { describeFailure, type Ran, type Run } from "../run-command.ts";
import {
  elements,
  type Hook,
  LONGEST_TIMEOUT,
  readTable,
  setOf,
  splitTables,
  structure,
} from "./nft-text.ts";

/** nft: the real tool, or one that only prints commands. */
export interface NftTool {
  /** Tables of the inet family, without the elements of their sets. */
  tables(): Promise<Ran>;
  /** The same with elements, of one table or of all. */
  list(table?: string): Promise<Ran>;
  /** Names of the chains of all families. */
  chains(): Promise<Ran>;
  /** Applies all statements or none. */
  commit(statements: readonly string[]): Promise<Ran>;
}

/** The hook for a chain of iptables. */
const HOOKS: Readonly<Record<string, Hook>> = {
  INPUT: "input",
  FORWARD: "forward",
  [DOCKER_CHAIN]: "forward",
};
/** The sets that every jail has. */
const USUAL_SETS = ["ipv4-32", "ipv6-128"];

/** What the kernel is believed to hold of one jail. */
interface TableState {
  exists: boolean;
  sets: Set<string>;
  hooks: readonly Hook[];
  /** The rules of the jail as last written; undefined: they have to be written. */
  written: string | undefined;
  /** How nft lists them; undefined: not read yet. */
  seen: string | undefined;
  /** True: others removed bans that are not restored yet; only the caller knows them. */
  isDamaged: boolean;
}

/**
 * A table per jail, with a set per prefix length. It works beside any other firewall: a packet that either drops is dropped. The
 * kernel ends bans by itself.
 */
export class NftablesBackend implements Backend {
  readonly name = "nftables";
  readonly longestTimeout = LONGEST_TIMEOUT * 1000;
  readonly #tool: NftTool;
  readonly #chains: readonly string[];
  readonly #now: () => number;
  readonly #states = new Map<string, TableState>();
  #isDockerNamed = false;
  #hasDocker = false;

  constructor(tool: NftTool, chains: readonly string[], now: () => number) {
    this.#tool = tool;
    this.#chains = chains;
    this.#now = now;
  }

  async start(): Promise<readonly string[]> {
    const ran = await this.#tool.chains();
    const foreign = this.#chains.find((chain) => HOOKS[chain] === undefined);
    const problem =
      ran.status !== 0
        ? `nft: ${describeFailure(ran)}`
        : foreign && `nft: chain ${foreign}: expected INPUT, FORWARD or ${DOCKER_CHAIN}`;
    if (problem !== undefined) throw new UnavailableError(problem, hintFor([problem], "nftables"));
    this.#hasDocker = hasDocker(ran.stdout);
    this.#isDockerNamed = this.#chains.includes(DOCKER_CHAIN);
    return [];
  }

  async holds(): Promise<boolean> {
    return [...(await this.#tables()).keys()].some((name) => name.startsWith(PREFIX));
  }

  async read(jail: EnforcedJail): Promise<FoundJail | undefined> {
    if (jail.chains.includes(DOCKER_CHAIN)) {
      this.#hasDocker = hasDocker(orThrow(await this.#tool.chains(), "nft"));
    }
    const before = this.#states.get(jail.name);
    const { state, found } = await this.#look(jail);
    const isAsLeft = before?.seen !== undefined && before.seen === state.seen;
    this.#states.set(jail.name, { ...state, written: isAsLeft ? before.written : undefined });
    return found;
  }

  apply(batches: readonly Batch[]): Promise<Failures> {
    return applyBatches(
      { commit: (some) => this.#commit(some), refresh: (jail) => this.#refresh(jail) },
      batches,
    );
  }

  async check(jails: readonly EnforcedJail[]): Promise<readonly string[]> {
    const made = jails.filter(({ name }) => this.#states.get(name)?.exists);
    if (made.length === 0) return [];
    const tables = await this.#tables();
    return made
      .filter((jail) => {
        const state = this.#state(jail);
        const seen = tables.get(tableName(jail.name));
        state.seen ??= seen;
        return state.isDamaged || seen === undefined || seen !== state.seen;
      })
      .map(({ name }) => name);
  }

  async list(): Promise<readonly FoundJail[]> {
    const tables = splitTables(orThrow(await this.#tool.list(), "nft"));
    return [...tables]
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, body]) => foundOf(name.slice(PREFIX.length), readTable(body, this.#now())));
  }

  async flush(jails?: readonly string[]): Promise<void> {
    const wanted = jails && new Set(jails.map(tableName));
    const names = [...(await this.#tables()).keys()].filter(
      (name) => wanted?.has(name) ?? name.startsWith(PREFIX),
    );
    const statements = names.flatMap((name) => [`add table inet ${name}`, `delete table inet ${name}`]);
    if (statements.length > 0) orThrow(await this.#tool.commit(statements), "nft");
    for (const jail of jails ?? [...this.#states.keys()]) this.#states.delete(jail);
  }

  /** Applies batches in one transaction. Returns why it failed. */
  async #commit(batches: readonly Batch[]): Promise<string | undefined> {
    const wanted = batches.filter(
      ({ jail, changes }) => this.#state(jail).exists || changes.some(({ until }) => until !== undefined),
    );
    const plans = wanted.map((batch) => this.#plan(batch));
    const statements = plans.flatMap((plan) => plan.statements);
    if (statements.length > 0) {
      const ran = await this.#tool.commit(statements);
      if (ran.status !== 0) return describeFailure(ran);
    }
    for (const { state, next } of plans) Object.assign(state, next);
    return undefined;
  }

  #plan({ jail, changes }: Batch) {
    const state = this.#state(jail);
    const sets = new Set([...USUAL_SETS, ...state.sets]);
    for (const { ip, until } of changes) if (until !== undefined) sets.add(setOf(ip));
    const hooks = this.#hooksOf(jail);
    const written = JSON.stringify([[...sets].sort(), hooks, jail.ports, jail.protocols, jail.blocktype]);
    const isWritten = state.exists && state.written === written;
    const statements = [
      ...(isWritten ? [] : structure(jail, [...sets], hooks, state.hooks)),
      ...elements(
        jail,
        changes.filter(({ ip }) => sets.has(setOf(ip))),
        this.#now(),
      ),
    ];
    const next: Partial<TableState> = isWritten
      ? {}
      : { exists: true, sets, hooks, written, seen: undefined };
    return { state, next, statements };
  }

  async #refresh(jail: EnforcedJail): Promise<string | undefined> {
    try {
      const before = this.#state(jail);
      const { state } = await this.#look(jail);
      const isDamaged = before.isDamaged || (before.exists && !state.exists);
      this.#states.set(jail.name, { ...state, isDamaged });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #look(
    jail: EnforcedJail,
  ): Promise<{ readonly state: TableState; readonly found: FoundJail | undefined }> {
    const name = tableName(jail.name);
    const seen = (await this.#tables()).get(name);
    const absent: TableState = {
      ...{ exists: false, sets: new Set(), hooks: [] },
      ...{ written: undefined, seen: undefined, isDamaged: false },
    };
    if (seen === undefined) return { state: absent, found: undefined };
    const body = splitTables(orThrow(await this.#tool.list(name), "nft")).get(name) ?? "";
    const saved = readTable(body, this.#now());
    const state = { ...absent, exists: true, sets: new Set(saved.sets), hooks: saved.hooks, seen };
    return { state, found: foundOf(jail.name, saved) };
  }

  #hooksOf({ chains }: EnforcedJail): readonly Hook[] {
    const fit = chains.filter((chain) => chain !== DOCKER_CHAIN || this.#isDockerNamed || this.#hasDocker);
    return [...new Set(fit.flatMap((chain) => HOOKS[chain] ?? []))];
  }

  async #tables(): Promise<ReadonlyMap<string, string>> {
    return splitTables(orThrow(await this.#tool.tables(), "nft"));
  }

  #state(jail: EnforcedJail): TableState {
    let state = this.#states.get(jail.name);
    if (state === undefined) {
      state = {
        ...{ exists: false, sets: new Set(), hooks: [] },
        ...{ written: undefined, seen: undefined, isDamaged: false },
      };
      this.#states.set(jail.name, state);
    }
    return state;
  }
}

/** The nft of this machine. */
export function nftTool(run: Run): NftTool {
  const nft = (...args: string[]) => run(["nft", ...args], TOOL_OPTIONS);
  return {
    tables: () => nft("-s", "-t", "list", "ruleset", "inet"),
    list: (table) =>
      table === undefined ? nft("list", "ruleset", "inet") : nft("list", "table", "inet", table),
    chains: () => nft("list", "chains"),
    commit: (statements) => run(["nft", "-f", "-"], { ...TOOL_OPTIONS, input: `${statements.join("\n")}\n` }),
  };
}

/** A tool that sees no tables, and prints statements instead of applying them. */
export function dryNftTool(print: (line: string) => void): NftTool {
  const done = { status: 0, stdout: "", stderr: "" };
  return {
    tables: async () => done,
    list: async () => done,
    chains: async () => done,
    commit: async (statements) => {
      for (const statement of statements) print(quoteCommand(["nft", statement]));
      return done;
    },
  };
}

function hasDocker(chains: string): boolean {
  return new RegExp(`^\\tchain ${DOCKER_CHAIN} \\{`, "m").test(withoutForeign(chains));
}

function foundOf(jail: string, { bans, ports, protocols, hooks }: ReturnType<typeof readTable>): FoundJail {
  const chains = hooks.map((hook) => (hook === "input" ? "INPUT" : "FORWARD"));
  return { name: jail, ports, protocols, chains, bans };
}
