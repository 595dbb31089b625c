import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const exec = promisify(execFile);

export const PROGRAM = fileURLToPath(new URL("../../bin/f2b-exec.js", import.meta.url));

const made = new Set<string>();
let count = 0;

/** Runs `work` in a new network namespace; `work` gets the words that precede a command to run it there. */
export async function inNamespace<T>(work: (before: readonly string[]) => Promise<T>): Promise<T> {
  const name = `f2bb-${process.pid}-${++count}`;
  await exec("ip", ["netns", "add", name]);
  made.add(name);
  try {
    return await work(["ip", "netns", "exec", name]);
  } finally {
    await exec("ip", ["netns", "del", name]);
    made.delete(name);
  }
}

/** Removes what an interrupted run left. */
export async function cleanUp(): Promise<void> {
  for (const name of made) await exec("ip", ["netns", "del", name]).catch(() => undefined);
}

/** A running f2b-exec: sends it commands and counts its results. */
export class BanStream {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<unknown>;
  #count = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #reached: () => void = () => undefined;
  /** The end of its output. */
  #tail = "";

  constructor([file = "", ...args]: readonly string[], backend: string) {
    const argv = [...args, process.execPath, PROGRAM, "--backend", backend, "--results"];
    this.#child = spawn(file, argv, { stdio: ["pipe", "pipe", "ignore"] });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) this.#count++;
      this.#tail = (this.#tail + chunk.toString("latin1")).slice(-TAIL);
      if (this.#count >= this.#wanted) this.#reached();
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  bans(first: number, count: number): void {
    this.#write(first, count, (ip) => ({
      cmd: "ban",
      jail: "bench",
      ip,
      until: UNTIL,
      port: [25, 465],
      protocol: ["tcp"],
    }));
  }

  /** One ban; `more`: its other fields. */
  ban(more: object): void {
    const command = { cmd: "ban", jail: "bench", until: UNTIL, port: [25, 465], protocol: ["tcp"], ...more };
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** The result for an address, if it is among the last ones. */
  last(ip: string): string | undefined {
    const line = this.#tail.split("\n").findLast((each) => each.includes(`"${ip}"`));
    return line === undefined ? undefined : JSON.parse(line).result;
  }

  /** Milliseconds of CPU time that it and its tools have used. */
  cpu(): { readonly own: number; readonly tools: number } {
    const [, fields = ""] = readFileSync(`/proc/${this.#child.pid}/stat`, "latin1").split(") ");
    const [user = 0, system = 0, tools = 0, more = 0] = fields.split(" ").slice(11, 15).map(Number);
    return { own: (user + system) * TICK, tools: (tools + more) * TICK };
  }

  unbans(first: number, count: number): void {
    this.#write(first, count, (ip) => ({ cmd: "unban", jail: "bench", ip }));
  }

  /** Resolves when that many results have arrived. */
  async results(count: number): Promise<void> {
    if (this.#count >= count) return;
    this.#wanted = count;
    await new Promise<void>((resolve) => {
      this.#reached = resolve;
    });
    this.#wanted = Number.POSITIVE_INFINITY;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  #write(first: number, count: number, command: (ip: string) => object): void {
    const lines = Array.from({ length: count }, (_, i) => `${JSON.stringify(command(address(first + i)))}\n`);
    this.#child.stdin.write(lines.join(""));
  }
}

/** Milliseconds per clock tick in /proc. */
const TICK = 10;
const TAIL = 4096;

const UNTIL = new Date(Date.now() + 86_400_000).toISOString();

/** Addresses from 198.18.0.0 on, which RFC 2544 reserves for benchmarks. */
function address(index: number): string {
  return `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}
