import { spawnSync } from "node:child_process";
import { runProgram } from "../helpers/program.ts";

/** How many failures a rule's jails count in a log: by jail, by address. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What f2b-stream counts in a log, with the jails named in `disabled` as well. */
export async function countFailures(
  rules: string,
  log: string,
  disabled: readonly string[] = [],
): Promise<Counts> {
  const sets = disabled.flatMap((jail) => ["--set", `${jail}.enabled=true`]);
  const { stderr } = await runProgram("f2b-stream", ["-r", rules, "--replay", "-v", ...sets], log);
  const counts = new Map<string, Map<string, number>>();
  for (const [, jail = "", ip = ""] of stderr.matchAll(/^f2b-stream: \[([^\]]+)\] Found ([^ ]+): /gm)) {
    const ofJail = counts.get(jail) ?? new Map<string, number>();
    counts.set(jail, ofJail.set(ip, (ofJail.get(ip) ?? 0) + 1));
  }
  return counts;
}

/** Of an address, IPv6 with what counts as one with it: jail to failures, those without any left out. */
export function countsOf(counts: Counts, ip: string): Readonly<Record<string, number>> {
  const key = ip.includes(":") ? `${ip.replace(/::.*/, "")}::/64` : ip;
  const entries = [...counts].map(([jail, ofJail]) => [jail, ofJail.get(key) ?? 0] as const);
  return Object.fromEntries(entries.filter(([, failures]) => failures > 0).sort());
}

/** Whom the rule as it is bans: "postfix-reject 192.0.2.7". */
export async function bansOf(rules: string, log: string): Promise<readonly string[]> {
  const { stdout } = await runProgram("f2b-stream", ["-q", "-r", rules, "--replay"], log);
  const commands = stdout.trim().split("\n").filter(Boolean);
  return commands
    .map((line) => JSON.parse(line) as { cmd: string; jail: string; ip: string })
    .filter(({ cmd }) => cmd === "ban")
    .map(({ jail, ip }) => `${jail} ${ip}`)
    .sort();
}

/** How many lines of a log file of this machine each address fails in by a filter of fail2ban; undefined where there is no fail2ban. */
export function fail2banCounts(path: string, filter: string): ReadonlyMap<string, number> | undefined {
  const { status, stdout } = spawnSync("fail2ban-regex", ["-o", "id", path, filter], { encoding: "utf8" });
  // 255: no line matched.
  if (status !== 0 && status !== 255) return undefined;
  const counts = new Map<string, number>();
  for (const ip of stdout.split("\n").filter(Boolean)) counts.set(ip, (counts.get(ip) ?? 0) + 1);
  return counts;
}

/** Rows as a table for people, columns as wide as they need be. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
