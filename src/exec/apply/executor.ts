import { printable, type Report } from "../../cli/report.ts";
import type { Command, Target } from "../../protocol/command.ts";
import type { Result } from "../../protocol/result.ts";
import { parseNetwork } from "../../shared/address.ts";
import type { Clock } from "../../shared/clock.ts";
import { type Actions, evidenceOf } from "../actions/actions.ts";
import { DesiredBans, unbanOf } from "../decide/desired-bans.ts";
import { type AdoptedBans, Jails, type ServedJail } from "../decide/jails.ts";
import { type ChangedBan, type CommandOutcome, type Job, shownTarget } from "../decide/outcome.ts";
import { Planner } from "../decide/planner.ts";
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

/** How many commands may wait; one with evidence counts once more for each 256 characters of it. */
const MAX_WAITING = 50_000;
const EVIDENCE_WEIGHT = 256;

/**
 * Carries out commands: plans them in their order, gives what came together to the back end as one batch, and ends bans when
 * their time has come.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #desired: DesiredBans;
  readonly #queue: BatchQueue<Job | KernelCheck>;
  readonly #jails: Jails;
  readonly #planner: Planner;
  readonly #reporter: Reporter;
  readonly #reconciler: Reconciler;
  readonly #watch: Watch;
  /** Bans that other back ends hold, of jails opened in this batch. */
  #foreign: Target[] = [];
  #waiters: (() => void)[] = [];

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#desired = new DesiredBans(options.clock, (due) => this.#expire(due));
    const onAdopted = (jail: string, adopted: AdoptedBans) => this.#adopt(jail, adopted);
    this.#jails = new Jails({ ...options, others: options.others ?? [], onAdopted });
    this.#planner = new Planner(options, this.#desired, this.#jails);
    this.#reporter = new Reporter(options);
    this.#reconciler = new Reconciler({ ...options, desired: this.#desired, jails: this.#jails });
    this.#watch = new Watch(options.clock, (check) => this.#queue.push(check));
    this.#queue = new BatchQueue((items) => this.#work(items), MAX_WAITING);
  }

  /** How many bans have an end. */
  get ending(): number {
    return this.#desired.ending;
  }

  /** Takes one command, to be carried out soon. */
  accept(command: Command): void {
    const read = this.#options.clock.now();
    if (command.cmd === "sync") this.#queue.push({ command, read });
    if (command.cmd !== "ban" && command.cmd !== "unban") return;
    const weight = 1 + Math.floor(evidenceOf(command) / EVIDENCE_WEIGHT);
    this.#queue.push({ command, read }, weight);
  }

  /** From now on checks every second whether the kernel still has what it was given. */
  watch(): void {
    this.#watch.start();
  }

  /** Resolves when more commands can be taken. */
  room(): Promise<void> {
    return this.#queue.room();
  }

  /** Resolves when all commands are carried out; their actions may still run. */
  async idle(): Promise<void> {
    await this.#queue.idle();
    this.#reporter.flush();
  }

  /** Resolves when no ban with an end is left, or at `stopWaiting`. No command may be waiting. */
  async allEnded(): Promise<void> {
    if (this.#desired.ending > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  stopWaiting(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Removes the jails that this process serves, with all their bans. */
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
    this.#desired.stop();
    this.#reporter.flush();
    this.stopWaiting();
  }

  async #forget({ jail }: ServedJail): Promise<void> {
    const { clock, report, actions } = this.#options;
    const left = [...this.#desired.targetsOf(jail.name)];
    for (const target of left) this.#desired.set(target, undefined);
    report.line(`NOTICE [${jail.name}] Flush ${countBans(left.length)}`);
    await actions.stop(
      jail,
      left.map((target) => unbanOf(target, clock.now(), "manual")),
    );
  }

  #expire(due: readonly Target[]): void {
    const read = this.#options.clock.now();
    for (const target of due) {
      this.#queue.push({ command: unbanOf(target, read, "expired"), read, isTimer: true });
    }
  }

  #adopt(jail: string, { bans, foreign }: AdoptedBans): void {
    const { clock, policy, report } = this.#options;
    const read = clock.now();
    for (const [ip, until] of bans) {
      const target = { jail, ip };
      this.#planner.adopt(target, until);
      if (foreign.has(ip)) this.#foreign.push(target);
      const network = parseNetwork(ip);
      if (network === undefined || policy.refusal(network, read) === undefined) continue;
      this.#queue.push({ command: unbanOf(target, read, "ignored"), read });
    }
    if (bans.size > 0) report.line(`NOTICE [${jail}] took over ${countBans(bans.size)} of an earlier run`);
  }

  /** One batch. */
  async #work(items: readonly (Job | KernelCheck)[]): Promise<void> {
    const jobs = items.filter((item) => "command" in item);
    if (jobs.length > 0) await this.#carryOut(jobs);
    for (const check of items) {
      if ("command" in check) continue;
      await this.#reconciler.reconcile(check.kind);
      this.#watch.checked();
    }
    if (this.#desired.ending === 0) this.stopWaiting();
  }

  async #carryOut(jobs: readonly Job[]): Promise<void> {
    for (const name of new Set(jobs.flatMap(jailsOf))) await this.#jails.open(name);
    const changes = this.#planner.begin();
    for (const target of this.#foreign.splice(0)) this.#planner.takeOver(target);
    const outcomes = jobs.flatMap((job) => this.#planner.plan(job));
    const failures = await this.#apply(changes);
    for (const [change, error] of failures) {
      const { target } = change;
      this.#planner.undo(change);
      this.#options.report.error(`[${target.jail}] ${shownTarget(target)}: ${printable(error)}`);
    }
    for (const outcome of outcomes) this.#settle(outcome, outcome.change && failures.get(outcome.change));
    this.#reporter.writeNotices();
    await this.#leaveOthers(new Set([...failures.keys()].map(({ target }) => target.jail)));
  }

  /** Reports an outcome and queues its actions. `failure`: why the back end did not make its change. */
  #settle(outcome: CommandOutcome, failure: string | undefined): void {
    this.#reporter.report(outcome, failure);
    const served = this.#jails.get(outcome.target.jail);
    if (outcome.runsActions && failure === undefined && served)
      this.#options.actions.add(outcome.job.command, served.jail);
  }

  /** Removes from other back ends the jails whose bans ours has now. Where something failed they stay. */
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

  /** Has the back end make the changes of a batch. Returns those that it could not make, and why. */
  async #apply(changed: readonly ChangedBan[]): Promise<ReadonlyMap<ChangedBan, string>> {
    const batches = new Map<ServedJail, Change[]>();
    for (const served of this.#jails.all()) if (served.isChanged) batches.set(served, []);
    const changedBy = new Map<Change, ChangedBan>();
    for (const each of changed) {
      const served = this.#jails.get(each.target.jail);
      const change = this.#changeOf(each);
      if (served === undefined || change === undefined) continue;
      changedBy.set(change, each);
      const changes = batches.get(served);
      if (changes === undefined) batches.set(served, [change]);
      else changes.push(change);
    }
    if (batches.size === 0) return new Map();
    const failures = await this.#options.backend.apply(
      [...batches].map(([{ jail }, changes]) => ({ jail, changes })),
    );
    for (const served of batches.keys()) this.#noteRules(served, failures.get(served.jail));
    return new Map(
      [...failures].flatMap(([what, error]) => {
        const each = changedBy.get(what as Change);
        return each === undefined ? [] : [[each, error] as const];
      }),
    );
  }

  /** What the kernel has to change for a ban; undefined: nothing, since it is of an id, or came and went in this batch. */
  #changeOf({ target, before, isPassing }: ChangedBan): Change | undefined {
    const until = this.#desired.get(target);
    if (target.ip === undefined || (isPassing && until === undefined)) return undefined;
    return { ip: target.ip, until, before };
  }

  /** Notes whether a jail's rules are in the kernel; `problem`: why they are not. */
  #noteRules(served: ServedJail, problem: string | undefined): void {
    served.isChanged = problem !== undefined;
    if (problem === undefined) return;
    this.#options.report.rareWarning("rules", `[${served.jail.name}] rules: ${printable(problem)}`);
  }
}

/** Jails that a command names. */
function jailsOf({ command }: Job): readonly string[] {
  return command.cmd === "sync" ? (command.jails ?? []) : [command.jail];
}
