import { resolve } from "node:path";
import { suggestion } from "../../shared/did-you-mean.ts";
import { formatPlace, type Jail, RuleError } from "../rule.ts";
import { ConfigFiles } from "./include.ts";
import type { Config } from "./interpolate.ts";
import type { CommandAction, FirewallAction } from "./resolve-action.ts";
import { addConstants, isEnabled, type ResolvedJail, readJail } from "./resolve-jail.ts";
import { parseSeconds } from "./seconds.ts";
import { translate } from "./translate.ts";
import type { Warn } from "./values.ts";

/** The actions of a jail, as far as f2b-exec can take them over. */
export interface ImportedActions {
  readonly jail: string;
  /** Undefined: no action sets it. */
  readonly blocktype: "drop" | "reject" | undefined;
  /** Chains to jump from, where they are not INPUT alone. */
  readonly chains: readonly string[];
  readonly allports: boolean;
  readonly commands: readonly CommandAction[];
  /** Actions that cannot be taken over, each with the reason. */
  readonly unsupported: readonly { readonly name: string; readonly why: string }[];
}

/** A fail2ban configuration as rules. */
export interface Fail2banRules {
  readonly jails: readonly Jail[];
  /** Messages, each with the name of its jail. */
  readonly warnings: readonly string[];
  readonly exec: readonly ImportedActions[];
  /** The names of jails that cannot be translated. */
  readonly leftOut: readonly string[];
}

/** Most names of jails in a hint. */
const SHOWN_NAMES = 8;

/** How long a ban is remembered unless fail2ban.conf sets it, in seconds: fail2ban's default. */
const DEFAULT_PURGE_AGE = 86_400;

/**
 * Reads a fail2ban configuration directory as fail2ban does: jail.conf, jail.d/*.conf, jail.local, jail.d/*.local, filter.d
 * and action.d. Returns the enabled jails, or those named in `pick`, enabled or not; `*`: all. A jail that cannot be
 * translated is left out, with a warning. Runs nothing.
 *
 * @throws RuleError when jail.conf is missing or has mistakes, or has no jail with a picked name
 */
export function loadFail2ban(directory: string, pick?: readonly string[] | "*"): Fail2banRules {
  const base = resolve(directory);
  const files = new ConfigFiles();
  const config = files.load(`${base}/jail`);
  if (config === undefined) throw missing(`${base}/jail.conf`, "no such file");
  addConstants(config, base);
  const memory = readMemory(files, base);
  const jails: Jail[] = [];
  const resolved: ResolvedJail[] = [];
  const warnings: string[] = [];
  const leftOut: string[] = [];
  for (const name of names(config, directory, pick)) {
    const warn: Warn = (message) => void warnings.push(`jail ${name}: ${message}`);
    try {
      if (pick === undefined && !isEnabled(config, name, warn)) continue;
      const jail = readJail(config, name, base, files);
      jails.push(translate(jail, memory, warn));
      resolved.push(jail);
      warnOfActions(jail, warn);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      leftOut.push(name);
      warn(`left out: ${formatPlace(error.place)}: ${error.message}`);
    }
  }
  const exec = resolved.map(execJail);
  return { jails, warnings: [...warnings, ...missingActions(resolved)], exec, leftOut };
}

/**
 * Reads `/etc/fail2ban` or `/etc/fail2ban[sshd,postfix]`: the directory, and the jails picked from it (`[*]`: all).
 * Undefined: the enabled ones.
 */
export function parseFail2banSpec(text: string): {
  directory: string;
  pick: readonly string[] | "*" | undefined;
} {
  const [, directory = text, list] = /^(.+?)\[([^[\]]*)\]$/s.exec(text) ?? [];
  if (list === undefined) return { directory, pick: undefined };
  const names = list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return { directory, pick: names.includes("*") ? "*" : [...new Set(names)] };
}

function names(
  config: Config,
  directory: string,
  pick: readonly string[] | "*" | undefined,
): readonly string[] {
  const all = config.sectionNames().filter((name) => name !== "INCLUDES" && name !== "Definition");
  if (pick === undefined || pick === "*") return all;
  const unknown = pick.find((name) => !all.includes(name));
  if (unknown === undefined) return pick;
  const hint =
    suggestion(unknown, all) ??
    `write -r '${directory}[NAME,…]' with names of its jails (${all.slice(0, SHOWN_NAMES).join(", ")}${all.length > SHOWN_NAMES ? ", …" : ""}), or '${directory}[*]' for all`;
  throw missing(directory, `there is no jail ${JSON.stringify(unknown)}`, hint);
}

/** `dbpurgeage` of fail2ban.conf, in milliseconds. */
function readMemory(files: ConfigFiles, base: string): number {
  const text = files.load(`${base}/fail2ban`)?.get("Definition", "dbpurgeage")?.text ?? "";
  return 1000 * Math.max(0, parseSeconds(text) ?? DEFAULT_PURGE_AGE);
}

function execJail({ name, actions }: ResolvedJail): ImportedActions {
  const firewalls = actions.filter((action): action is FirewallAction => action.kind === "firewall");
  const blocktype = firewalls.map((action) => action.blocktype).find((type) => type !== undefined);
  return {
    jail: name,
    blocktype: blocktype === "allow" ? undefined : blocktype,
    chains: [...new Set(firewalls.flatMap(({ chain }) => chain ?? []))],
    allports: firewalls.some(({ allports }) => allports),
    commands: actions.filter((action) => action.kind === "command"),
    unsupported: actions.filter((action) => action.kind === "unsupported"),
  };
}

function warnOfActions({ actions }: ResolvedJail, warn: Warn): void {
  for (const action of actions) {
    if (action.kind === "unsupported") warn(`action ${action.name} is not carried over: ${action.why}`);
    if (action.kind === "command") warn(`action ${action.name} runs commands: see --dump-exec`);
  }
}

/** One warning for each missing file, not for each jail. */
function missingActions(jails: readonly ResolvedJail[]): string[] {
  const actions = jails.flatMap(({ actions }) => actions);
  const names = actions.flatMap((action) => (action.kind === "firewall" && !action.found ? action.name : []));
  return [...new Set(names)].map(
    (name) => `action ${name}: no action.d/${name}.conf, so it is judged by its name`,
  );
}

function missing(file: string, message: string, hint?: string): RuleError {
  return new RuleError("ERR_RULE_VALUE", { file, line: 0, column: 0 }, message, hint);
}
