import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./root.ts";

/** How a program ended. */
export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

const alive = new Set<Piped>();

/** Ends what a failed test left running. */
export function killPiped(): void {
  for (const piped of alive) piped.kill();
}

/**
 * A program between real pipes, as a shell makes them (node's own are sockets), whose reader reads when the test says so.
 */
export class Piped {
  readonly child: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), "f2b-pipes-"));
  readonly #input: Socket;
  readonly #output: Socket;
  readonly ended: Promise<Ending>;
  stdout = "";
  stderr = "";

  /** @param script runs `"$@"`, the program, with its redirections */
  constructor(argv: readonly string[], script = 'exec "$@" <"$STDIN" >"$STDOUT"') {
    const [stdin, stdout] = ["stdin", "stdout"].map((name) => join(this.#folder, name)) as [string, string];
    execFileSync("mkfifo", [stdin, stdout]);
    this.child = spawn("/bin/sh", ["-c", script, "sh", ...argv], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TZ: "UTC", STDIN: stdin, STDOUT: stdout },
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    // Each waits for the shell to open its end.
    this.#input = new Socket({ fd: openSync(stdin, "w"), readable: false, writable: true });
    this.#input.on("error", () => undefined);
    this.#output = new Socket({ fd: openSync(stdout, "r"), readable: true, writable: false });
    this.#output.on("error", () => undefined).setEncoding("utf8");
    const closed = Promise.all([once(this.child, "close"), once(this.#output, "close")]);
    alive.add(this);
    this.ended = closed.then(([[status, signal]]) => {
      alive.delete(this);
      rmSync(this.#folder, { recursive: true });
      return { status, signal } as Ending;
    });
  }

  kill(): void {
    this.child.kill("SIGKILL");
    this.#input.destroy();
    this.#output.destroy();
  }

  /** Writes as fast as the program reads. */
  write(text: string): void {
    this.#input.write(text);
  }

  /** Bytes that the program has not taken. */
  get unread(): number {
    return this.#input.writableLength;
  }

  endInput(): void {
    this.#input.end();
  }

  /** Begins to read what the program writes, or goes on. */
  read(): void {
    if (this.#output.listenerCount("data") === 0)
      this.#output.on("data", (text: string) => (this.stdout += text));
    this.#output.resume();
  }

  /** Reads no more, for now. */
  pause(): void {
    this.#output.pause();
  }

  /** Goes away without reading. */
  leave(): void {
    this.#output.destroy();
  }

  /** Ends when the program takes no more of its input: it waits for its reader. */
  async stuck(): Promise<void> {
    let [before, same] = [-1, 0];
    while (same < 10) {
      await sleep(50);
      same = this.unread > 0 && this.unread === before ? same + 1 : 0;
      before = this.unread;
    }
  }

  /** Ends when `holds`, which is asked again and again; fails when the program ends before. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode}: ${this.stderr}`);
      await sleep(10);
    }
  }

  /** Bytes of memory that the program holds now: the shell has become it. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }
}
