import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process of a unit. */
export interface Member {
  readonly pid: number;
  readonly command: string;
}

/** A pipeline that runs as a unit of systemd does: when it ends, for whatever reason, what is left of it is killed. */
export class Unit {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  stderr = "";

  /** @param before what stands in front of the shell, such as `ip netns exec NAME` */
  constructor(pipeline: string, before: readonly string[] = []) {
    const [file = "", ...args] = [...before, "bash", "-o", "pipefail", "-c", pipeline];
    this.#child = spawn(file, args, {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TZ: "UTC" },
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
  }

  /** Its processes, the shell apart; not the copies of others that are about to become a tool. */
  members(): readonly Member[] {
    const pids = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    const all = pids.flatMap((pid) => {
      try {
        const [, state = "", parent, group] =
          /\) (\S) (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        const isMember = Number(group) === this.#child.pid && state !== "Z" && pid !== this.#child.pid;
        return isMember ? [{ pid, command, parent: Number(parent) }] : [];
      } catch {
        return [];
      }
    });
    return all.filter(
      ({ command, parent }) => !all.some((each) => each.pid === parent && each.command === command),
    );
  }

  /** Kills one of its processes with -9. */
  kill(pid: number): void {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }

  /** Waits until it has ended, and kills what is left after so many milliseconds. */
  async end(patience: number): Promise<void> {
    const timer = setTimeout(() => this.kill(-(this.#child.pid ?? Number.NaN)), patience);
    await this.#ended;
    clearTimeout(timer);
  }
}
