import { printable, type Report } from "../../cli/report.ts";
import type { Command } from "../../protocol/command.ts";
import type { Result } from "../../protocol/result.ts";
import { parseNetwork } from "../../shared/address.ts";
import type { Clock } from "../../shared/clock.ts";
import { type Actions, evidenceOf } from "../actions/actions.ts";
import { DesiredBans, type Held, isId, unbanOf } from "../decide/desired-bans.ts";
import { type AdoptedBans, Jails, type ServedJail } from "../decide/jails.ts";
import { type Job, Planner, shownTarget, type TouchedBan } from "../decide/planner.ts";
import type { Policy } from "../decide/policy.ts";
import type { Backend, Change } from "../kernel/backend.ts";
import type { JailLock } from "../kernel/lock.ts";
import { countBans, Reporter } from "../report/reporter.ts";
import type { EnforcementSettings } from "../settings/settings.ts";
import { BatchQueue } from "./queue.ts";
import { Reconciler } from "./reconciler.ts";
import { type KernelCheck, Watch } from "./watch.ts";

export interface ExecutorOptions {
  readonly backend: Backend;
  /** Other back ends that hold what earlier runs left. */
  readonly others?: readonly Backend[];
  readonly clock: Clock;
  readonly policy: Policy;
  readonly lock: JailLock;
  readonly actions: Actions;
  readonly settingsOf: (jail: string) => Required<EnforcementSettings>;
  readonly maxBans: number;
  readonly report: Report;
  readonly onResult?: ((result: Result) => void) | undefined;
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
  readonly #ledger: DesiredBans;
  readonly #queue: BatchQueue<Job | KernelCheck>;
  readonly #jails: Jails;
  readonly #judge: Planner;
  readonly #teller: Reporter;
  readonly #healer: Reconciler;
  readonly #watch: Watch;
  /** Bans that other back ends hold, of jails opened in this batch. */
  #foreign: Held[] = [];
  #waiters: (() => void)[] = [];

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#ledger = new DesiredBans(options.clock, (due) => this.#expire(due));
    const onAdopted = (jail: string, adopted: AdoptedBans) => this.#adopt(jail, adopted);
    this.#jails = new Jails({ ...options, others: options.others ?? [], onAdopted });
    this.#judge = new Planner(options, this.#ledger, this.#jails);
    this.#teller = new Reporter(options);
    this.#healer = new Reconciler({ ...options, ledger: this.#ledger, jails: this.#jails });
    this.#watch = new Watch(options.clock, (look) => this.#queue.push(look));
    this.#queue = new BatchQueue((items) => this.#work(items), MAX_WAITING);
  }

  /** How many live bans have an end. */
  get ending(): number {
    return this.#ledger.ending;
  }

  /** Takes one command; it is carried out soon. */
  accept(command: Command): void {
    const read = this.#options.clock.now();
    if (command.cmd === "sync") this.#queue.push({ command, read });
    if (command.cmd !== "ban" && command.cmd !== "unban") return;
    const weight = 1 + Math.floor(evidenceOf(command) / EVIDENCE_WEIGHT);
    this.#queue.push({ command: command, read }, weight);
  }

  /** From now on looks every second whether the kernel still has what it was given. */
  watch(): void {
    this.#watch.start();
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
    this.#watch.stop();
    await this.idle();
    const served = this.#jails.all();
    await this.#options.backend.flush(served.map(({ jail }) => jail.name));
    for (const each of served) await this.#forget(each);
  }

  /** Stops the timers, so that the process can end. */
  stop(): void {
    this.#watch.stop();
    this.#ledger.stop();
    this.#teller.flush();
    this.stopWaiting();
  }

  async #forget({ jail }: ServedJail): Promise<void> {
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

  #adopt(jail: string, { bans, foreign }: AdoptedBans): void {
    const { clock, policy, report } = this.#options;
    const read = clock.now();
    for (const [target, until] of bans) {
      this.#judge.adopt({ jail, target }, until);
      if (foreign.has(target)) this.#foreign.push({ jail, target });
      const network = parseNetwork(target);
      if (network === undefined || policy.refusal(network, read) === undefined) continue;
      this.#queue.push({ command: unbanOf({ jail, target }, read, "ignored"), read });
    }
    if (bans.size > 0) report.line(`NOTICE [${jail}] took over ${countBans(bans.size)} of an earlier run`);
  }

  /** One batch. */
  async #work(items: readonly (Job | KernelCheck)[]): Promise<void> {
    const jobs = items.filter((item) => "command" in item);
    if (jobs.length > 0) await this.#carryOut(jobs);
    for (const look of items) {
      if ("command" in look) continue;
      await this.#healer.look(look.kind);
      this.#watch.looked();
    }
    if (this.#ledger.ending === 0) this.stopWaiting();
  }

  async #carryOut(jobs: readonly Job[]): Promise<void> {
    const { report, actions } = this.#options;
    for (const name of new Set(jobs.flatMap(jailsOf))) await this.#jails.open(name);
    const touched = this.#judge.begin();
    for (const held of this.#foreign.splice(0)) this.#judge.takeOver(held);
    const verdicts = jobs.flatMap((job) => this.#judge.judge(job));
    const failures = await this.#apply(touched);
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
    this.#teller.tellNotices();
    await this.#leaveOthers(new Set([...failures.keys()].map(({ held }) => held.jail)));
  }

  /** Takes away what other back ends hold of jails whose bans ours has now. Where something failed it stays. */
  async #leaveOthers(failed: ReadonlySet<string>): Promise<void> {
    for (const served of this.#jails.all()) {
      const isWhole = !served.isChanged && !failed.has(served.jail.name);
      try {
        for (const other of isWhole ? served.leftTo : []) await other.flush([served.jail.name]);
      } catch (error) {
        this.#options.report.error(`[${served.jail.name}] ${printable((error as Error).message)}`);
      }
      served.leftTo = [];
    }
  }

  /** Gives the back end what the batch comes to. Returns what it could not do, and why. */
  async #apply(touched: readonly TouchedBan[]): Promise<ReadonlyMap<TouchedBan, string>> {
    const batches = new Map<ServedJail, Change[]>();
    for (const served of this.#jails.all()) if (served.isChanged) batches.set(served, []);
    const touchedBy = new Map<Change, TouchedBan>();
    for (const touch of touched) {
      const served = this.#jails.get(touch.held.jail);
      const until = this.#ledger.get(touch.held);
      if (served === undefined || isId(touch.held) || (touch.isPassing && until === undefined)) continue;
      const change = { ip: touch.held.target, until, before: touch.before };
      touchedBy.set(change, touch);
      const changes = batches.get(served);
      if (changes === undefined) batches.set(served, [change]);
      else changes.push(change);
    }
    if (batches.size === 0) return new Map();
    const failures = await this.#options.backend.apply(
      [...batches].map(([{ jail }, changes]) => ({ jail, changes })),
    );
    for (const served of batches.keys()) {
      const problem = failures.get(served.jail);
      served.isChanged = problem !== undefined;
      if (problem !== undefined) {
        this.#options.report.rareWarning("rules", `[${served.jail.name}] rules: ${printable(problem)}`);
      }
    }
    return new Map(
      [...failures].flatMap(([what, error]) => {
        const touch = touchedBy.get(what as Change);
        return touch === undefined ? [] : [[touch, error] as const];
      }),
    );
  }
}

/** Jails that a command names. */
function jailsOf({ command }: Job): readonly string[] {
  return command.cmd === "sync" ? (command.jails ?? []) : [command.jail];
}
