import { existsSync, writeFileSync } from "node:fs";
import { SocketFolder, talk } from "./control.ts";
import { type Ended, type Running, runProgram, start } from "./program.ts";

/** Rules for a program "app": three failures are too many; a second jail counts bans. */
export const RULES = `defaults: {ignoreself: false, ignoreip: [192.0.2.200]}
jails:
  app:
    identifier: app
    failregex: ^login failed (?:of <F-ID>\\w+</F-ID>|from <HOST>)$
    maxretry: 3
    port: [http, https]
  again: {on: ban, maxretry: 2, findtime: 1d, bantime: 1w}
`;

/** What a request is answered with: a line each, the last one says `ok`. */
export type Answer = readonly Record<string, unknown>[];

/** A real f2b-stream with a control socket, in a folder of its own. */
export class Steered {
  readonly folder = new SocketFolder();
  readonly #args: string[];
  #running: Running;

  private constructor(rules: string, args: readonly string[]) {
    this.rules(rules);
    this.#args = ["-r", this.folder.path("rules.yaml"), "--control", this.path];
    this.#args.push(...args.map((arg) => (arg === "STATE" ? this.folder.path("state") : arg)));
    this.#running = start("f2b-stream", this.#args);
  }

  /** Starts it and waits until its socket is there. A `STATE` among the arguments is a file of its folder. */
  static async start(rules = RULES, ...args: string[]): Promise<Steered> {
    const steered = new Steered(rules, args);
    while (!existsSync(steered.path)) await pause();
    return steered;
  }

  get running(): Running {
    return this.#running;
  }

  get path(): string {
    return this.folder.path();
  }

  async stop(): Promise<void> {
    this.running.child.kill("SIGKILL");
    await this.running.ended;
    this.folder.remove();
  }

  /** Kills it and starts it again as it was. */
  async restart(): Promise<void> {
    this.running.child.kill("SIGKILL");
    await this.running.ended;
    this.#running = start("f2b-stream", this.#args);
    while ((await this.ask({ do: "ping" })).length === 0) await pause();
  }

  /** The answers to requests that are sent one after the other, in one list. */
  ask(...requests: object[]): Promise<Answer> {
    return talk(this.path, requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
  }

  client(...args: string[]): Promise<Ended> {
    return runProgram("f2b-client", ["-s", this.path, ...args]);
  }

  rules(text: string): void {
    writeFileSync(this.folder.path("rules.yaml"), text);
  }

  /** Lets addresses, or ids, fail `ago` milliseconds ago, and waits until they have been counted. */
  async fail(whom: readonly string[], ago = 0): Promise<void> {
    const before = await this.#seen();
    this.log(whom, ago);
    while ((await this.#seen()) < before + whom.length) await pause();
  }

  /** Logs that addresses, or ids, failed `ago` milliseconds ago. */
  log(whom: readonly string[], ago = 0): void {
    const time = new Date(Date.now() - ago).toISOString();
    const line = (name: string) => `login failed ${/[.:]/.test(name) ? "from" : "of"} ${name}`;
    this.running.write(whom.map((name) => `${time} web1 app[7]: ${line(name)}\n`).join(""));
  }

  /** What was written: `ban app 192.0.2.1`, `unban app 192.0.2.1 manual`, and so on. */
  commands(): readonly string[] {
    const lines = this.running.stdout().split("\n").slice(0, -1);
    return lines.filter(Boolean).map((line) => {
      const { cmd, jail, ip, id, phase, reason, ...marks } = JSON.parse(line);
      const words = [cmd, phase, jail, ip, id, reason];
      for (const mark of ["manual", "repeat", "restored"]) words.push(marks[mark] && mark);
      return words.filter(Boolean).join(" ");
    });
  }

  /** Failures that the first jail has counted or ignored. */
  async #seen(): Promise<number> {
    const [{ jails = [] } = {}] = (await this.ask({ do: "status" })) as {
      jails?: { failures: number; ignored: number }[];
    }[];
    const [first] = jails;
    return first === undefined ? 0 : first.failures + first.ignored;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
