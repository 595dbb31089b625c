import { readArgs, type Typed, UsageError, wholeNumber } from "../cli/args.ts";
import { type Network, parseNetwork, unmap } from "../shared/address.ts";
import { BACKENDS, type BackendName } from "./kernel/choose.ts";
import { CHAIN_NAME, type EnforcementSettings } from "./settings/settings.ts";

/** One screen. */
export const HELP = `usage: f2b-exec [options] < commands

Bans and unbans addresses in the firewall as the commands on stdin say (NDJSON,
as f2b-stream writes them). A ban ends at its "until", one without never.

  --backend NAME      auto (default), ipset, nftables, iptables, none
  -c, --config FILE   YAML: blocktype, chain and actions, for all jails or each
  --blocktype TYPE    reject (default) or drop
  --chain CHAIN       chain to jump from, may be repeated (INPUT, DOCKER-USER)
  --never-ban ADDR    address or network that is never banned, may be repeated
  --max-bans N        most bans in force at a time (200000)
  --on-eof WHAT       at the end of input: keep bans (default), wait until those
                      that have an end have ended, or flush them
  --results           write what became of each command to stdout, NDJSON
  --dry-run           print the commands instead, needs no root
  --status [--json]   show what is in force, and end
  --flush             take away all that any f2b-exec made, and end
  -h, --help; --version

SIGTERM and SIGINT: read on to the end of input, for 5 seconds at most; a second
one ends at once. SIGHUP is ignored.

example: ban an address until somebody says otherwise, look, and lift the ban
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
  /** What the command line says for all jails. */
  readonly settings: EnforcementSettings;
  readonly neverBan: readonly Network[];
  readonly maxBans: number;
}

/** @throws UsageError for anything that is not in `HELP` */
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
      "--flush takes away what is there, at which --dry-run does not look: --status shows it",
    );
  if (isDryRun && mode === "status") throw new UsageError("--status changes nothing: leave out --dry-run");
  if (typed.has("json") && mode !== "status") throw new UsageError("--json belongs to --status");
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
  if (typed.has("status") && typed.has("flush")) throw new UsageError("--status and --flush stand alone");
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
  throw new UsageError(`option --chain: ${JSON.stringify(text)} is no name of a chain of others`);
}

function readNetwork(text: string): Network {
  const network = parseNetwork(text);
  if (network !== undefined) return unmap(network);
  throw new UsageError(`option --never-ban: expected an address or a network, got ${JSON.stringify(text)}`);
}
