import { type Backend, UnavailableError } from "./backend.ts";
import { dryIpsetTool, ipsetBackend, ipsetTool } from "./ipset/ipset.ts";
import { dryTools, iptablesBackend, iptablesTools } from "./iptables/iptables.ts";
import { dryNftTool, NftablesBackend, nftTool } from "./nftables/nftables.ts";
import { noBackend } from "./none.ts";
import type { Run } from "./run-command.ts";

/** Names for `--backend`, the best first. */
export const BACKENDS = ["ipset", "nftables", "iptables", "none"] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface BackendOptions {
  readonly run: Run;
  /** Prints commands instead of running them. */
  readonly print: ((line: string) => void) | undefined;
  /** Chains that must exist. */
  readonly chains: readonly string[];
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/** Creates a back end, without starting it. */
function makeBackend(name: BackendName, { run, print, chains, now, warn }: BackendOptions): Backend {
  const tools = print === undefined ? iptablesTools(run) : dryTools(print, chains);
  switch (name) {
    case "ipset":
      return ipsetBackend(tools, print === undefined ? ipsetTool(run) : dryIpsetTool(print), chains, now);
    case "nftables":
      return new NftablesBackend(print === undefined ? nftTool(run) : dryNftTool(print), chains, now);
    case "iptables":
      return iptablesBackend(tools, chains, warn);
    case "none":
      return noBackend;
  }
}

/** The back end to use, and others that hold bans of earlier runs. All are started. */
export interface Choice {
  readonly backend: Backend;
  readonly others: readonly Backend[];
  /** What does not work in the chosen back end. */
  readonly warnings: readonly string[];
}

/**
 * Chooses the named back end; for `auto` the one that already holds bans, else the first that works.
 *
 * @throws UnavailableError when it, or for `auto` every one, does not work
 */
export async function chooseBackend(name: BackendName | "auto", options: BackendOptions): Promise<Choice> {
  if (name === "none") return { backend: noBackend, others: [], warnings: [] };
  if (options.print !== undefined) return chooseDry(name, options);
  const { works, problems } = await startAll(options);
  const holding = works.filter(({ holds }) => holds);
  const named =
    name === "auto" ? (holding[0] ?? works[0]) : works.find(({ backend }) => backend.name === name);
  if (named === undefined) throw problems.get(name) ?? combine(problems);
  const others = holding.filter((other) => other !== named).map(({ backend }) => backend);
  return { ...named, others };
}

/**
 * Starts all back ends. Returns those that work.
 *
 * @throws UnavailableError when none works
 */
export async function allBackends(options: BackendOptions): Promise<readonly Backend[]> {
  const { works, problems } = await startAll(options);
  if (works.length === 0) throw combine(problems);
  return works.map(({ backend }) => backend);
}

interface Started {
  readonly backend: Backend;
  readonly warnings: readonly string[];
  readonly holds: boolean;
}

async function startAll(
  options: BackendOptions,
): Promise<{ works: readonly Started[]; problems: ReadonlyMap<string, Error> }> {
  const problems = new Map<string, Error>();
  const tried = await Promise.all(
    BACKENDS.filter((name) => name !== "none").map(async (name) => {
      const backend = makeBackend(name, options);
      try {
        const warnings = await backend.start();
        return [{ backend, warnings, holds: await backend.holds() }];
      } catch (error) {
        problems.set(name, error as Error);
        return [];
      }
    }),
  );
  return { works: tried.flat(), problems };
}

/** Tools that a back end runs. */
const TOOLS = { ipset: ["ipset", "iptables"], nftables: ["nft"], iptables: ["iptables"], none: [] } as const;

/** A dry run may lack the right to read the firewall, so it chooses by the tools that are installed. */
async function chooseDry(name: BackendName | "auto", options: BackendOptions): Promise<Choice> {
  let chosen: BackendName = name === "auto" ? "ipset" : name;
  for (const each of name === "auto" ? BACKENDS : []) {
    const ran = await Promise.all(
      TOOLS[each].map((tool) => options.run([tool, "--version"], { timeout: 5000, maxStdout: 1024 })),
    );
    if (each === "none" || ran.some(({ failure }) => failure === "ENOENT")) continue;
    chosen = each;
    break;
  }
  const backend = makeBackend(chosen, options);
  return { backend, others: [], warnings: await backend.start() };
}

/** Takes the hint of plain iptables, the tool that a machine is most likely to have. */
function combine(problems: ReadonlyMap<string, Error>): Error {
  const texts = BACKENDS.flatMap((name) => problems.get(name)?.message.split("; ") ?? []);
  const last = problems.get("iptables");
  return new UnavailableError(
    [...new Set(texts)].join("; "),
    last instanceof UnavailableError ? last.hint : "see --backend none",
  );
}
