import type { Backend } from "../backend.ts";
import { Families } from "../families.ts";
import { TOOL_OPTIONS } from "../iptables/iptables.ts";
import type { Tool } from "../iptables/table.ts";
import type { Run } from "../run-command.ts";
import { quoteCommand } from "../shell.ts";
import { SetFamily, type SetTool } from "./ipset-family.ts";
import { LONGEST_TIMEOUT } from "./ipset-text.ts";

/**
 * A set a jail and family, and rules of iptables that look into it. The kernel ends bans by itself, and a packet takes
 * as long with 100,000 of them as with one.
 */
export function ipsetBackend(
  tools: readonly Tool[],
  sets: SetTool,
  chains: readonly string[],
  now: () => number,
): Backend {
  const families = new Map(tools.map((tool) => [tool.family, new SetFamily(tool, sets, now)]));
  return new Families({ name: "ipset", longestTimeout: LONGEST_TIMEOUT * 1000, families, chains });
}

/** ipset of this machine. */
export function ipsetTool(run: Run): SetTool {
  return {
    headers: () => run(["ipset", "list", "-t"], TOOL_OPTIONS),
    save: (set) => run(["ipset", "save", ...(set === undefined ? [] : [set])], TOOL_OPTIONS),
    restore: (lines) =>
      run(["ipset", "-exist", "restore"], { ...TOOL_OPTIONS, input: `${lines.join("\n")}\n` }),
  };
}

/** One that sees no sets and prints each command as a person would type it. */
export function drySetTool(print: (line: string) => void): SetTool {
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
