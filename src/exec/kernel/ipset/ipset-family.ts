import type { Batch, EnforcedJail, Failures, FoundJail } from "../backend.ts";
import { applyBatches } from "../bisect.ts";
import type { FamilyBackend } from "../iptables/family.ts";
import { FilterTable, orThrow, type Tool } from "../iptables/filter-table.ts";
import { commentOf, findJumps, parentsOf, portsOf } from "../iptables/saved.ts";
import { ipsetName, jailOf, PREFIX } from "../names.ts";
import { ipsetTarget, type Jump, jumpsOf, planJumps, sameJumps } from "../rules.ts";
import { describeFailure, type Ran } from "../run-command.ts";
import { ipsetCommands, parseIpsetHeaders, parseIpsets } from "./ipset-text.ts";

/** ipset: the real tool, or one that only prints commands. */
export interface IpsetTool {
  /** `list -t`: all sets, without their members. */
  headers(): Promise<Ran>;
  /** `save`: one set with its members, or all sets. */
  save(set?: string): Promise<Ran>;
  /** Carries out lines; one that has no effect is not an error. Stops at the first that fails. */
  restore(lines: readonly string[]): Promise<Ran>;
}

/** What the kernel is believed to hold of one jail in one family. */
interface IpsetState {
  exists: boolean;
  /** Least number of bans in the set; the kernel ends them later than we do, never earlier. */
  size: number;
  jumps: readonly Jump[];
  /** True: others removed bans that are not restored yet; only the caller knows them. */
  isDamaged: boolean;
}

/** How often, and how many milliseconds apart, removing a set is tried: rules release it with a delay. */
const DESTROY = { tries: 20, pause: 25 };

/** The jails of one family as sets, and rules that match them. */
export class IpsetFamily implements FamilyBackend {
  readonly #table: FilterTable;
  readonly #sets: IpsetTool;
  readonly #family: 4 | 6;
  readonly #now: () => number;
  readonly #states = new Map<string, IpsetState>();
  #heldAtStart = false;

  constructor(tool: Tool, sets: IpsetTool, now: () => number) {
    this.#table = new FilterTable(tool, "--match-set");
    this.#sets = sets;
    this.#family = tool.family;
    this.#now = now;
  }

  async start(chains: readonly string[]): Promise<string | undefined> {
    const headers = await this.#sets.headers();
    if (headers.status !== 0) return `ipset: ${describeFailure(headers)}`;
    this.#heldAtStart = [...parseIpsetHeaders(headers.stdout).keys()].some((name) => this.#isOurs(name));
    return this.#table.start(chains);
  }

  async holds(): Promise<boolean> {
    return this.#heldAtStart;
  }

  async read(jail: EnforcedJail): Promise<FoundJail | undefined> {
    const { bans, state } = await this.#look(jail);
    this.#states.set(jail.name, state);
    if (bans === undefined) return undefined;
    return { name: jail.name, ...portsOf(state.jumps), chains: parentsOf(state.jumps), bans };
  }

