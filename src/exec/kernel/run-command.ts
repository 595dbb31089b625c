import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** How a command ended. Never a rejection: a command that cannot be started has a `failure` too. */
export interface Ran {
  /** Exit status; null when it was not started or died of a signal. */
  readonly status: number | null;
  readonly stdout: string;
  /** Written by the command: show it through `printable` only. */
  readonly stderr: string;
  /** Why it has no exit status: `ENOENT`, `timed out`, `SIGTERM`, … */
  readonly failure?: string;
}

interface CommandOptions {
  /** Given to the command on stdin. */
  readonly input?: string;
  /** SIGKILL to its whole process group after that many milliseconds. */
  readonly timeout: number;
  /** Bytes of stdout kept; what comes after is dropped. 0: stdout is /dev/null. */
  readonly maxStdout: number;
}

/** Runs one command. What a test or a dry run puts in its place has the same type. */
export type Run = (argv: readonly string[], options: CommandOptions) => Promise<Ran>;

/** Where tools are looked for, whatever PATH we were started with: cron and rsyslog leave out sbin. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MAX_STDERR = 4096;
/** Milliseconds after its end that an action's stderr may stay open: a daemon that it started may hold it for ever. */
const STDERR_GRACE = 500;

/**
 * Runs `argv` without a shell, in a process group of its own, so that a Ctrl-C for the pipe does not cut a transaction,
 * and with an environment of PATH and LC_ALL alone. XTABLES_LOCKFILE is passed on: iptables-legacy needs it where the user
 * may not open /run/xtables.lock.
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
    // A command need not read its stdin: EPIPE is no error of ours.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });

/** Some reasons why a program can't be started are thrown (ENOTDIR, ELOOP, E2BIG, a NUL in an argument), others come later. */
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

/** One line that says how a command failed: its exit status, then what it said. */
export function describeFailure({ status, failure, stderr }: Ran): string {
  const said = stderr.replace(/\s+/g, " ").trim();
  const how = failure ?? `exit status ${status}`;
  return said === "" ? how : `${how}: ${said}`;
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
    // It ended in this very moment.
  }
}
