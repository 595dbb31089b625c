import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SERVER } from "../helpers/netns.ts";
import type { DaemonHost } from "./host.ts";
import type { Attempt, Outcome } from "./ssh-client.ts";

interface Told {
  readonly outcome?: Outcome;
  readonly error?: string;
}

/** A process at the client of a host that speaks SSH to it as it is told to. Make it with `using`, after the host. */
export class SshTalker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (told: Told) => void>();
  #count = 0;

  constructor(host: DaemonHost) {
    const [ip, ...args] = host.atClient;
    const program = fileURLToPath(new URL("./ssh-attempts.js", import.meta.url));
    this.#child = spawn(ip as string, [...args, process.execPath, program], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", ({ id, ...told }: Told & { readonly id: number }) => {
      this.#waiting.get(id)?.(told);
      this.#waiting.delete(id);
    });
    this.#child.on("exit", (status) => {
      for (const tell of this.#waiting.values()) tell({ error: `the client ended with status ${status}` });
      this.#waiting.clear();
    });
  }

  /** Makes a connection. @throws Error when it can't be made, or the server breaks the protocol */
  async attempt(what: Omit<Attempt, "to"> & { readonly to?: string }): Promise<Outcome> {
    const to = what.to ?? (what.from.includes(":") ? SERVER.ipv6 : SERVER.ipv4);
    const id = ++this.#count;
    const { outcome, error } = await new Promise<Told>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, what: { ...what, to } });
    });
    if (outcome === undefined) throw new Error(`${what.from}: ${error}`);
    return outcome;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}
