import { printable, type Report } from "../../cli/report.ts";
import type { EnforcedBan } from "../../protocol/command.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Backend, EnforcedJail, Until } from "../kernel/backend.ts";
import type { JailLock } from "../kernel/lock.ts";
import { mergeFamilies } from "../kernel/merge-families.ts";
import type { EnforcementSettings } from "../settings/settings.ts";
import { describePorts, readPorts, sortPorts } from "./jail-ports.ts";

/** Most jails that one process serves. Each needs a chain, a jump and a lock. */
export const MAX_JAILS = 1000;
/** Milliseconds until a jail that could not be opened is tried again. */
const RETRY = 5000;

/** Why no command of a jail is carried out. */
export interface JailProblem {
  readonly result: "refused" | "failed";
  readonly error: string;
}

/** A jail that a command has named. */
export interface ServedJail {
  jail: EnforcedJail;
  readonly problem?: JailProblem & { readonly since: number };
  /** True: the kernel may not have these ports yet. */
  isChanged: boolean;
  /** The ports of the last command: most commands have the same. */
  lastPorts?: Pick<EnforcedBan, "port" | "protocol">;
  /** Other back ends with bans of an earlier run, until ours has them. */
  leftTo: readonly Backend[];
}

/** The bans that an earlier run left of a jail. */
export interface AdoptedBans {
  readonly bans: ReadonlyMap<string, Until>;
  /** Addresses that our own back end does not have yet. */
  readonly foreign: ReadonlySet<string>;
}

export interface JailsOptions {
  readonly backend: Backend;
  /** Other back ends that earlier runs used. */
  readonly others: readonly Backend[];
  readonly clock: Clock;
  readonly lock: JailLock;
  readonly settingsOf: (jail: string) => Required<EnforcementSettings>;
  readonly report: Report;
  /** Gets the bans that an earlier run left. */
  readonly onAdopted: (jail: string, adopted: AdoptedBans) => void;
}

/** The jails that this process serves: each is opened by the first command that names it. */
export class Jails {
  readonly #options: JailsOptions;
  readonly #served = new Map<string, ServedJail>();

  constructor(options: JailsOptions) {
    this.#options = options;
  }

  /** undefined: there are too many jails. */
  get(name: string): ServedJail | undefined {
    return this.#served.get(name);
  }

  /** The jails without a problem. */
  all(): readonly ServedJail[] {
    return [...this.#served.values()].filter(({ problem }) => problem === undefined);
  }

  /** Locks a jail when it is first named, and takes over the bans that an earlier run left. */
  async open(name: string): Promise<void> {
    const { clock, lock, settingsOf } = this.#options;
    const known = this.#served.get(name);
    if (known && (known.problem === undefined || clock.now() - known.problem.since < RETRY)) return;
    if (!known && this.#served.size >= MAX_JAILS) return;
    const { blocktype, chain: chains } = settingsOf(name);
    const jail: EnforcedJail = { name, ports: [], protocols: [], chains, blocktype };
    const other = await lock.take(name);
    if (other !== undefined) return this.#fail(jail, { result: "refused", error: other });
    try {
      await this.#adopt(jail);
    } catch (error) {
      this.#fail(jail, { result: "failed", error: (error as Error).message });
    }
  }

  /**
   * Ports belong to the jail: a command with other ports changes the jail, which is reported unless the jail is new.
   *
   * @throws RangeError for a protocol that has no ports
   */
  changePorts(served: ServedJail, ban: EnforcedBan, isNew: boolean): void {
    if (isSameAs(served.lastPorts, ban)) return;
    const wanted = readPorts(ban);
    const { port, protocol } = ban;
    served.lastPorts = { ...(port && { port }), ...(protocol && { protocol }) };
    if (wanted === undefined || describePorts(wanted) === describePorts(served.jail)) return;
    served.jail = { ...served.jail, ...wanted };
    served.isChanged = true;
    if (!isNew) this.#options.report.line(`NOTICE [${ban.jail}] now ${describePorts(wanted)}`);
  }

  /** @throws Error when a back end can't be read */
  async #adopt(jail: EnforcedJail): Promise<void> {
    const { backend, others } = this.#options;
    const own = await backend.read(jail);
    const elsewhere = await Promise.all(
      others.map(async (other) => ({ other, found: await other.read(jail) })),
    );
    const left = elsewhere.filter(({ found }) => found !== undefined);
    const [found] = mergeFamilies(
      [own, ...left.map((each) => each.found)].filter((one) => one !== undefined),
    );
    const leftTo = left.map(({ other }) => other);
    const ports = found && sortPorts(found);
    this.#served.set(jail.name, { jail: { ...jail, ...ports }, isChanged: found !== undefined, leftTo });
    if (found === undefined) return;
    // The end of a ban in both is that of our own back end.
    const bans = new Map([...found.bans, ...(own?.bans ?? [])]);
    const foreign = new Set([...bans.keys()].filter((ip) => own === undefined || !own.bans.has(ip)));
    this.#options.onAdopted(jail.name, { bans, foreign });
  }

  #fail(jail: EnforcedJail, problem: JailProblem): void {
    const isKnown = this.#served.has(jail.name);
    const since = this.#options.clock.now();
    this.#served.set(jail.name, { jail, isChanged: false, leftTo: [], problem: { ...problem, since } });
    if (!isKnown) this.#options.report.error(`jail ${jail.name}: ${printable(problem.error)}`);
  }
}

function isSameAs(last: Pick<EnforcedBan, "port" | "protocol"> | undefined, ban: EnforcedBan): boolean {
  return last !== undefined && isSameList(last.port, ban.port) && isSameList(last.protocol, ban.protocol);
}

function isSameList(some: readonly unknown[] | undefined, others: readonly unknown[] | undefined): boolean {
  if (some === undefined || others === undefined) return some === others;
  return some.length === others.length && some.every((item, index) => item === others[index]);
}
