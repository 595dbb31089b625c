import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { ENVIRONMENT } from "./run.ts";

/** A program that follows a log through real pipes (node's own are sockets). */
export class Follower {
  readonly #child: ChildProcess;
  readonly #input: Socket;
  readonly #folder: string;
  readonly #gone: Promise<number | null>;
  #rest = "";
  /** Called with each line that it writes. */
  onLine: (line: string) => void = () => undefined;

  constructor(argv: readonly string[], folder: string) {
    this.#folder = mkdtempSync(join(folder, "pipes-"));
    const [stdin, stdout] = ["stdin", "stdout"].map((name) => join(this.#folder, name)) as [string, string];
    execFileSync("mkfifo", [stdin, stdout]);
    this.#child = spawn("/bin/sh", ["-c", 'exec "$@" <"$STDIN" >"$STDOUT"', "sh", ...argv], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...ENVIRONMENT, STDIN: stdin, STDOUT: stdout },
    });
    this.#gone = once(this.#child, "exit").then(([status]) => status);
    // Each waits for the shell to open its end.
    this.#input = new Socket({ fd: openSync(stdin, "w"), readable: false, writable: true });
    // That it has gone is told with its status, by within() and end().
    this.#input.on("error", () => undefined);
    const output = new Socket({ fd: openSync(stdout, "r"), readable: true, writable: false });
    output.setEncoding("utf8").on("data", (text: string) => this.#read(text));
  }

  /** Writes at once, or as soon as the program takes it. */
  write(text: string): void {
    this.#input.write(text);
  }

  /** Writes, and waits until the program has taken it. */
  async feed(text: string): Promise<void> {
    if (!this.#input.write(text)) await this.within(once(this.#input, "drain"));
  }

  /** Waits for something that the program does. @throws Error when it ends before. */
  async within<T>(event: Promise<T>): Promise<T> {
    const ended = this.#gone.then((status) => {
      throw new Error(`${this.#child.spawnargs.slice(4).join(" ")}: ended too early, with ${status}`);
    });
    return Promise.race([event, ended]);
  }

  /** Bytes of memory that it holds now. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Ends its input and waits for it to go. */
  async end(): Promise<void> {
    this.#input.end();
    const status = await this.#gone;
    rmSync(this.#folder, { recursive: true });
    if (status !== 0) throw new Error(`${this.#child.spawnargs.slice(4).join(" ")}: ended with ${status}`);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.onLine(line);
  }
}
