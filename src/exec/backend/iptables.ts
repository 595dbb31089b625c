import type { Run } from "../run.ts";
import { quoteCommand } from "../shell.ts";
import {
  type Backend,
  type Batch,
  type Change,
  type Failures,
  type Found,
  type Jail,
  UnavailableError,
} from "./backend.ts";
import { Family, type Tool } from "./family.ts";
import { type Rule, restoreText } from "./rules.ts";

/** Seconds to wait for the lock that the legacy tools share. */
const WAIT = ["-w", "10"];
/** Rules in a chain from which on a packet takes several times as long: 9 us instead of 1.3. */
const LONG_CHAIN = 1000;
const TOOL_TIMEOUT = 120_000;
/** A table of 200,000 rules takes 30 MB of text. */
const MAX_LISTING = 256 * 1024 * 1024;

/**
 * Plain iptables and ip6tables: a chain a jail, a rule an address, a jump for the ports. The kernel ends nothing by
 * itself, and each packet to the jail's ports walks the rules: good up to about a thousand bans a jail.
 */
export class IptablesBackend implements Backend {
  readonly name = "iptables";
  readonly endsBans = false;
  readonly #chains: readonly string[];
  readonly #warn: (message: string) => void;
  /** Families that work; before `start` both. */
  readonly #families: Map<4 | 6, Family>;
  readonly #problems = new Map<4 | 6, string>();
  /** Jails whose length was warned of. */
  readonly #long = new Set<string>();

  /** `chains`: those that must be there for a family to work. `warn` is told of a family that does not. */
  constructor(tools: readonly Tool[], chains: readonly string[], warn: (message: string) => void) {
    this.#families = new Map(tools.map((tool) => [tool.family, new Family(tool)]));
    this.#chains = chains;
    this.#warn = warn;
  }

  async start(): Promise<void> {
    for (const [version, family] of this.#families) {
      const problem = await family.start(this.#chains);
      if (problem === undefined) continue;
      this.#families.delete(version);
      this.#problems.set(version, problem);
    }
    const problems = [...this.#problems.values()];
    if (this.#families.size === 0) throw new UnavailableError(problems.join("; "), hintFor(problems));
    for (const [version, problem] of this.#problems) this.#warn(`no IPv${version} bans: ${problem}`);
  }

  async adopt(jail: Jail): Promise<Found | undefined> {
    const found: Found[] = [];
    for (const family of this.#families.values()) found.push(...[(await family.adopt(jail)) ?? []].flat());
    return mergeFound(found)[0];
  }

  async apply(batches: readonly Batch[]): Promise<Failures> {
    const failures = await Promise.all(
      ([4, 6] as const).map((version) => this.#applyFamily(version, batches)),
    );
    return new Map(failures.flatMap((map) => [...map]));
  }

  async list(): Promise<readonly Found[]> {
    const lists = await Promise.all([...this.#families.values()].map((family) => family.list()));
    return mergeFound(lists.flat());
  }

  async flush(jails?: readonly string[]): Promise<void> {
    for (const family of this.#families.values()) await family.flush(jails);
  }

  async #applyFamily(version: 4 | 6, batches: readonly Batch[]): Promise<Map<Change, string>> {
    const own = batches.map(({ jail, changes }) => ({
      jail,
      changes: changes.filter(({ ip }) => (ip.includes(":") ? 6 : 4) === version),
    }));
    const family = this.#families.get(version);
    if (family !== undefined) {
      const failures = await family.apply(own);
      for (const { jail } of own) this.#warnOfLength(jail, family.count(jail));
      return failures;
    }
    const problem = this.#problems.get(version) ?? `no IPv${version}`;
    return new Map(own.flatMap(({ changes }) => changes.map((change) => [change, problem] as const)));
  }

  #warnOfLength({ name }: Jail, count: number): void {
    if (count <= LONG_CHAIN || this.#long.has(name)) return;
    this.#long.add(name);
    this.#warn(
      `jail ${name} has more than ${LONG_CHAIN} bans, and each packet to its ports is compared with all`,
    );
  }
}

/** The tools of this machine. */
export function iptablesTools(run: Run): readonly Tool[] {
  return ([4, 6] as const).map((family) => {
    const name = family === 4 ? "iptables" : "ip6tables";
    const options = { timeout: TOOL_TIMEOUT, maxStdout: MAX_LISTING };
    return {
      name,
      family,
      list: (chain) => run([name, ...WAIT, "-S", ...(chain === undefined ? [] : [chain])], options),
      commit: (rules) =>
        run([`${name}-restore`, "--noflush", ...WAIT], { ...options, input: restoreText(rules) }),
    };
  });
}

/** Tools that see an empty firewall and, instead of changing it, print each command as a person would type it. */
export function dryTools(print: (line: string) => void): readonly Tool[] {
  return ([4, 6] as const).map((family) => {
    const name = family === 4 ? "iptables" : "ip6tables";
    const done = { status: 0, stdout: "", stderr: "" };
    return {
      name,
      family,
      list: async (chain) => ({ ...done, status: chain?.startsWith("f2bs-") ? 1 : 0 }),
      commit: async (rules: readonly Rule[]) => {
        for (const rule of rules) print(quoteCommand([name, ...WAIT, ...rule]));
        return done;
      },
    };
  });
}

/** Both families of a jail as one. */
function mergeFound(list: readonly Found[]): readonly Found[] {
  const merged = new Map<string, Found>();
  for (const found of list) {
    const other = merged.get(found.name);
    merged.set(found.name, {
      name: found.name,
      ports: union(other?.ports, found.ports),
      protocols: union(other?.protocols, found.protocols),
      chains: union(other?.chains, found.chains),
      bans: new Map([...(other?.bans ?? []), ...found.bans]),
    });
  }
  return [...merged.values()];
}

function union(some: readonly string[] = [], more: readonly string[]): readonly string[] {
  return [...new Set([...some, ...more])];
}

function hintFor(problems: readonly string[]): string {
  const text = problems.join(" ");
  if (text.includes("ENOENT")) return "install iptables, or see --backend none and --dry-run";
  if (/permission denied|not permitted|must be root/i.test(text)) {
    return "run f2b-exec as root or with CAP_NET_ADMIN; --dry-run needs neither";
  }
  return "f2b-exec --dry-run shows the commands that it would run";
}
