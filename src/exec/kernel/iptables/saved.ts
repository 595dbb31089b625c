import { isIPv4 } from "node:net";
import { formatNetwork, parseNetwork } from "../../../shared/address.ts";
import type { Blocktype } from "../../settings/settings.ts";
import type { Until } from "../backend.ts";
import { PREFIX } from "../names.ts";
import { type Jump, type Rule, readUntil } from "../rules.ts";
import { linesOf } from "./quoted.ts";

/** A filter table, or one chain of it, as `iptables -S` prints it. */
export interface Saved {
  readonly chains: ReadonlySet<string>;
  /** Rules by chain, without `-A CHAIN`. */
  readonly rules: ReadonlyMap<string, readonly Rule[]>;
}

/** Reads the output of `iptables -S`. */
export function parseSaved(text: string): Saved {
  const chains = new Set<string>();
  const rules = new Map<string, Rule[]>();
  for (const line of linesOf(text, "escaped")) {
    const [command, chain, ...rest] = words(line);
    if (chain === undefined) continue;
    if (command === "-P" || command === "-N") chains.add(chain);
    if (command !== "-A") continue;
    const list = rules.get(chain);
    if (list === undefined) rules.set(chain, [rest]);
    else list.push(rest);
  }
  return { chains, rules };
}

/** A rule of a jail's chain that bans an address or network. */
export interface SavedBan {
  readonly ip: string;
  readonly until: Until;
  readonly blocktype: Blocktype;
}

/** Reads what `banRule` wrote; undefined for any other rule. */
export function readBan(rule: Rule): SavedBan | undefined {
  const { "-s": source = "", "--comment": comment, "-j": target, ...others } = pairs(rule);
  const ip = canonical(source);
  if (ip === undefined || Object.keys(others).some((key) => key !== "-m" && key !== "--reject-with")) {
    return undefined;
  }
  const until = readUntil(comment);
  if (until === undefined) return undefined;
  if (target === "DROP") return { ip, until, blocktype: "drop" };
  return target === "REJECT" ? { ip, until, blocktype: "reject" } : undefined;
}

/** The jail named in the comment of a chain's RETURN, see `returnRule`. It is untrusted: see `jailOf`. */
export function readReturn(rule: Rule | undefined): { readonly jail?: string } | undefined {
  const { "-j": target, "--comment": jail } = pairs(rule ?? []);
  if (target !== "RETURN") return undefined;
  return jail === undefined ? {} : { jail };
}

/**
 * Rules in other chains that lead to ours, by the name of our chain (`-j`) or set. A rule with a line feed in its comment is not
 * ours, and iptables-restore could not express it.
 */
export function findJumps(
  { rules }: Saved,
  by: "-j" | "--match-set" = "-j",
): ReadonlyMap<string, readonly Jump[]> {
  const found = new Map<string, Jump[]>();
  for (const [parent, list] of rules) {
    if (parent.startsWith(PREFIX)) continue;
    for (const rule of list) {
      const name = rule[rule.indexOf(by) + 1] ?? "";
      if (!rule.includes(by) || !name.startsWith(PREFIX) || rule.some((word) => /[\n\r]/.test(word)))
        continue;
      found.set(name, [...(found.get(name) ?? []), { parent, rule }]);
    }
  }
  return found;
}

/** Ports and protocols of the jumps to a jail. */
export function portsOf(jumps: readonly Jump[]): { ports: readonly string[]; protocols: readonly string[] } {
  const ports = new Set<string>();
  const protocols = new Set<string>();
  for (const { rule } of jumps) {
    const { "--dports": some, "--ctorigdstport": original, "-p": protocol } = pairs(rule);
    for (const port of some?.split(",") ?? []) ports.add(port);
    if (original !== undefined) ports.add(original);
    if (protocol !== undefined) protocols.add(protocol);
  }
  return { ports: [...ports], protocols: [...protocols] };
}

/** Chains that hold the jumps. */
export function parentsOf(jumps: readonly Jump[]): readonly string[] {
  return [...new Set(jumps.map(({ parent }) => parent))];
}

/** The comment of a rule. */
export function commentOf(rule: Rule | undefined): string | undefined {
  return pairs(rule ?? [])["--comment"];
}

/** The kernel writes a single IPv4 address as we do; other addresses may differ. */
function canonical(source: string): string | undefined {
  if (source.endsWith("/32") && !source.includes(":")) {
    const ip = source.slice(0, -"/32".length);
    return isIPv4(ip) ? ip : undefined;
  }
  const network = parseNetwork(source);
  return network && formatNetwork(network);
}

/** `-s 192.0.2.7/32 -j DROP` as options with their values; `-S` gives every option that we write one value, `--match-set` two. */
function pairs(rule: Rule): Record<string, string | undefined> {
  const result: Record<string, string | undefined> = {};
  for (let i = 0; i < rule.length; i += rule[i] === "--match-set" ? 3 : 2) {
    result[rule[i] as string] = rule[i + 1];
  }
  return result;
}

/** The words of a line; words in double quotes may hold blanks and escaped quotes. */
function words(line: string): string[] {
  if (!line.includes('"')) return line.split(" ");
  return Array.from(line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/gs), ([, quoted, bare]) =>
    quoted === undefined ? (bare ?? "") : quoted.replace(/\\(.)/gs, "$1"),
  );
}
