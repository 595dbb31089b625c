import { setImmediate } from "node:timers/promises";
import { printable, type Report } from "../../cli/report.ts";
import { version } from "../../cli/version.ts";
import { type Ban, type Subject, WIDEST_BAN } from "../../protocol/command.ts";
import { ControlError, type Request } from "../../protocol/control.ts";
import type { Banned, JailStatus, Pong, Reloaded, Unbanned } from "../../protocol/control-answers.ts";
import { contains, isSingle, type Network, parseNetwork } from "../../shared/address.ts";
import { suggestion } from "../../shared/did-you-mean.ts";
import { toJson } from "../../shared/invisible.ts";
import { MAX_ID_LENGTH } from "../../shared/limits.ts";
import { subjectOf } from "../ban/banlist.ts";
import { jailStatusOf, type StatusHost, statusOf } from "../health/status.ts";
import type { RunningJail } from "../jail/jail.ts";
import { banLine, bansAround, explain, ignoredBecause, subjectsIn } from "./explain.ts";
import type { Reloader } from "./reload.ts";
import type { SteeredEngine } from "./steered-engine.ts";

export interface ControlOptions extends StatusHost {
  readonly engine: SteeredEngine;
  readonly reloader: Reloader;
  readonly report: Report;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Characters of commands that the reader of stdout has not taken. */
  readonly waiting: () => number;
}

/** While so many characters of commands wait for the reader of stdout, no more are asked for by hand. */
const MAX_WAITING = 16 * 1024 * 1024;
/** So many bans are looked at, or ended, before the stream goes on. */
const BATCH = 1000;
/** Mistakes in rules that are told, and jails that are named to one who asked for another. */
const MAX_MISTAKES = 20;
const MAX_NAMES = 20;

