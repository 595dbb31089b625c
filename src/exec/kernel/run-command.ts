import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** How a command ended. One that can't be started has a `failure`, too. */
export interface Ran {
  /** Exit status; null when the command was not started or a signal killed it. */
  readonly status: number | null;
  readonly stdout: string;
  /** Untrusted text: show it only through `printable`. */
  readonly stderr: string;
  /** Why it has no exit status: `ENOENT`, `timed out`, `SIGTERM`, … */
  readonly failure?: string;
}

interface CommandOptions {
  /** Given to the command on stdin. */
  readonly input?: string;
  /** Milliseconds after which its whole process group gets SIGKILL. */
  readonly timeout: number;
  /** Most bytes of stdout; the rest is dropped. 0: stdout is /dev/null. */
  readonly maxStdout: number;
}

/** Runs one command. Never rejects. Tests and dry runs replace it. */
export type Run = (argv: readonly string[], options: CommandOptions) => Promise<Ran>;

/** Where tools are also looked for, since the PATH of cron and rsyslog lacks sbin. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MAX_STDERR = 4096;
/** Milliseconds for which stderr may stay open after the end of an action, as a daemon that it started may keep it. */
const STDERR_GRACE = 500;

/**
 * Runs `argv` without a shell, in a process group of its own, so that a Ctrl-C for the pipe does not interrupt a transaction, and
 * with only PATH and LC_ALL in its environment. XTABLES_LOCKFILE is passed on: iptables-legacy needs it where the user may not
 * open /run/xtables.lock.
 */
export const run: Run = ([file = "", ...args], { input = "", timeout, maxStdout }) =>
  new Promise((resolve) => {
    const child = begin(file, args, maxStdout > 0 ? "pipe" : "ignore");
    if (child instanceof Error)
      return resolve({ status: null, stdout: "", stderr: "", failure: whyNotStarted(child) });
    const stdout = collect(child.stdout, maxStdout);
    const stderr = collect(child.stderr, MAX_STDERR);
    let failure: string | undefined;
    const killer = setTimeout(() => {
      failure = `timed out after ${timeout / 1000} s`;
      killGroup(child.pid);
    }, timeout);
    const finish = (status: number | null, why?: string) => {
      clearTimeout(killer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ status, stdout: stdout(), stderr: stderr(), ...(why !== undefined && { failure: why }) });
    };
    const ended = (status: number | null, signal: NodeJS.Signals | null) =>
      finish(status, failure ?? signal ?? undefined);
    child.once("error", (error: NodeJS.ErrnoException) => finish(null, whyNotStarted(error)));
    child.once("close", ended);
    child.once("exit", (status, signal) => {
      if (maxStdout > 0) return;
      const grace = setTimeout(() => ended(status, signal), STDERR_GRACE);
      child.once("close", () => clearTimeout(grace));
    });
    // A command may not read its stdin, so EPIPE is not an error.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });

/** spawn throws for some reasons (ENOTDIR, ELOOP, E2BIG, a NUL in an argument) and emits an error for others. */
function begin(file: string, args: readonly string[], stdout: "pipe" | "ignore"): ChildProcess | Error {
  try {
    return spawn(file, args, {
      cwd: "/",
      detached: true,
      env: environment(),
      stdio: ["pipe", stdout, "pipe"],
    });
  } catch (error) {
    return error as Error;
  }
}

function whyNotStarted(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

/** How a command failed, on one line: its exit status, then its stderr. */
export function describeFailure({ status, failure, stderr }: Ran): string {
  const message = stderr.replace(/\s+/g, " ").trim();
  const how = failure ?? `exit status ${status}`;
  return message === "" ? how : `${how}: ${message}`;
}

function environment(): NodeJS.ProcessEnv {
  const { PATH: path, XTABLES_LOCKFILE: lock } = process.env;
  return { PATH: path ? `${path}:${PATH}` : PATH, LC_ALL: "C", ...(lock && { XTABLES_LOCKFILE: lock }) };
}

function collect(stream: Readable | null, limit: number): () => string {
  const chunks: Buffer[] = [];
  let room = limit;
  stream?.on("data", (chunk: Buffer) => {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
  });
  stream?.on("error", () => undefined);
  return () => Buffer.concat(chunks).toString();
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
