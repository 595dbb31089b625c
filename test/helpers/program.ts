import { type ChildProcess, spawn } from "node:child_process";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { ROOT } from "./root.ts";

/** How a program ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of ours that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written to stdout so far. */
  stdout(): string;
  stderr(): string;
  write(input: string | Uint8Array): void;
  /** Resolves when stdout (or stderr) satisfies `test`; rejects when the program ends before, or after half a minute. */
  until(test: (running: { stdout: string; stderr: string }) => boolean): Promise<void>;
}

type ProgramName = "f2b-stream" | "f2b-exec" | "f2b-regex" | "f2b-client" | "f2b-tail";

/** Path of a compiled program. */
export function program(name: ProgramName): string {
  return fileURLToPath(new URL(`../../bin/${name}.js`, import.meta.url));
}

/** How long `until` waits, in milliseconds. */
const PATIENCE = 30_000;

const running = new Set<ChildProcess>();

// What a failed test leaves running would keep its file from ending.
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a program of ours in the package's folder, in UTC. */
export function start(
  name: ProgramName,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [program(name), ...args], {
    cwd: ROOT,
    env: { ...process.env, TZ: "UTC", ...env },
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  const notify = () => {
    for (const watch of watchers) watch();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (status, signal) => {
      running.delete(child);
      resolve({ status, signal, stdout, stderr });
    });
  });
  return {
    child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    write: (input) => child.stdin.write(input),
    until: (test) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (!test({ stdout, stderr })) return;
          watchers.delete(watch);
          resolve();
        };
        setTimeout(() => reject(new Error(`not in time: ${stderr}${stdout}`)), PATIENCE).unref();
        watchers.add(watch);
        void ended.then(({ status }) => reject(new Error(`ended with ${status} before: ${stderr}${stdout}`)));
        watch();
      }),
  };
}

/** Runs a program of ours on `input` to its end. */
export function runProgram(
  name: ProgramName,
  args: readonly string[],
  input: string | Uint8Array = "",
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const running = start(name, args, env);
  running.child.stdin?.end(input);
  return running.ended;
}