/** Steers a running stream: does what requests ask for, and gives the lines that answer them. */
export class Control {
  readonly #options: ControlOptions;
  readonly #engine: SteeredEngine;
  #isStopped = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#engine = options.engine;
  }

  /**
   * Does what is asked, then gives the answer. The lines of long answers are made as they are taken.
   *
   * @throws ControlError
   */
  async answer(request: Request): Promise<Iterable<string>> {
    this.#checkStream();
    this.#engine.tick(this.#options.now());
    try {
      return await this.#answer(request);
    } finally {
      this.#engine.tally.onLate();
    }
  }

  /** The stream has ended: nothing is done for anybody any more. */
  stop(): void {
    this.#isStopped = true;
  }

  async #answer(request: Request): Promise<Iterable<string>> {
    switch (request.do) {
      case "ping":
        return [line({ version: version(), pid: process.pid } satisfies Pong)];
      case "status":
        return this.#status(request.jail);
      case "banned":
        return bansOf(this.#engine.tally.list());
      case "explain":
        return explain(this.#engine, request.whom).map(line);
      case "ban":
        this.#checkReader();
        return [line(this.#ban(this.#jail(request.jail), request.whom, request.bantime))];
      case "unban":
        this.#checkReader();
        return [line(await this.#unban(request.whom))];
      case "reload":
        this.#checkReader();
        return [line(await this.#reload())];
    }
  }

  #status(name: string | undefined): Iterable<string> {
    if (name === undefined) return [line(statusOf(this.#engine, this.#options, this.#options.now()))];
    const running = this.#jail(name);
    return bansOf(this.#engine.tally.list(), jailStatusOf(this.#engine, running));
  }

  #ban(running: RunningJail, whom: Subject, bantime: number | null | undefined): Banned {
    const { name } = running.jail;
    const refusal = refusalOf(running, whom);
    if (refusal !== undefined) throw refused(`${shown(whom)} is not banned in ${name}: ${refusal}`);
    const { tally } = this.#engine;
    const before = tally.find(name, whom);
    const ban = tally.ban(running, whom, bantime);
    if (ban === undefined) {
      const reason = tally.isFull ? `${tally.bans} bans are in force already` : "it would last no time";
      throw refused(`${shown(whom)} is not banned in ${name}: ${reason}`);
    }
    const result = before === undefined ? "banned" : bantime === undefined ? "already" : "changed";
    if (result !== "already") this.#tell(`[${name}] ${shown(whom)} banned by hand ${shownEnd(ban)}`);
    return { result, ban: banLine(ban) };
  }

  /** Ends the bans of somebody, or within a network, or all, and sets counts to zero. */
  async #unban(whom: Subject | "all"): Promise<Unbanned> {
    const { tally, jails } = this.#engine;
    const free = whom === "all" ? [] : this.#notBanned(whom);
    const counting = free.filter(([running, each]) => tally.known(running, each).failures.length > 0);
    const ended = new Map<string, number>();
    const end = ({ jail: { name } }: RunningJail, each: Subject): void => {
      if (tally.unban(name, each)) ended.set(name, (ended.get(name) ?? 0) + 1);
    };
    // A ban was a failure to jails that count bans.
    const listening = [...jails.values()].filter(({ jail }) => jail.on === "ban");
    for (const [index, ban] of (await this.#bansOf(whom)).entries()) {
      if (index % BATCH === BATCH - 1) await this.#letGo();
      for (const running of [jails.get(ban.jail) ?? [], listening].flat()) end(running, subjectOf(ban));
    }
    for (const [running, each] of free) end(running, each);
    const bans = [...ended.values()].reduce((sum, count) => sum + count, 0);
    this.#tell(`${whom === "all" ? "all" : shown(whom)} unbanned by hand, bans ended: ${bans}`);
    return {
      bans,
      jails: Object.fromEntries(ended),
      counted: new Set(counting.map(([{ jail }]) => jail.name)).size,
      still: whom === "all" ? [] : this.#still(whom),
    };
  }

  /** As whom jails may have counted somebody that they have not banned. */
  #notBanned(whom: Subject): readonly (readonly [RunningJail, Subject])[] {
    return [...this.#engine.jails.values()].flatMap((running) =>
      subjectsIn(running, whom)
        .filter((each) => this.#engine.tally.find(running.jail.name, each) === undefined)
        .map((each) => [running, each] as const),
    );
  }

  async #bansOf(whom: Subject | "all"): Promise<readonly Ban[]> {
    const { tally, jails } = this.#engine;
    if (whom === "all") return [...tally.list()];
    const network = "ip" in whom ? parseNetwork(whom.ip) : undefined;
    if (network !== undefined && !isSingle(network)) return this.#bansWithin(network);
    return [...jails.values()].flatMap((running) =>
      subjectsIn(running, whom).flatMap((each) => tally.find(running.jail.name, each) ?? []),
    );
  }

  async #bansWithin(network: Network): Promise<readonly Ban[]> {
    const within: Ban[] = [];
    for (const [index, ban] of [...this.#engine.tally.list()].entries()) {
      if (index % BATCH === BATCH - 1) await this.#letGo();
      const banned = parseNetwork(ban.ip ?? "");
      if (banned && contains(network, banned)) within.push(ban);
    }
    return within;
  }

  /** Bans of networks that hold somebody who is unbanned now. */
  #still(whom: Subject): Unbanned["still"] {
    return [...this.#engine.jails.values()]
      .flatMap((running) => bansAround(this.#engine, running, whom))
      .flatMap(({ cmd, jail, ip }) => (cmd === "ban" && ip !== undefined ? { jail, ip } : []));
  }

  async #reload(): Promise<Reloaded> {
    const reloaded = await this.#options.reloader.reload();
    if ("jails" in reloaded) return reloaded;
    const mistakes = reloaded.errors.slice(0, MAX_MISTAKES).map(({ code, place, message, hint }) => {
      return { code, ...place, message, ...(hint !== undefined && { hint }) };
    });
    const message = "the rules could not be read again: those before stay in force";
    throw new ControlError("ERR_CONTROL_RULES", message, mistakes);
  }

  /** Writes what was decided so far, and lets the stream go on for a while. */
  async #letGo(): Promise<void> {
    this.#engine.tally.onLate();
    await setImmediate();
    this.#checkStream();
  }

  #checkStream(): void {
    if (this.#isStopped) throw new ControlError("ERR_CONTROL_BUSY", "f2b-stream is about to end");
  }

  #jail(name: string): RunningJail {
    const { jails } = this.#engine;
    const running = jails.get(name);
    if (running !== undefined) return running;
    const names = [...jails.keys()];
    const help = suggestion(name, names) ?? `there are ${names.slice(0, MAX_NAMES).join(", ") || "none"}`;
    throw new ControlError("ERR_CONTROL_JAIL", `no jail ${JSON.stringify(name)}: ${help}`);
  }

  #checkReader(): void {
    if (this.#options.waiting() < MAX_WAITING) return;
    const message = `${MAX_WAITING} bytes of commands wait for the reader of stdout`;
    throw new ControlError("ERR_CONTROL_BUSY", message);
  }

  #tell(message: string): void {
    this.#options.report.line(message);
  }
}

/** Whom f2b-exec would refuse, or the jail never bans; undefined: he may be banned. */
function refusalOf(running: RunningJail, whom: Subject): string | undefined {
  if ("id" in whom)
    return whom.id.length > MAX_ID_LENGTH ? `the id is longer than ${MAX_ID_LENGTH} characters` : undefined;
  const network = parseNetwork(whom.ip);
  const widest = WIDEST_BAN[network?.family ?? 4];
  if (network && network.prefix < widest) return `networks wider than /${widest} are not banned`;
  return ignoredBecause(running, whom);
}

function refused(message: string): ControlError {
  return new ControlError("ERR_CONTROL_REFUSED", message);
}

function shown(whom: Subject): string {
  return "ip" in whom ? whom.ip : printable(whom.id, 80);
}

function shownEnd({ until }: Ban): string {
  return until === null ? "for ever" : `until ${new Date(until).toISOString()}`;
}

function* bansOf(bans: Iterable<Ban>, first?: JailStatus): Iterable<string> {
  if (first) yield line(first);
  for (const ban of bans) if (first === undefined || ban.jail === first.jail) yield line(banLine(ban));
}

function line(answer: object): string {
  return `${toJson(answer)}\n`;
}
