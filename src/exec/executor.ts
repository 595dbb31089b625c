import { printable, type Report } from "../cli/report.ts";
import type { Ban, Command } from "../command.ts";
import { type Actions, evidenceOf } from "./actions.ts";
import type { Backend, Change, Until } from "./backend/backend.ts";
import type { Clock } from "./clock.ts";
import { Jails, type Served } from "./jails.ts";
import { type Job, Judge, shownTarget, type Touched } from "./judge.ts";
import { type Held, isId, Ledger, unbanOf } from "./ledger.ts";
import type { JailLock } from "./lock.ts";
import type { Policy } from "./policy.ts";
import { BatchQueue } from "./queue.ts";
import type { Result } from "./results.ts";
import type { JailSettings } from "./settings.ts";
import { countBans, Teller } from "./teller.ts";

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
const MAX_WAITING = 50_000;
const EVIDENCE_WEIGHT = 256;

/**
 * Carries out commands: has them judged in their order, gives the back end what came together as one batch, ends bans
 * when their time has come.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #ledger: Ledger;
  readonly #queue: BatchQueue<Job>;
  readonly #jails: Jails;
  readonly #judge: Judge;
  readonly #teller: Teller;
  #waiters: (() => void)[] = [];

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.clock, (due) => this.#expire(due));
    const onAdopted = (jail: string, bans: ReadonlyMap<string, Until>) => this.#adopt(jail, bans);
    this.#jails = new Jails({ ...options, onAdopted });
    this.#judge = new Judge(options, this.#ledger, this.#jails);
    this.#teller = new Teller(options);
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
    this.#teller.flush();
  }

  /** Ends when no ban with an end is left, or at `stopWaiting`. Nothing may be waiting to be carried out. */
  async allEnded(): Promise<void> {
    if (this.#ledger.ending > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  stopWaiting(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Takes the jails that were served away, with all that is left in them. */
  async flush(): Promise<void> {
    await this.idle();
    const served = this.#jails.all();
    await this.#options.backend.flush(served.map(({ jail }) => jail.name));
    for (const each of served) await this.#forget(each);
  }

  /** Stops the timers, so that the process can end. */
  stop(): void {
    this.#ledger.stop();
    this.#teller.flush();
    this.stopWaiting();
  }

  async #forget({ jail }: Served): Promise<void> {
    const { clock, report, actions } = this.#options;
    const left = [...this.#ledger.of(jail.name).keys()].map((target) => ({ jail: jail.name, target }));
    for (const held of left) this.#ledger.set(held, undefined);
    report.line(`NOTICE [${jail.name}] Flush ${countBans(left.length)}`);
    const unbans = left.map((held) => unbanOf(held, clock.now(), "manual"));
    await actions.stop(jail, unbans);
  }

  #expire(due: readonly Held[]): void {
    const read = this.#options.clock.now();
    for (const held of due) {
      this.#queue.push({ command: unbanOf(held, read, "expired"), read, isTimer: true });
    }
  }

  #adopt(jail: string, bans: ReadonlyMap<string, Until>): void {
    for (const [target, until] of bans) this.#ledger.set({ jail, target }, until);
    if (bans.size === 0) return;
    this.#options.report.line(`NOTICE [${jail}] took over ${countBans(bans.size)} of an earlier run`);
  }

  /** One batch. */
  async #work(jobs: readonly Job[]): Promise<void> {
    const { report, actions } = this.#options;
    for (const name of new Set(jobs.map(({ command }) => command.jail))) await this.#jails.open(name);
    const touched = this.#judge.begin();
    const verdicts = jobs.map((job) => this.#judge.judge(job)).filter((verdict) => verdict !== undefined);
    const failures = await this.#apply([...touched.values()]);
    for (const [touch, error] of failures) {
      this.#judge.undo(touch);
      report.error(`[${touch.held.jail}] ${shownTarget(touch.held)}: ${printable(error)}`);
    }
    for (const verdict of verdicts) {
      const failure = verdict.touched && failures.get(verdict.touched);
      this.#teller.tell(verdict, failure);
      const served = this.#jails.get(verdict.held.jail);
      if (verdict.runsActions && failure === undefined && served)
        actions.add(verdict.job.command, served.jail);
    }
    if (this.#ledger.ending === 0) this.stopWaiting();
  }

  /** Gives the back end what the batch comes to. Returns what it could not do, and why. */
  async #apply(touched: readonly Touched[]): Promise<ReadonlyMap<Touched, string>> {
    const batches = new Map<Served, Change[]>();
    for (const served of this.#jails.all()) if (served.isChanged) batches.set(served, []);
    const touchedBy = new Map<Change, Touched>();
    for (const touch of touched) {
      const served = this.#jails.get(touch.held.jail);
      if (served === undefined || isId(touch.held)) continue;
      const change = { ip: touch.held.target, until: this.#ledger.get(touch.held) };
      touchedBy.set(change, touch);
      const changes = batches.get(served);
      if (changes === undefined) batches.set(served, [change]);
      else changes.push(change);
    }
    if (batches.size === 0) return new Map();
    const failures = await this.#options.backend.apply(
      [...batches].map(([{ jail }, changes]) => ({ jail, changes })),
    );
    for (const served of batches.keys()) served.isChanged = false;
    return new Map([...failures].map(([change, error]) => [touchedBy.get(change) as Touched, error]));
  }
}