  apply(batches: readonly Batch[]): Promise<Failures> {
    return applyBatches(
      { commit: (some) => this.#commit(some), refresh: (jail) => this.#refresh(jail) },
      batches,
    );
  }

  async check(jails: readonly EnforcedJail[]): Promise<readonly string[]> {
    const made = jails.map((jail) => this.#table.fit(jail)).filter((jail) => this.#state(jail).exists);
    if (made.length === 0) return [];
    const sizes = parseIpsetHeaders(orThrow(await this.#sets.headers(), "ipset"));
    const jumps = await this.#table.jumpsIn(made.flatMap(({ chains }) => chains));
    return made
      .filter((jail) => {
        const state = this.#state(jail);
        const name = ipsetName(jail.name, this.#family);
        const isWhole =
          (sizes.get(name) ?? -1) >= state.size && sameJumps(state.jumps, jumps.get(name) ?? []);
        return state.isDamaged || !isWhole;
      })
      .map(({ name }) => name);
  }

  async list(): Promise<readonly FoundJail[]> {
    const sets = parseIpsets(orThrow(await this.#sets.save(), "ipset"), this.#now());
    const jumps = findJumps(await this.#table.all(), "--match-set");
    return [...sets]
      .filter(([name]) => this.#isOurs(name))
      .map(([name, bans]) => {
        const leading = jumps.get(name) ?? [];
        const chain = name.slice(0, -"-4".length);
        return {
          name: jailOf(chain, commentOf(leading[0]?.rule)),
          ...portsOf(leading),
          chains: parentsOf(leading),
          bans,
        };
      });
  }

  async flush(jails?: readonly string[]): Promise<void> {
    const wanted = jails && new Set(jails.map((jail) => ipsetName(jail, this.#family)));
    const isWanted = (name: string) => wanted?.has(name) ?? this.#isOurs(name);
    const jumps = [...findJumps(await this.#table.all(), "--match-set")];
    await this.#table.commit(
      jumps
        .filter(([name]) => isWanted(name))
        .flatMap(([, list]) => list.map(({ parent, rule }) => ["-D", parent, ...rule])),
    );
    const names = [...parseIpsetHeaders(orThrow(await this.#sets.headers(), "ipset")).keys()].filter(
      isWanted,
    );
    await this.#destroy(names.filter((name) => this.#isOurs(name)));
    for (const jail of jails ?? [...this.#states.keys()]) this.#states.delete(jail);
  }

  /** Changes members first, then rules. Returns why it failed. */
  async #commit(batches: readonly Batch[]): Promise<string | undefined> {
    const wanted = batches.filter(
      ({ jail, changes }) => this.#state(jail).exists || changes.some(({ until }) => until !== undefined),
    );
    const lines = wanted.flatMap(({ jail, changes }) =>
      ipsetCommands(
        ipsetName(jail.name, this.#family),
        this.#family,
        !this.#state(jail).exists,
        changes,
        this.#now(),
      ),
    );
    if (lines.length > 0) {
      const ran = await this.#sets.restore(lines);
      if (ran.status !== 0) return describeFailure(ran);
    }
    for (const { jail, changes } of wanted) {
      const state = this.#state(jail);
      state.exists = true;
      for (const { until, before } of changes)
        state.size += Number(until !== undefined) - Number(before !== undefined);
      state.size = Math.max(0, state.size);
    }
    return this.#commitJumps(wanted.map(({ jail }) => this.#table.fit(jail)));
  }

  async #commitJumps(jails: readonly EnforcedJail[]): Promise<string | undefined> {
    const plans = jails.map((jail) => ({ jail, jumps: jumpsOf(jail, ipsetTarget(jail, this.#family)) }));
    const rules = plans.flatMap(({ jail, jumps }) => planJumps(this.#state(jail).jumps, jumps));
    if (rules.length > 0) {
      const ran = await this.#table.tool.commit(rules);
      if (ran.status !== 0) return describeFailure(ran);
    }
    for (const { jail, jumps } of plans) this.#state(jail).jumps = jumps;
    return undefined;
  }

  async #refresh(jail: EnforcedJail): Promise<string | undefined> {
    try {
      const before = this.#state(jail);
      const { state } = await this.#look(jail);
      const isDamaged = before.isDamaged || state.size < before.size;
      this.#states.set(jail.name, { ...state, isDamaged });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #look(
    jail: EnforcedJail,
  ): Promise<{ readonly bans: FoundJail["bans"] | undefined; readonly state: IpsetState }> {
    const name = ipsetName(jail.name, this.#family);
    const saved = await this.#sets.save(name);
    // ipset exits with 1 for a set that does not exist, and for most other failures.
    const isAbsent = saved.status === 1 && /does not exist/.test(saved.stderr);
    const bans = isAbsent ? undefined : parseIpsets(orThrow(saved, "ipset"), this.#now()).get(name);
    const jumps = await this.#table.jumpsTo(name, jail);
    return {
      bans,
      state: { exists: bans !== undefined, size: bans?.size ?? 0, jumps, isDamaged: false },
    };
  }

  async #destroy(names: readonly string[]): Promise<void> {
    for (let left = DESTROY.tries; names.length > 0; left--) {
      const ran = await this.#sets.restore(names.map((name) => `destroy ${name}`));
      if (ran.status === 0) return;
      if (left === 0) orThrow(ran, "ipset");
      await new Promise((resolve) => setTimeout(resolve, DESTROY.pause));
      const still = parseIpsetHeaders(orThrow(await this.#sets.headers(), "ipset"));
      names = names.filter((name) => still.has(name));
    }
  }

  #isOurs(set: string): boolean {
    return set.startsWith(PREFIX) && set.endsWith(`-${this.#family}`);
  }

  #state(jail: EnforcedJail): IpsetState {
    let state = this.#states.get(jail.name);
    if (state === undefined) {
      state = { exists: false, size: 0, jumps: [], isDamaged: false };
      this.#states.set(jail.name, state);
    }
    return state;
  }
}
