import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { program } from "../helpers/program.ts";
import { ROOT } from "../helpers/root.ts";

/** Failures that ban, in the suite. */
export const MAXRETRY = 5;

/** All bundled rules. */
export const BUNDLED: readonly string[] = readdirSync(`${ROOT}rules`)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => name.replace(".yaml", ""));

export interface Judgement {
  /** Bans by any of the runs, with the command. */
  readonly bans: readonly { readonly ip: string; readonly line: string }[];
  /** Failures counted, by address; of the jail that counted most. */
  readonly failures: ReadonlyMap<string, number>;
}

/**
 * Gives logs to f2b-stream, each as its stdin: with --replay, and live; and live with the jails that are disabled by default as well.
 *
 * @throws Error when it doesn't end well
 */
export async function judge(logs: readonly Buffer[], rules: readonly string[]): Promise<Judgement> {
  const specs = rules.flatMap((rule) => ["-r", rule]);
  const sets = [`*.maxretry=${MAXRETRY}`, "*.findtime=1d", "*.bantime=1d"].flatMap((set) => ["--set", set]);
  const usual = [...specs, ...sets, "--tz", "UTC"];
  const bans = new Map<string, string>();
  const failures = new Map<string, number>();
  for (const log of logs) {
    if (log.length === 0) continue;
    for (const more of [["--replay", "-v"], [], ["--set", "*.enabled=true"]]) {
      const { stdout, stderr } = await stream([...usual, ...more], log);
      for (const line of stdout.split("\n")) {
        const ip = banned(line);
        if (ip !== undefined && !bans.has(ip)) bans.set(ip, line);
      }
      for (const [ip, count] of failuresIn(stderr)) failures.set(ip, (failures.get(ip) ?? 0) + count);
    }
  }
  return { bans: [...bans].map(([ip, line]) => ({ ip, line })), failures };
}

function banned(line: string): string | undefined {
  if (line === "") return undefined;
  const command = JSON.parse(line) as { cmd: string; ip?: string };
  return command.cmd === "ban" ? command.ip : undefined;
}

/** Failures by address that -v tells: those of the jail with most of them, since several may count one. */
function failuresIn(stderr: string): ReadonlyMap<string, number> {
  const byJail = new Map<string, Map<string, number>>();
  for (const [, jail = "", ip = ""] of stderr.matchAll(FOUND)) {
    const counts = byJail.get(ip) ?? new Map<string, number>();
    byJail.set(ip, counts.set(jail, (counts.get(jail) ?? 0) + 1));
  }
  return new Map([...byJail].map(([ip, counts]) => [ip, Math.max(...counts.values())]));
}

const FOUND = /^f2b-stream: \[([\w.-]+)\] Found (\S+?): /gm;

async function stream(args: readonly string[], log: Buffer): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [program("f2b-stream"), ...args], { cwd: ROOT, env: { ...process.env, TZ: "UTC" } });
  const read = async (pipe: NodeJS.ReadableStream) => {
    const chunks: Buffer[] = [];
    for await (const chunk of pipe) chunks.push(Buffer.from(chunk as Buffer));
    return Buffer.concat(chunks).toString("utf8");
  };
  child.stdin.on("error", () => undefined);
  child.stdin.end(log);
  const [stdout, stderr, status] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  if (status !== 0) throw new Error(`f2b-stream ended with ${status}: ${stderr.slice(0, 2000)}`);
  return { stdout, stderr };
}
