import { resolve } from "node:path";
import { unknownTag } from "../../exec/settings/tag-names.ts";
import type { Place } from "../rule.ts";
import { parseCall } from "./calls.ts";
import { Definition } from "./definition.ts";
import type { ConfigFiles } from "./include.ts";
import { type LocatedText, linesOf, located, placeOf } from "./located-text.ts";
import { shellNeed, splitShell } from "./shell-words.ts";

/** The commands that f2b-exec can run for an action. */
const COMMANDS = ["actionstart", "actionban", "actionunban", "actionstop", "actionflush"] as const;

/** The options of an action file. */
const ACTION_OPTIONS = [
  ...COMMANDS,
  ...["actionstart_on_demand", "actionreload", "actioncheck", "actionrepair", "actionrepair_on_unban"],
  ...["actionprolong", "actionreban", "norestored"],
];

/** Values that fail2ban fills in at each ban: their tags stay. */
const AT_BAN_TIME = ["matches", "ipmatches", "ipjailmatches", "timeout", "bantime"];

/** An action that blocks addresses in a firewall of any kind. */
export interface FirewallAction {
  readonly kind: "firewall";
  readonly name: string;
  readonly place: Place;
  readonly allports: boolean;
  /** As written, names not resolved; undefined: not set. */
  readonly port: string | undefined;
  readonly protocol: string | undefined;
  /** Undefined: the default one. */
  readonly chain: string | undefined;
  /** `allow`: the action lets the address in, as a port knocker does. */
  readonly blocktype: "drop" | "reject" | "allow" | undefined;
  /** False: the action has no file, and was identified by its name. */
  readonly found: boolean;
}

/** An action whose commands need no shell. */
export interface CommandAction {
  readonly kind: "command";
  readonly name: string;
  readonly place: Place;
  /** For each kind of command one argv for each of its lines, with f2b-exec's tags. */
  readonly commands: Readonly<Partial<Record<(typeof COMMANDS)[number], readonly (readonly string[])[]>>>;
}

/** An action that f2b-exec cannot take over. */
interface UnsupportedAction {
  readonly kind: "unsupported";
  readonly name: string;
  readonly place: Place;
  readonly why: string;
  /** It only sends notifications. */
  readonly notifies: boolean;
}

export type ResolvedAction = FirewallAction | CommandAction | UnsupportedAction;

/**
 * Reads an action of a jail, `name[key=value, …]`, with its file in action.d. Runs no command.
 *
 * @throws RuleError for invalid brackets, and for mistakes in the file
 */
export function readAction(
  call: LocatedText,
  jail: string,
  options: ReadonlyMap<string, LocatedText>,
  directory: string,
  files: ConfigFiles,
): ResolvedAction {
  const { name, parameters } = parseCall(call);
  const place = placeOf(call);
  const base = { name, place };
  if (name.endsWith(".py")) return unsupported(base, "it is a Python action");
  const config = files.load(resolve(directory, "action.d", name));
  if (config === undefined) {
    return isFirewall(name, "")
      ? firewall(base, parameters, false)
      : unsupported(base, `there is no action.d/${name}.conf`);
  }
  const named = new Map([["name", located(jail, place)], ["actname", located(name, place)], ...parameters]);
  const definition = new Definition(config, named);
  definition.read(ACTION_OPTIONS, options);
  const values = definition.combined(AT_BAN_TIME);
  const ban = values.get("actionban")?.text ?? "";
  return isFirewall(name, ban) ? firewall(base, values, true) : commands(base, values);
}

/** Programs that block addresses: firewalls, routing tables, lists of hosts. */
const FIREWALL_PROGRAM =
  /ip6?tables|\bnft(?:ables)?\b|\bipset\b|firewall-cmd|\bufw\b|pfctl|\bipfw\b|shorewall|npfctl|\bapf\b|ip route|hosts\.deny|<ipfw>/;

/** fail2ban's own actions that block addresses. */
const FIREWALL_NAME =
  /^(?:iptables|nftables|firewallcmd|ufw|shorewall|pf|ipfw|bsd-ipfw|osx-ipfw|osx-afctl|npf|apf|route|hostsdeny|ipfilter|symbiosis)\b/;

/** Those of them that block all ports. */
const WITHOUT_PORTS = /allports|^(?:ufw|shorewall|route|hostsdeny|apf|ipfilter|npf|osx-afctl)\b/;

/** fail2ban's own actions that only send notifications. */
const NOTIFIER =
  /^(?:send)?mail\b|^(?:abuseipdb|apprise|blocklist_de|complain|dshield|ipthreat|mynetwatchman|smtp|xarf-login-attack|dummy)\b/;

function isFirewall(name: string, actionban: string): boolean {
  return !NOTIFIER.test(name) && (FIREWALL_NAME.test(name) || FIREWALL_PROGRAM.test(actionban));
}

type Base = Pick<ResolvedAction, "name" | "place">;

function firewall(base: Base, values: ReadonlyMap<string, LocatedText>, found: boolean): FirewallAction {
  const text = (key: string): string | undefined => values.get(key)?.text;
  const kinds = [base.name, text("type") ?? "", found ? "" : (text("actiontype") ?? "")];
  const anyPort = /\bany\b(?! port)|^-p \S+$/.test(text("actiontype") ?? "");
  return {
    ...base,
    kind: "firewall",
    allports: anyPort || kinds.some((kind) => WITHOUT_PORTS.test(kind)),
    port: text("port"),
    protocol: text("protocol"),
    chain: chainOf(base.name, text("chain")),
    blocktype: blocktypeOf(text("blocktype")),
    found,
  };
}

/** The chain, unless it is one that f2b-exec uses anyway, or nftables' own. */
function chainOf(name: string, chain: string | undefined): string | undefined {
  const usual = chain === undefined || /^(?:INPUT(?:_direct)?|f2b-chain|<.*>|)$/.test(chain);
  return usual || name.startsWith("nftables") ? undefined : chain;
}

function blocktypeOf(text = ""): FirewallAction["blocktype"] {
  if (/^(?:reject|unreachable|prohibit)/i.test(text)) return "reject";
  if (/^(?:drop|deny|blackhole|block)/i.test(text)) return "drop";
  return /^(?:return|accept|allow)/i.test(text) ? "allow" : undefined;
}

function commands(base: Base, values: ReadonlyMap<string, LocatedText>): CommandAction | UnsupportedAction {
  const found: Partial<Record<(typeof COMMANDS)[number], string[][]>> = {};
  for (const key of COMMANDS) {
    const value = values.get(key);
    for (const { text } of value === undefined ? [] : linesOf(value)) {
      if (text === "") continue;
      const split = splitShell(text);
      const why = shellNeed(split);
      if (why !== undefined) return unsupported(base, `${key} needs a shell for ${JSON.stringify(why)}`);
      if (split.words[0] === "") return unsupported(base, `${key} names no program`);
      const kind = key === "actionban" || key === "actionunban" ? "address" : "jail";
      const tag = split.words.map((word) => unknownTag(word, kind)).find((unknown) => unknown !== undefined);
      if (tag !== undefined) return unsupported(base, `${key} uses the tag ${tag}, which has no value here`);
      found[key] = [...(found[key] ?? []), [...split.words]];
    }
  }
  return found.actionban || found.actionunban
    ? { ...base, kind: "command", commands: found }
    : unsupported(base, "it has no actionban");
}

function unsupported(base: Base, why: string): UnsupportedAction {
  return { ...base, kind: "unsupported", why, notifies: NOTIFIER.test(base.name) };
}
