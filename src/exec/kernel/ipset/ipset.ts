import type { Backend } from "../backend.ts";
import { Families } from "../families.ts";
import type { Tool } from "../iptables/filter-table.ts";
import { TOOL_OPTIONS } from "../iptables/iptables.ts";
import { quoteCommand } from "../quote-command.ts";
import type { Run } from "../run-command.ts";
import { IpsetFamily, type IpsetTool } from "./ipset-family.ts";
import { LONGEST_TIMEOUT } from "./ipset-text.ts";

/**
 * A set per jail and family, and iptables rules that match it. The kernel ends bans by itself, and a packet takes as long with
 * 100,000 bans as with one.
 */
export function ipsetBackend(
  tools: readonly Tool[],
  sets: IpsetTool,
  chains: readonly string[],
  now: () => number,
): Backend {
  const families = new Map(tools.map((tool) => [tool.family, new IpsetFamily(tool, sets, now)]));
  return new Families({ name: "ipset", longestTimeout: LONGEST_TIMEOUT * 1000, families, chains });
}

/** The ipset of this machine. */
export function ipsetTool(run: Run): IpsetTool {
  return {
    headers: () => run(["ipset", "list", "-t"], TOOL_OPTIONS),
    save: (set) => run(["ipset", "save", ...(set === undefined ? [] : [set])], TOOL_OPTIONS),
    restore: (lines) =>
      run(["ipset", "-exist", "restore"], { ...TOOL_OPTIONS, input: `${lines.join("\n")}\n` }),
  };
}

/** A tool that sees no sets, and prints commands instead of running them. */
export function dryIpsetTool(print: (line: string) => void): IpsetTool {
  const done = { status: 0, stdout: "", stderr: "" };
  return {
    headers: async () => done,
    save: async () => ({ ...done, status: 1, stderr: "The set with the given name does not exist" }),
    restore: async (lines) => {
      for (const line of lines)
        print(quoteCommand(["ipset", "-exist", ...line.replaceAll('"', "").split(" ")]));
      return done;
    },
  };
}
