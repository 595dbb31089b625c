import { chainName, isCut } from "../names.ts";
import type { Blocktype, Jail, Until } from "./backend.ts";

/** One iptables command without the tool's name: `-I f2bs-sshd 1 -s 192.0.2.7/32 -j DROP`. */
export type Rule = readonly string[];

/** multiport takes 15 ports, a range counting as two. */
const MULTIPORT_SLOTS = 15;
/**
 * What leads from a chain to the jail's own: a rule for each protocol and each 15 ports, without `-I CHAIN 1`. Without
 * ports it is one rule for everything.
 */
export function jumpRules({ name, ports, protocols }: Jail): readonly Rule[] {
  const target = ["-j", chainName(name)];
  if (ports.length === 0) return [target];
  return protocols.flatMap((protocol) =>
    splitPorts(ports).map((some) => ["-p", protocol, "-m", "multiport", "--dports", some, ...target]),
  );
}

/** Ports as multiport takes them: `25,465,10000:10100`, as few groups as can be. */
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
 * The rule of one banned address, without its chain. Its end stands in a comment, in whole seconds rounded up, so that
 * the next f2b-exec knows it.
 */
export function banRule(ip: string, until: Until, blocktype: Blocktype, family: 4 | 6): Rule {
  const source = ["-s", ip.includes("/") ? ip : `${ip}/${family === 4 ? 32 : 128}`];
  const comment = until === null ? [] : ["-m", "comment", "--comment", untilComment(until)];
  return [...source, ...comment, ...targetOf(blocktype, family)];
}

/** The last rule of a jail's chain. It names the jail where the chain's name is too short for it. */
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

/** Only a comment that somebody else gave to a jump holds more than one word. */
function quote(word: string): string {
  return /[\s"'\\]/.test(word) ? `"${word.replace(/["\\]/g, "\\$&")}"` : word;
}

function targetOf(blocktype: Blocktype, family: 4 | 6): Rule {
  if (blocktype === "drop") return ["-j", "DROP"];
  return ["-j", "REJECT", "--reject-with", family === 4 ? "icmp-port-unreachable" : "icmp6-port-unreachable"];
}

/** A Date ends in the year 275760; iptables takes 255 characters. */
function untilComment(until: number): string {
  const seconds = Math.min(Math.ceil(until / 1000), 8.64e12);
  return `until:${new Date(seconds * 1000).toISOString().replace(".000Z", "Z")}`;
}
