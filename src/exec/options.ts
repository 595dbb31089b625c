import { readArgs, type Typed, UsageError, wholeNumber } from "../cli/args.ts";
import { type Network, parseNetwork, unmap } from "../shared/address.ts";
import { BACKENDS, type BackendName } from "./kernel/choose.ts";
import { CHAIN_NAME, type EnforcementSettings } from "./settings/settings.ts";

/** One screen. */
export const HELP = `usage: f2b-exec [options] < commands

Reads commands from stdin (NDJSON, as f2b-stream writes them), and bans and
unbans addresses in the firewall. A ban ends at its "until", or never.

  --backend NAME      auto (default), ipset, nftables, iptables, none
  -c, --config FILE   YAML: blocktype, chain and actions, per jail or for all
  --blocktype TYPE    reject with an error (default), or drop silently
  --chain CHAIN       chain to jump from, may be repeated (INPUT, DOCKER-USER)
  --never-ban ADDR    address or network that is never banned, may be repeated
  --max-bans N        most bans in force at a time (200000)
  --on-eof WHAT       at the end of input: keep bans (default), wait until all
                      bans that have an end have ended, or flush bans
  --results           write the result of each command to stdout, NDJSON
  --dry-run           print commands instead of running them, without root
  --status [--json]   show the bans in force, and exit
  --flush             remove all that any f2b-exec created, and exit
  -h, --help; --version

SIGTERM, SIGINT: reads to the end of input, 5 seconds at most, then exits; a
second signal ends it at once. SIGHUP is ignored.

example: ban an address for ever, list the bans, and lift the ban
  echo '{"cmd":"ban","ip":"192.0.2.7"}' | f2b-exec
  f2b-exec --status
  echo '{"cmd":"unban","ip":"192.0.2.7"}' | f2b-exec
`;

/** What the command line means. */
export interface ExecOptions {
  readonly mode: "run" | "status" | "flush" | "help" | "version";
  readonly backend: BackendName | "auto";
  /** Path of the configuration. */
  readonly config: string | undefined;
  readonly isDryRun: boolean;
  readonly hasResults: boolean;
  readonly isJson: boolean;
  readonly onEof: "keep" | "wait" | "flush";
  /** Settings of the command line for all jails. */
  readonly settings: EnforcementSettings;
  readonly neverBan: readonly Network[];
  readonly maxBans: number;
}

/**
 * Reads `argv`, without node and script.
 *
 * @throws UsageError for anything that `HELP` does not list
 */
export function readOptions(argv: readonly string[]): ExecOptions {
  const typed = readArgs(argv, {
    flags: ["dry-run", "results", "flush", "status", "json"],
    strings: ["backend", "config", "on-eof", "blocktype", "max-bans"],
    lists: ["chain", "never-ban"],
    alias: { c: "config" },
  });
  const [operand] = typed.operands;
  if (operand !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(operand)}`);
  const backend = oneOf(typed, "backend", ["auto", ...BACKENDS]);
  const blocktype = oneOf(typed, "blocktype", ["reject", "drop"]);
  const chain = typed.values("chain").map(readChain);
  const mode = modeOf(typed);
  const isDryRun = typed.has("dry-run");
  const hasResults = typed.has("results");
  if (isDryRun && hasResults) throw new UsageError("--dry-run and --results both write to stdout");
  if (isDryRun && mode === "flush")
    throw new UsageError(
      "--dry-run does not read the firewall, so it can't show what --flush removes: see --status",
    );
  if (isDryRun && mode === "status") throw new UsageError("--status changes nothing: omit --dry-run");
  if (typed.has("json") && mode !== "status") throw new UsageError("--json needs --status");
  return {
    mode,
    backend: backend ?? "auto",
    config: typed.value("config"),
    isDryRun,
    hasResults,
    isJson: typed.has("json"),
    onEof: oneOf(typed, "on-eof", ["keep", "wait", "flush"]) ?? "keep",
    settings: { ...(blocktype && { blocktype }), ...(chain.length > 0 && { chain }) },
    neverBan: typed.values("never-ban").map(readNetwork),
    maxBans: wholeNumber(typed, "max-bans", { min: 1, max: 10_000_000 }) ?? 200_000,
  };
}

function modeOf(typed: Typed): ExecOptions["mode"] {
  if (typed.has("help")) return "help";
  if (typed.has("version")) return "version";
  if (typed.has("status") && typed.has("flush"))
    throw new UsageError("--status and --flush exclude each other");
  if (typed.has("status")) return "status";
  return typed.has("flush") ? "flush" : "run";
}

function oneOf<const T extends string>(typed: Typed, name: string, words: readonly T[]): T | undefined {
  const value = typed.value(name);
  if (value === undefined) return undefined;
  const word = words.find((known) => known === value);
  if (word !== undefined) return word;
  throw new UsageError(`option --${name}: expected ${words.join(", ")}, got ${JSON.stringify(value)}`);
}

function readChain(text: string): string {
  if (CHAIN_NAME.test(text)) return text;
  throw new UsageError(`option --chain: ${JSON.stringify(text)} is not the name of a chain outside f2b-exec`);
}

function readNetwork(text: string): Network {
  const network = parseNetwork(text);
  if (network !== undefined) return unmap(network);
  throw new UsageError(`option --never-ban: expected an address or a network, got ${JSON.stringify(text)}`);
}
