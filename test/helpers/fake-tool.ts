import type { Tool } from "../../src/exec/kernel/iptables/filter-table.ts";
import type { Rule } from "../../src/exec/kernel/rules.ts";
import type { Ran } from "../../src/exec/kernel/run-command.ts";

/** iptables on a table in memory: a transaction changes all or nothing, and fails for the reasons that the real one has. */
export class FakeTool implements Tool {
  readonly name: string;
  readonly family: 4 | 6;
  /** Transactions that were tried. */
  readonly commits: (readonly Rule[])[] = [];
  chains = new Map<string, string[]>([["INPUT", []]]);
  /** A rule with this word in it fails. */
  poison: string | undefined;

  constructor(family: 4 | 6 = 4) {
    this.family = family;
    this.name = family === 4 ? "iptables" : "ip6tables";
  }

  async list(chain?: string): Promise<Ran> {
    if (chain !== undefined && !this.chains.has(chain)) return failed(1, "No chain by that name");
    const shown = chain === undefined ? [...this.chains.keys()] : [chain];
    const lines = shown.flatMap((name) => [
      name === "INPUT" ? "-P INPUT ACCEPT" : `-N ${name}`,
      ...(this.chains.get(name) ?? []).map((rule) => `-A ${name} ${rule}`),
    ]);
    return { status: 0, stdout: `${lines.join("\n")}\n`, stderr: "" };
  }

  async commit(rules: readonly Rule[]): Promise<Ran> {
    this.commits.push(rules);
    const chains = new Map([...this.chains].map(([name, list]) => [name, [...list]]));
    for (const rule of rules) {
      const problem =
        this.poison && rule.join(" ").includes(this.poison) ? "poisoned" : applyRule(chains, rule);
      if (problem !== undefined) return failed(1, `${problem}: ${rule.join(" ")}`);
    }
    this.chains = chains;
    return { status: 0, stdout: "", stderr: "" };
  }
}

function applyRule(chains: Map<string, string[]>, [command, name = "", ...rest]: Rule): string | undefined {
  const chain = chains.get(name);
  if (command === "-N" || command === "-F") {
    chains.set(name, []);
    return undefined;
  }
  if (chain === undefined) return "no such chain";
  const [position] = rest;
  const target = rest[rest.indexOf("-j") + 1] ?? "";
  if (target.startsWith("f2bs-") && !chains.has(target)) return "no such target";
  if (command === "-A") chain.push(rest.join(" "));
  else if (command === "-I" && position === "1") chain.unshift(rest.slice(1).join(" "));
  else if (command === "-D") {
    const index = chain.indexOf(rest.join(" "));
    if (index < 0) return "bad rule";
    chain.splice(index, 1);
  } else if (command === "-X") {
    if (chain.length > 0) return "chain is not empty";
    chains.delete(name);
  } else return "unknown command";
  return undefined;
}

function failed(status: number, stderr: string): Ran {
  return { status, stdout: "", stderr };
}
