import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bin/f2b-exec.js", import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const alive = new Set<ChildProcessWithoutNullStreams>();

/** Ends what a failed test left running, `spared` apart. */
export function killRest(spared?: Running): void {
  for (const child of alive) if (child !== spared?.child) child.kill("SIGKILL");
}

/** A running f2b-exec, or another program. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [file = "", ...args] = argv;
    this.child = spawn(file, args, { env: { ...process.env, ...env } });
    this.child.stdout.on("data", (chunk) => {
      this.#stdout += chunk;
    });
    this.child.stderr.on("data", (chunk) => {
      this.#stderr += chunk;
    });
    this.child.stdin.on("error", () => undefined);
    alive.add(this.child);
    this.ended = new Promise((resolve) => {
      this.child.on("close", (status) => {
        alive.delete(this.child);
        resolve({ status, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  write(...lines: readonly object[]): void {
    for (const line of lines) this.child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** Ends when `text` has stood on stderr or stdout; fails when the program ends without. */
  async said(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (this.#stdout.includes(text) || this.#stderr.includes(text)) resolve();
      };
      this.child.stdout.on("data", look);
      this.child.stderr.on("data", look);
      this.child.on("close", () => {
        look();
        reject(new Error(`ended without saying ${JSON.stringify(text)}: ${this.#stderr}`));
      });
      look();
    });
  }
}

/** Starts f2b-exec; `before` is what stands in front of it, such as `ip netns exec NAME`. */
export function startExec(
  args: readonly string[],
  { before = [], env = {} }: { before?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Running {
  return new Running([...before, process.execPath, PROGRAM, ...args], env);
}

/** Runs f2b-exec on an input that is whole. */
export async function runExec(
  args: readonly string[],
  input: string | readonly object[],
  options: { before?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const running = startExec(args, options);
  if (typeof input === "string") running.child.stdin.end(input);
  else {
    running.write(...input);
    running.child.stdin.end();
  }
  return running.ended;
}
