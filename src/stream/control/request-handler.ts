import { printable, type Report } from "../../cli/report.ts";
import { version } from "../../cli/version.ts";
import { type Ban, type Subject, WIDEST_BAN } from "../../protocol/command.ts";
import type { Banned, JailStatus, Pong, Reloaded, Unbanned } from "../../protocol/control-answers.ts";
import { ControlError, type Request } from "../../protocol/control-requests.ts";
import { parseNetwork } from "../../shared/address.ts";
import { suggestion } from "../../shared/did-you-mean.ts";
import { toJson } from "../../shared/invisible.ts";
import { MAX_ID_LENGTH } from "../../shared/limits.ts";
import { jailStatusOf, type StatusHost, statusOf } from "../health/status.ts";
import { banLine, explain, ignoredBecause } from "./explain.ts";
import type { Reloader } from "./reload.ts";
import type { SteeredEngine, SteeredJail } from "./steered-engine.ts";
import { unban } from "./unban.ts";

export interface RequestHandlerOptions extends StatusHost {
  readonly engine: SteeredEngine;
  readonly reloader: Reloader;
  readonly report: Report;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called when commands may have been written. */
  readonly flush: () => void;
  /** Characters of commands that the reader of stdout has not taken. */
  readonly waiting: () => number;
}

/** While this many characters of commands wait for the reader of stdout, requests that write more are refused. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Most mistakes in rules that an answer lists, and most jails that it names after an unknown one. */
const MAX_MISTAKES = 20;
const MAX_NAMES = 20;

/** Carries out the requests of clients on a running stream, and gives the lines that answer them. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #engine: SteeredEngine;
  #isStopped = false;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
    this.#engine = options.engine;
  }

  /**
   * Carries out a request, then gives the answer. The lines of long answers are made as they are taken.
   *
   * @throws ControlError
   */
  async answer(request: Request): Promise<Iterable<string>> {
    this.#checkStream();
    this.#engine.tick(this.#options.now());
    try {
      return await this.#answer(request);
    } finally {
      this.#options.flush();
    }
  }

  /** The stream has ended: refuses all further requests. */
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
        return bansOf(this.#engine.manualBans.list());
      case "explain":
        return explain(this.#engine, request.subject).map(line);
      case "ban":
        this.#checkReader();
        return [line(this.#ban(this.#jail(request.jail), request.subject, request.bantime))];
      case "unban":
        this.#checkReader();
        return [line(await this.#unban(request.subject))];
      case "reload":
        this.#checkReader();
        return [line(await this.#reload())];
    }
  }

  #status(name: string | undefined): Iterable<string> {
    if (name === undefined) return [line(statusOf(this.#engine, this.#options, this.#options.now()))];
    const jail = this.#jail(name);
    return bansOf(this.#engine.manualBans.list(), jailStatusOf(this.#engine, jail));
  }

  #ban(steered: SteeredJail, subject: Subject, bantime: number | null | undefined): Banned {
    const { name } = steered.jail;
    const refusal = refusalOf(steered, subject);
    if (refusal !== undefined) throw refused(`${shown(subject)} is not banned in ${name}: ${refusal}`);
    const { manualBans } = this.#engine;
    const before = manualBans.find(name, subject);
    const ban = manualBans.ban(name, subject, bantime);
    if (ban === undefined) {
      const reason = manualBans.isFull
        ? `${manualBans.size} bans are in force already`
        : "the ban would last no time";
      throw refused(`${shown(subject)} is not banned in ${name}: ${reason}`);
    }
    const result = before === undefined ? "banned" : bantime === undefined ? "already" : "changed";
    if (result !== "already")
      this.#options.report.line(`[${name}] ${shown(subject)} banned by hand ${shownEnd(ban)}`);
    return { result, ban: banLine(ban) };
  }

  async #unban(subject: Subject | "all"): Promise<Unbanned> {
    const unbanned = await unban(this.#engine, subject, () => {
      this.#options.flush();
      this.#checkStream();
    });
    const who = subject === "all" ? "all" : shown(subject);
    this.#options.report.line(`${who} unbanned by hand, bans ended: ${unbanned.bans}`);
    return unbanned;
  }

  async #reload(): Promise<Reloaded> {
    const reloaded = await this.#options.reloader.reload();
    if ("jails" in reloaded) return reloaded;
    const mistakes = reloaded.errors.slice(0, MAX_MISTAKES).map(({ code, place, message, hint }) => {
      return { code, ...place, message, ...(hint !== undefined && { hint }) };
    });
    throw new ControlError("ERR_CONTROL_RULES", "reload failed, keeping the previous rules", mistakes);
  }

  #checkStream(): void {
    if (this.#isStopped) throw new ControlError("ERR_CONTROL_BUSY", "f2b-stream is ending");
  }

  #jail(name: string): SteeredJail {
    const { jails } = this.#engine;
    const jail = jails.get(name);
    if (jail !== undefined) return jail;
    const names = [...jails.keys()];
    const help = suggestion(name, names) ?? `there are ${names.slice(0, MAX_NAMES).join(", ") || "none"}`;
    throw new ControlError("ERR_CONTROL_JAIL", `no jail ${JSON.stringify(name)}: ${help}`);
  }

  #checkReader(): void {
    if (this.#options.waiting() < MAX_WAITING) return;
    const message = `${MAX_WAITING} bytes of commands wait for the reader of stdout`;
    throw new ControlError("ERR_CONTROL_BUSY", message);
  }
}

/** Why a subject is not banned: f2b-exec would refuse it, or the jail ignores it; undefined: it may be banned. */
function refusalOf(jail: SteeredJail, subject: Subject): string | undefined {
  if ("id" in subject)
    return subject.id.length > MAX_ID_LENGTH
      ? `the id is longer than ${MAX_ID_LENGTH} characters`
      : undefined;
  const network = parseNetwork(subject.ip);
  const widest = WIDEST_BAN[network?.family ?? 4];
  if (network && network.prefix < widest) return `networks wider than /${widest} are not banned`;
  return ignoredBecause(jail, subject);
}

function refused(message: string): ControlError {
  return new ControlError("ERR_CONTROL_REFUSED", message);
}

function shown(subject: Subject): string {
  return "ip" in subject ? subject.ip : printable(subject.id, 80);
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
