import { parseNetwork } from "../address.ts";
import { printable, type Report } from "../cli/report.ts";
import type { Ban, Command, Unban } from "../command.ts";
import { type Actions, evidenceOf } from "./actions.ts";
import type { Backend, Change, Until } from "./backend/backend.ts";
import type { Clock } from "./clock.ts";
import { Jails, MAX_JAILS, type Served } from "./jails.ts";
import { type Held, Ledger } from "./ledger.ts";
import type { JailLock } from "./lock.ts";
import type { Policy } from "./policy.ts";
import { BatchQueue } from "./queue.ts";
import type { Result } from "./results.ts";
import type { JailSettings } from "./settings.ts";

export interface ExecutorOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly lock: JailLock;
  readonly actions: Actions;
  readonly settingsOf: (jail: string) => Required<JailSettings>;
  readonly maxBans: number;
  readonly report: Report;
  readonly onResult: (result: Result) => void;
}

/** What may wait: about so many commands, or 256 characters of evidence instead of each. */
const MAX_WAITING = 10_000;
const EVIDENCE_WEIGHT = 256;
/** Longest `id` in characters; the ledger holds it as long as its ban. */
const MAX_ID = 1024;
/** Milliseconds in which bans that had ended before they came are counted, to be told together. */
const ENDED_TOLD_AFTER = 2000;

/** A command that waits. */
interface Job {
  readonly command: Ban | Unban;
  /** When it was read, in epoch milliseconds. */
  readonly read: number;
  /** Not read: our own timer says that the ban has ended. */
  readonly isTimer?: true;
}

/** What a command means for a ban, before the back end was asked. */
interface Verdict {
  readonly job: Job;
  readonly held: Held;
  readonly result: Result["result"];
  readonly error?: string;
  /** The back end has to agree. */
  readonly change?: Touched;
  /** A line for people when it succeeds. */
  readonly notice?: string;
  readonly runsActions?: boolean;
}

/** An address that a batch is about. */
interface Touched {
  readonly held: Held;
  /** What the ledger said before the batch. */
  readonly before: Until | undefined;
  change?: Change;
}

