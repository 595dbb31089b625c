import type { Backend, Batch, EnforcedJail, Failures } from "../backend.ts";
import { Families } from "../families.ts";
import { quoteCommand } from "../quote-command.ts";
import { restoreText } from "../rules.ts";
import type { Run } from "../run-command.ts";
import { Family } from "./family.ts";
import type { Tool } from "./filter-table.ts";

/** Seconds to wait for the lock that the legacy tools share. */
const WAIT = ["-w", "10"];
/** From this many rules in a chain on a packet takes several times as long: 9 µs instead of 1.3. */
const LONG_CHAIN = 1000;
const TOOL_TIMEOUT = 120_000;
/** A table of 200,000 rules takes 30 MB of text. */
const MAX_LISTING = 256 * 1024 * 1024;

/** Options for running the tools. */
export const TOOL_OPTIONS = { timeout: TOOL_TIMEOUT, maxStdout: MAX_LISTING };

/**
 * Plain iptables and ip6tables: a chain per jail, a rule per address, a jump for the ports. The kernel ends no ban by itself, and
 * each packet to the jail's ports walks the rules, so it suits up to about a thousand bans per jail.
 */
export function iptablesBackend(
  tools: readonly Tool[],
  chains: readonly string[],
  warn: (message: string) => void,
): Backend {
  const long = new Set<string>();
  const families = new Map(tools.map((tool) => [tool.family, new LongFamily(tool, warn, long)]));
  return new Families({ name: "iptables", longestTimeout: 0, families, chains });
}

/** The tools of this machine. */
export function iptablesTools(run: Run): readonly Tool[] {
  return ([4, 6] as const).map((family) => {
    const name = toolName(family);
    return {
      name,
      family,
      list: (chain) => run([name, ...WAIT, "-S", ...(chain === undefined ? [] : [chain])], TOOL_OPTIONS),
      commit: (rules) =>
        run([`${name}-restore`, "--noflush", ...WAIT], { ...TOOL_OPTIONS, input: restoreText(rules) }),
    };
  });
}

/** Tools that see a firewall of empty `chains`, and print commands instead of changing it. */
export function dryTools(print: (line: string) => void, chains: readonly string[]): readonly Tool[] {
  return ([4, 6] as const).map((family) => {
    const name = toolName(family);
    const done = { status: 0, stdout: "", stderr: "" };
    return {
      name,
      family,
      list: async (chain) => ({ ...done, status: chain === undefined || chains.includes(chain) ? 0 : 1 }),
      commit: async (rules) => {
        for (const rule of rules) print(quoteCommand([name, ...WAIT, ...rule]));
        return done;
      },
    };
  });
}

/** Warns once for each jail that has many bans. */
class LongFamily extends Family {
  readonly #warn: (message: string) => void;
  /** Jails with a warning, in either family. */
  readonly #long: Set<string>;

  constructor(tool: Tool, warn: (message: string) => void, long: Set<string>) {
    super(tool);
    this.#warn = warn;
    this.#long = long;
  }

  override async apply(batches: readonly Batch[]): Promise<Failures> {
    const failures = await super.apply(batches);
    for (const { jail } of batches) this.#warnOfLength(jail);
    return failures;
  }

  #warnOfLength(jail: EnforcedJail): void {
    if (this.count(jail) <= LONG_CHAIN || this.#long.has(jail.name)) return;
    this.#long.add(jail.name);
    this.#warn(
      `jail ${jail.name} has more than ${LONG_CHAIN} bans, and each packet to its ports is compared with all of them`,
    );
  }
}

function toolName(family: 4 | 6): string {
  return family === 4 ? "iptables" : "ip6tables";
}
