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
  /** Bans by any of the runs, the first of each jail and address. */
  readonly bans: readonly Ban[];
  /** Failures counted: by address, by jail. */
  readonly failures: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

interface Ban {
  readonly jail: string;
  readonly ip: string;
  /** The whole command. */
  readonly line: string;
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
  const bans = new Map<string, Ban>();
  const failures = new Map<string, Map<string, number>>();
  for (const log of logs) {
    if (log.length === 0) continue;
    for (const more of [["--replay", "-v"], [], ["--set", "*.enabled=true"]]) {
      const { stdout, stderr } = await stream([...usual, ...more], log);
      for (const ban of stdout.split("\n").flatMap(banOf)) {
        const key = `${ban.jail} ${ban.ip}`;
        if (!bans.has(key)) bans.set(key, ban);
      }
      for (const [, jail = "", ip = ""] of stderr.matchAll(FOUND)) {
        const counts = failures.get(ip) ?? new Map<string, number>();
        failures.set(ip, counts.set(jail, (counts.get(jail) ?? 0) + 1));
      }
    }
  }
  return { bans: [...bans.values()], failures };
}

function banOf(line: string): readonly Ban[] {
  if (line === "") return [];
  const { cmd, jail, ip } = JSON.parse(line) as { cmd: string; jail: string; ip?: string };
  return cmd === "ban" && ip !== undefined ? [{ jail, ip, line }] : [];
}

/** What -v tells of a failure. */
const FOUND = /^f2b-stream: \[([\w.-]+)\] Found (\S+?): /gm;

async function stream(
  args: readonly string[],
  log: Buffer,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [program("f2b-stream"), ...args], {
    cwd: ROOT,
    env: { ...process.env, TZ: "UTC" },
  });
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
    new Promise<number | null>((resolve, reject) => child.once("error", reject).once("exit", resolve)),
  ]);
  if (status !== 0) throw new Error(`f2b-stream ended with ${status}: ${stderr.slice(-2000)}`);
  return { stdout, stderr };
}