/**
 * Carries out commands: judges them in their order, gives the back end what came together as one batch, ends bans when
 * their time has come, and tells what became of each command.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #ledger: Ledger;
  readonly #queue: BatchQueue<Job>;
  readonly #jails: Jails;
  /** Bans that our timer ended: the writer's own unban for them says nothing new. At most `maxBans`. */
  readonly #endedHere = new Set<string>();
  /** Bans that had ended before they came, not yet told. */
  #ended = 0;
  #cancelEnded: (() => void) | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.clock, (due) => this.#expire(due));
    const onAdopted = (jail: string, bans: ReadonlyMap<string, Until>) => this.#adopt(jail, bans);
    this.#jails = new Jails({ ...options, onAdopted });
    this.#queue = new BatchQueue((jobs) => this.#work(jobs), MAX_WAITING);
  }

  /** How many live bans have an end. */
  get ending(): number {
    return this.#ledger.ending;
  }

  /** Takes one command; it is carried out soon. */
  accept(command: Command): void {
    if (command.cmd !== "ban" && command.cmd !== "unban") return;
    const hasActions = this.#options.settingsOf(command.jail).actions.length > 0;
    const { matches, ...rest } = command as Ban;
    const kept = hasActions && matches ? { ...rest, matches } : rest;
    const weight = 1 + Math.floor(evidenceOf(kept) / EVIDENCE_WEIGHT);
    this.#queue.push({ command: kept, read: this.#options.clock.now() }, weight);
  }

  /** Ends when more commands can be taken. */
  room(): Promise<void> {
    return this.#queue.room();
  }

  /** Ends when all commands taken are carried out; their actions may still run. */
  async idle(): Promise<void> {
    await this.#queue.idle();
    this.#tellEnded();
  }

  /** Ends when no ban with an end is left. */
  async allEnded(): Promise<void> {
    await this.#queue.idle();
    if (this.#ledger.ending > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Makes `allEnded` end now. */
  stopWaiting(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Takes the jails that were served away, with all that is left in them. */
  async flush(): Promise<void> {
    await this.idle();
    const { backend, actions, report, clock } = this.#options;
    const served = this.#jails.all();
    await backend.flush(served.map(({ jail }) => jail.name));
    for (const { jail } of served) {
      const time = clock.now();
      const left = [...this.#ledger.of(jail.name).keys()];
      report.line(`NOTICE [${jail.name}] Flush ${countBans(left.length)}`);
      for (const target of left) this.#ledger.set({ jail: jail.name, target }, undefined);
      await actions.stop(
        jail,
        left.map((target) => unbanOf({ jail: jail.name, target }, time, "manual")),
      );
    }
  }

  /** Stops the timers, so that the process can end. */
  stop(): void {
    this.#ledger.stop();
    this.#cancelEnded?.();
    this.stopWaiting();
  }

  #expire(due: readonly Held[]): void {
    const read = this.#options.clock.now();
    for (const held of due) {
      this.#queue.push({ command: unbanOf(held, read, "expired"), read, isTimer: true });
    }
  }

  /** One batch. */
  async #work(jobs: readonly Job[]): Promise<void> {
    for (const name of new Set(jobs.map(({ command }) => command.jail))) await this.#jails.open(name);
    const touched = new Map<string, Touched>();
    const verdicts = jobs.map((job) => this.#judge(job, touched)).filter((verdict) => verdict !== undefined);
    const failures = await this.#apply(touched);
    for (const [change, error] of failures) this.#undo(change, error);
    for (const verdict of verdicts) this.#settle(verdict, failures);
    if (this.#ledger.ending === 0) this.stopWaiting();
  }

  #adopt(jail: string, bans: ReadonlyMap<string, Until>): void {
    for (const [target, until] of bans) this.#ledger.set({ jail, target }, until);
    if (bans.size === 0) return;
    this.#options.report.line(`NOTICE [${jail}] took over ${countBans(bans.size)} of an earlier run`);
  }

  #judge(job: Job, touched: Map<string, Touched>): Verdict | undefined {
    const { command } = job;
    const held = { jail: command.jail, target: command.ip ?? ` ${command.id}` };
    const served = this.#jails.get(command.jail);
    if (served === undefined) return { job, held, result: "refused", error: `more than ${MAX_JAILS} jails` };
    if (served.problem !== undefined) return { job, held, ...served.problem };
    if (command.cmd === "ban") return this.#judgeBan(job, command, held, served, touched);
    return this.#judgeUnban(job, held, touched);
  }

  #judgeBan(job: Job, ban: Ban, held: Held, served: Served, touched: Map<string, Touched>): Verdict {
    const { clock, maxBans } = this.#options;
    const refusal = this.#refusal(ban) ?? this.#changePorts(ban, served);
    if (refusal !== undefined) return { job, held, result: "refused", error: refusal };
    if (ban.until !== null && ban.until <= clock.now()) {
      this.#countEnded();
      return { job, held, result: "refused", error: `it ended at ${new Date(ban.until).toISOString()}` };
    }
    const known = this.#ledger.get(held);
    if (known === undefined && this.#ledger.size >= maxBans) {
      return { job, held, result: "refused", error: `${maxBans} bans are in force, see --max-bans` };
    }
    this.#endedHere.delete(keyOf(held));
    const shown = shownTarget(held);
    if (known !== undefined && isSameEnd(known, ban.until)) {
      this.#ledger.set(held, ban.until);
      const waiting = touched.get(keyOf(held));
      return {
        job,
        held,
        result: "already",
        notice: `${shown} already banned`,
        ...(waiting && { change: waiting }),
      };
    }
    const change = this.#touch(held, ban.until, touched);
    if (known === undefined) {
      const word = ban.restored ? "Restore Ban" : "Ban";
      return { job, held, change, result: "applied", notice: `${word} ${shown}`, runsActions: true };
    }
    const end = ban.until === null ? "without end" : `until ${new Date(ban.until).toISOString()}`;
    return { job, held, change, result: "already", notice: `${shown} already banned, now ${end}` };
  }

  #judgeUnban(job: Job, held: Held, touched: Map<string, Touched>): Verdict | undefined {
    const { clock } = this.#options;
    const known = this.#ledger.get(held);
    const key = keyOf(held);
    if (job.isTimer) {
      if (typeof known !== "number" || known > clock.now()) return undefined;
      this.#endedHere.add(key);
      if (this.#endedHere.size > this.#options.maxBans) this.#forgetOldestEnded();
    } else if (this.#endedHere.delete(key) && known === undefined) {
      return { job, held, result: "already" };
    }
    const change = this.#touch(held, undefined, touched);
    const shown = shownTarget(held);
    if (known === undefined) {
      return { job, held, change, result: "already", notice: `${shown} is not banned`, runsActions: true };
    }
    return { job, held, change, result: "applied", notice: `Unban ${shown}`, runsActions: true };
  }

  #refusal(ban: Ban): string | undefined {
    if (ban.ip === undefined)
      return (ban.id ?? "").length > MAX_ID ? `its id is longer than ${MAX_ID}` : undefined;
    const network = parseNetwork(ban.ip);
    return network === undefined
      ? "no address"
      : this.#options.policy.refusal(network, this.#options.clock.now());
  }

  #changePorts(ban: Ban, served: Served): string | undefined {
    try {
      const isNew = this.#ledger.of(ban.jail).size === 0;
      this.#jails.changePorts(served, ban, isNew);
      return undefined;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }

  #touch(held: Held, until: Until | undefined, touched: Map<string, Touched>): Touched {
    const key = keyOf(held);
    let touch = touched.get(key);
    if (touch === undefined) {
      touch = { held, before: this.#ledger.get(held) };
      touched.set(key, touch);
    }
    this.#ledger.set(held, until);
    return touch;
  }

  /** Gives the back end what the batch comes to. */
  async #apply(touched: ReadonlyMap<string, Touched>): Promise<ReadonlyMap<Touched, string>> {
    const changes = new Map<Served, Change[]>();
    const touchedBy = new Map<Change, Touched>();
    for (const served of this.#jails.all()) if (served.isChanged) changes.set(served, []);
    for (const touch of touched.values()) {
      const served = this.#jails.get(touch.held.jail);
      if (served === undefined || touch.held.target.startsWith(" ")) continue;
      const change = { ip: touch.held.target, until: this.#ledger.get(touch.held) };
      touchedBy.set(change, touch);
      const list = changes.get(served);
      if (list === undefined) changes.set(served, [change]);
      else list.push(change);
    }
    if (changes.size === 0) return new Map();
    const batches = [...changes].map(([{ jail }, list]) => ({ jail, changes: list }));
    const failures = await this.#options.backend.apply(batches);
    for (const served of changes.keys()) served.isChanged = false;
    return new Map([...failures].map(([change, error]) => [touchedBy.get(change) as Touched, error]));
  }

  /** The kernel is as it was, so the ledger is too. */
  #undo({ held, before }: Touched, error: string): void {
    const wanted = this.#ledger.get(held);
    this.#ledger.set(held, before);
    if (wanted === undefined && typeof before === "number") this.#ledger.retry(held);
    this.#endedHere.delete(keyOf(held));
    this.#options.report.error(`[${held.jail}] ${shownTarget(held)}: ${printable(error)}`);
  }

  #settle(verdict: Verdict, failures: ReadonlyMap<Touched, string>): void {
    const { job, held, change, notice } = verdict;
    const { command, read } = job;
    const failure = change && failures.get(change);
    const error = failure ?? verdict.error;
    const result = failure === undefined ? verdict.result : "failed";
    const { cmd, jail, ip, id } = command as Ban & { cmd: Result["cmd"] };
    const ms = Math.max(0, this.#options.clock.now() - read);
    this.#options.onResult({
      ...{ cmd, jail, ...(ip !== undefined && { ip }), ...(id !== undefined && { id }) },
      ...{ result, ms, ...(error !== undefined && { error }) },
    });
    if (failure !== undefined) return;
    if (verdict.error !== undefined) this.#tellRefused(verdict);
    if (notice !== undefined) this.#options.report.line(`NOTICE [${held.jail}] ${notice}`);
    const served = this.#jails.get(held.jail);
    if (verdict.runsActions && served !== undefined) this.#options.actions.add(command, served.jail);
  }

  #tellRefused({ held, error = "", job }: Verdict): void {
    if (this.#jails.get(held.jail)?.problem !== undefined) return;
    if (job.command.cmd === "ban" && (job.command.until ?? Number.POSITIVE_INFINITY) <= job.read) return;
    const message = `refused [${held.jail}] ${shownTarget(held)}: ${printable(error)}`;
    this.#options.report.warning(message);
  }

  #countEnded(): void {
    this.#ended++;
    this.#cancelEnded ??= this.#options.clock.after(ENDED_TOLD_AFTER, () => this.#tellEnded());
  }

  #tellEnded(): void {
    this.#cancelEnded?.();
    this.#cancelEnded = undefined;
    if (this.#ended === 0) return;
    this.#options.report.warning(
      `${countBans(this.#ended)} not applied: ended already when the command came`,
    );
    this.#ended = 0;
  }

  #forgetOldestEnded(): void {
    for (const key of this.#endedHere) {
      this.#endedHere.delete(key);
      return;
    }
  }
}

function unbanOf({ jail, target }: Held, time: number, reason: "expired" | "manual"): Unban {
  const whom = target.startsWith(" ") ? { id: target.slice(1) } : { ip: target };
  return { cmd: "unban", jail, ...whom, time, reason };
}

function keyOf({ jail, target }: Held): string {
  return `${jail} ${target}`;
}

function shownTarget({ target }: Held): string {
  return printable(target.trimStart());
}

/** Ends less than a second apart are one: the kernel's rules hold whole seconds. */
function isSameEnd(a: Until, b: Until): boolean {
  return a === b || (a !== null && b !== null && Math.ceil(a / 1000) === Math.ceil(b / 1000));
}

function countBans(count: number): string {
  return count === 1 ? "1 ban" : `${count} bans`;
}
