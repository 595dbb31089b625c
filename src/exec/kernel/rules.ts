import type { Blocktype } from "../settings/settings.ts";
import { DOCKER_CHAIN } from "../settings/settings.ts";
import type { EnforcedJail, Until } from "./backend.ts";
import { chainName, ipsetName, isCut } from "./names.ts";

/** One iptables command without the tool's name: `-I f2bs-sshd 1 -s 192.0.2.7/32 -j DROP`. */
export type Rule = readonly string[];

/** multiport takes 15 ports; a range counts as two. */
const MULTIPORT_SLOTS = 15;
/** Chains that see packets after a DNAT has changed their port: they match the original port. */
const AFTER_DNAT: readonly string[] = ["FORWARD", DOCKER_CHAIN];

/** A rule in chain `parent` that jumps to a jail. */
export interface Jump {
  readonly parent: string;
  readonly rule: Rule;
}

/**
 * The rules that lead from the jail's chains to `target`: one for each protocol and 15 ports, without `-I CHAIN 1`. Without ports
 * one rule matches everything.
 */
export function jumpsOf({ ports, protocols, chains }: EnforcedJail, target: Rule): readonly Jump[] {
  return chains.flatMap((parent) => {
    if (ports.length === 0) return [{ parent, rule: target }];
    return protocols.flatMap((protocol) =>
      portMatches(parent, ports).map((match) => ({ parent, rule: ["-p", protocol, ...match, ...target] })),
    );
  });
}

/** Jumps stay where another program moved them, but when one is wrong or missing all are inserted again, at the top. */
export function planJumps(found: readonly Jump[], wanted: readonly Jump[]): readonly Rule[] {
  if (sameJumps(found, wanted)) return [];
  return [
    ...found.map(({ parent, rule }) => ["-D", parent, ...rule]),
    ...wanted.toReversed().map(({ parent, rule }) => ["-I", parent, "1", ...rule]),
  ];
}

/** Compares jumps, in any order. */
export function sameJumps(some: readonly Jump[], others: readonly Jump[]): boolean {
  const texts = (list: readonly Jump[]) =>
    list
      .map(({ parent, rule }) => [parent, ...rule].join(" "))
      .sort()
      .join("\n");
  return texts(some) === texts(others);
}

/** The target of jumps to a jail's chain. */
export function chainTarget(jail: string): Rule {
  return ["-j", chainName(jail)];
}

/** The match and target that ban the members of a jail's set. A comment names the jail where the name of the set is cut. */
export function ipsetTarget({ name, blocktype }: EnforcedJail, family: 4 | 6): Rule {
  const comment = isCut(chainName(name)) ? ["-m", "comment", "--comment", name] : [];
  return [
    "-m",
    "set",
    "--match-set",
    ipsetName(name, family),
    "src",
    ...comment,
    ...targetOf(blocktype, family),
  ];
}

function portMatches(parent: string, ports: readonly string[]): readonly Rule[] {
  if (!AFTER_DNAT.includes(parent)) {
    return splitPorts(ports).map((some) => ["-m", "multiport", "--dports", some]);
  }
  return ports.map((port) => ["-m", "conntrack", "--ctorigdstport", port, "--ctdir", "ORIGINAL"]);
}

/** Ports as multiport takes them, `25,465,10000:10100`, in as few groups as possible. */
export function splitPorts(ports: readonly string[]): readonly string[] {
  const groups: string[][] = [];
  let free = 0;
  for (const port of ports) {
    const slots = port.includes(":") ? 2 : 1;
    if (slots > free) {
      groups.push([]);
      free = MULTIPORT_SLOTS;
    }
    groups.at(-1)?.push(port);
    free -= slots;
  }
  return groups.map((group) => group.join(","));
}

/**
 * The rule of one banned address, without its chain. A comment holds the end, in whole seconds rounded up, for the next
 * f2b-exec.
 */
export function banRule(ip: string, until: Until, blocktype: Blocktype, family: 4 | 6): Rule {
  const source = ["-s", ip.includes("/") ? ip : `${ip}/${family === 4 ? 32 : 128}`];
  const comment = until === null ? [] : ["-m", "comment", "--comment", untilComment(until)];
  return [...source, ...comment, ...targetOf(blocktype, family)];
}

/** The last rule of a jail's chain. A comment names the jail where the name of the chain is cut. */
export function returnRule(jail: string): Rule {
  const comment = isCut(chainName(jail)) ? ["-m", "comment", "--comment", jail] : [];
  return [...comment, "-j", "RETURN"];
}

/** The text of one transaction for `iptables-restore --noflush`. `-N` and `-F` both become `:CHAIN - [0:0]`. */
export function restoreText(rules: readonly Rule[]): string {
  const lines = rules.map(([command, chain, ...rest]) =>
    command === "-N" || command === "-F"
      ? `:${chain} - [0:0]`
      : [command, chain, ...rest.map(quote)].join(" "),
  );
  return `*filter\n${lines.join("\n")}\nCOMMIT\n`;
}

/** Only comments that others gave to a jump hold more than one word. */
function quote(word: string): string {
  return /[\s"'\\]/.test(word) ? `"${word.replace(/["\\]/g, "\\$&")}"` : word;
}

function targetOf(blocktype: Blocktype, family: 4 | 6): Rule {
  if (blocktype === "drop") return ["-j", "DROP"];
  return ["-j", "REJECT", "--reject-with", family === 4 ? "icmp-port-unreachable" : "icmp6-port-unreachable"];
}

/** The end of a ban as a comment in the kernel. A Date ends in the year 275760; iptables takes 255 characters. */
export function untilComment(until: number): string {
  const seconds = Math.min(Math.ceil(until / 1000), 8.64e12);
  return `until:${new Date(seconds * 1000).toISOString().replace(".000Z", "Z")}`;
}

const UNTIL = /^until:(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Reads what `untilComment` wrote. Returns null without a comment, undefined for any other comment. */
export function readUntil(comment: string | undefined): Until | undefined {
  if (comment === undefined) return null;
  const until = UNTIL.test(comment) ? Date.parse(comment.slice("until:".length)) : Number.NaN;
  return Number.isNaN(until) ? undefined : until;
}
