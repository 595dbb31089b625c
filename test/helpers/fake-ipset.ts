import type { IpsetTool } from "../../src/exec/kernel/ipset/ipset-family.ts";
import type { Ran } from "../../src/exec/kernel/run-command.ts";
import type { FakeClock } from "./clock.ts";

/** ipset on sets in memory, whose members end as time passes. */
export class FakeIpset implements IpsetTool {
  readonly #clock: FakeClock;
  /** Ends, by the clock's uptime, and comments of members, by set; 0: never. */
  readonly sets = new Map<string, Map<string, { readonly end: number; readonly comment: string }>>();
  /** All lines that were carried out. */
  readonly lines: string[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async headers(): Promise<Ran> {
    const shown = [...this.sets.keys()].map(
      (name) => `Name: ${name}\nNumber of entries: ${this.#members(name).length}\n`,
    );
    return { status: 0, stdout: shown.join("\n"), stderr: "" };
  }

  async save(set?: string): Promise<Ran> {
    if (set !== undefined && !this.sets.has(set)) return failed("The set with the given name does not exist");
    const names = set === undefined ? [...this.sets.keys()] : [set];
    const lines = names.flatMap((name) => [
      `create ${name} hash:net`,
      ...this.#members(name).map(([ip, { end, comment }]) => {
        const left = end === 0 ? 0 : Math.floor((end - this.#clock.uptime) / 1000);
        return `add ${name} ${ip} timeout ${left}${comment}`;
      }),
    ]);
    return { status: 0, stdout: `${lines.join("\n")}\n`, stderr: "" };
  }

  async restore(lines: readonly string[]): Promise<Ran> {
    for (const line of lines) {
      const [command, name = "", ip = "", , seconds, ...rest] = line.split(" ");
      const set = this.sets.get(name);
      if (command === "create") this.sets.set(name, set ?? new Map());
      else if (command === "destroy") this.sets.delete(name);
      else if (set === undefined) return failed("The set with the given name does not exist");
      else if (command === "del") set.delete(ip);
      else {
        const end = seconds === "0" ? 0 : this.#clock.uptime + Number(seconds) * 1000;
        set.set(ip, { end, comment: rest.length === 0 ? "" : ` ${rest.join(" ")}` });
      }
      this.lines.push(line);
    }
    return { status: 0, stdout: "", stderr: "" };
  }

  #members(name: string) {
    return [...(this.sets.get(name) ?? [])].filter(([, { end }]) => end === 0 || end > this.#clock.uptime);
  }
}

function failed(stderr: string): Ran {
  return { status: 1, stdout: "", stderr };
}
