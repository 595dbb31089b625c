import { printable, type Report } from "../../cli/report.ts";
import { type EnforcedDecision, type EnforcedUnban, encode, targetKey } from "../../protocol/command.ts";
import type { EnforcedJail } from "../kernel/backend.ts";
import { describeFailure, type Run } from "../kernel/run-command.ts";
import type { ActionSpec } from "../settings/settings.ts";
import { commandTags, fillTags, jailTags, type TagValues } from "./action-tags.ts";

/** How many actions run at a time. */
const WORKERS = 4;
/** Seconds that a command may take by default before it gets SIGKILL. */
const TIMEOUT = 30;
/** Most restored bans that are remembered, so that `norestored` skips their end, too. */
const MAX_RESTORED = 200_000;
/** Most jobs that wait. */
const MAX_WAITING = 10_000;
/** Most characters of evidence in waiting jobs. */
const MAX_EVIDENCE = 16 * 1024 * 1024;

export interface ActionsOptions {
  readonly actionsOf: (jail: string) => readonly ActionSpec[];
  readonly run: Run;
  readonly report: Report;
  readonly maxWaiting?: number;
}

/**
 * Runs the commands of `-c` in the background, so that they never delay the firewall: a few at a time, those of one address in
 * order. The number that waits is bounded.
 */
export class Actions {
  readonly #options: ActionsOptions;
  readonly #maxWaiting: number;
  /** Jobs by target, in order. A target that has a list is in `#ready` or has a running job. */
  readonly #jobs = new Map<string, (() => Promise<void>)[]>();
  readonly #ready: string[] = [];
  /** The actionstart of each jail, finished or running. */
  readonly #started = new Map<string, Promise<void>>();
  /** Running repairs. */
  readonly #repairs = new Map<ActionSpec, Promise<void>>();
  /** Restored bans of jails that have an action with `norestored`. */
  readonly #restored = new Set<string>();
  #waiting = 0;
  /** Characters of evidence in waiting jobs. */
  #evidence = 0;
  #busy = 0;
  #dropped = 0;
  #idle: (() => void)[] = [];

  constructor(options: ActionsOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  /** How many jobs were dropped because too many were waiting. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Queues actionban or actionunban of all actions of the jail. */
  add(command: EnforcedDecision, jail: EnforcedJail): void {
    const actions = this.#options.actionsOf(jail.name);
    if (actions.length === 0) return;
    const key = targetKey(command);
    const wanted = this.#wantedActions(actions, command, key);
    if (wanted.length === 0) return;
    const kept = this.#boundEvidence(command);
    this.#push(key, async () => {
      await this.#carryOut(kept, jail, wanted);
      this.#evidence -= evidenceOf(kept);
    });
  }

  /** Stops the actions of a jail that is removed: actionflush, or actionunban for each remaining ban, then actionstop. */
  async stop(jail: EnforcedJail, left: readonly EnforcedUnban[]): Promise<void> {
    await this.idle();
    const tags = jailTags(jail);
    for (const action of this.#options.actionsOf(jail.name)) {
      if (action.actionflush) await this.#run(jail, action, "flush", action.actionflush, tags, "");
      else {
        for (const unban of left) {
          const values = commandTags(unban, jail);
          await this.#run(jail, action, "unban", action.actionunban, values, encode(unban));
        }
      }
      await this.#run(jail, action, "stop", action.actionstop, tags, "");
    }
    this.#started.delete(jail.name);
  }

  /** Resolves when no job waits or runs. */
  async idle(): Promise<void> {
    if (this.#waiting + this.#busy === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Drops the waiting jobs; running ones may finish. Returns how many were dropped. */
  abandon(): number {
    const count = this.#waiting;
    for (const jobs of this.#jobs.values()) jobs.length = 0;
    this.#jobs.clear();
    this.#ready.length = 0;
    this.#waiting = 0;
    this.#work();
    return count;
  }

  /** Waiting evidence has a bound of its own, beyond which commands wait without evidence. */
  #boundEvidence(command: EnforcedDecision): EnforcedDecision {
    const size = evidenceOf(command);
    if (this.#evidence + size <= MAX_EVIDENCE) {
      this.#evidence += size;
      return command;
    }
    this.#options.report.rareWarning(
      "evidence overflow",
      "too much evidence waits for actions: some run without matches",
    );
    return withoutEvidence(command);
  }

  /** The actions that run for this command. */
  #wantedActions(
    actions: readonly ActionSpec[],
    command: EnforcedDecision,
    key: string,
  ): readonly ActionSpec[] {
    if (!actions.some(({ norestored }) => norestored)) return actions;
    const isRestored = command.cmd === "ban" ? command.restored === true : this.#restored.has(key);
    if (command.cmd !== "ban" || !isRestored) this.#restored.delete(key);
    else if (this.#restored.size < MAX_RESTORED) this.#restored.add(key);
    return isRestored ? actions.filter(({ norestored }) => !norestored) : actions;
  }

  async #carryOut(
    command: EnforcedDecision,
    jail: EnforcedJail,
    actions: readonly ActionSpec[],
  ): Promise<void> {
    const isBan = command.cmd === "ban";
    if (isBan) await this.#start(jail);
    const tags = commandTags(command, jail);
    for (const action of actions) {
      if (isBan) await this.#check(jail, action);
      if (isBan) await this.#run(jail, action, "ban", action.actionban, tags, encode(command));
      else await this.#run(jail, action, "unban", action.actionunban, tags, encode(command));
    }
  }

  /** Runs actioncheck, and starts the action again if it fails. Checks that fail meanwhile wait for the same repair. */
  async #check(jail: EnforcedJail, action: ActionSpec): Promise<void> {
    if (action.actioncheck === undefined || (await this.#passesCheck(jail, action))) return;
    let repair = this.#repairs.get(action);
    if (repair === undefined) {
      repair = this.#repair(jail, action).finally(() => this.#repairs.delete(action));
      this.#repairs.set(action, repair);
    }
    await repair;
  }

  async #passesCheck(jail: EnforcedJail, action: ActionSpec): Promise<boolean> {
    const { actioncheck = [], timeout = TIMEOUT } = action;
    const argv = fillTags(actioncheck, jailTags(jail)) ?? [];
    const options = { input: "", timeout: timeout * 1000, maxStdout: 0 };
    return (await this.#options.run(argv, options)).status === 0;
  }

  async #repair(jail: EnforcedJail, action: ActionSpec): Promise<void> {
    const name = printable(action.name ?? action.actioncheck?.[0] ?? "");
    this.#options.report.warning(`[${jail.name}] actioncheck of ${name} failed: restarting the action`);
    await this.#run(jail, action, "stop", action.actionstop, jailTags(jail), "");
    await this.#run(jail, action, "start", action.actionstart, jailTags(jail), "");
  }

  #push(key: string, job: () => Promise<void>): void {
    if (this.#waiting >= this.#maxWaiting) {
      this.#dropped++;
      const message = `more than ${this.#maxWaiting} commands wait for their actions: dropped the actions of a command`;
      this.#options.report.rareWarning("actions overflow", message);
      return;
    }
    this.#waiting++;
    const jobs = this.#jobs.get(key);
    if (jobs !== undefined) jobs.push(job);
    else {
      this.#jobs.set(key, [job]);
      this.#ready.push(key);
      this.#work();
    }
  }

  #work(): void {
    while (this.#busy < WORKERS) {
      const key = this.#ready.shift();
      const jobs = key === undefined ? undefined : this.#jobs.get(key);
      const job = jobs?.shift();
      if (key === undefined || jobs === undefined || job === undefined) break;
      this.#waiting--;
      this.#busy++;
      void job().finally(() => {
        this.#busy--;
        if (jobs.length > 0) this.#ready.push(key);
        else if (this.#jobs.get(key) === jobs) this.#jobs.delete(key);
        this.#work();
      });
    }
    if (this.#waiting + this.#busy > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #start(jail: EnforcedJail): Promise<void> {
    let started = this.#started.get(jail.name);
    if (started === undefined) {
      started = this.#runStarts(jail);
      this.#started.set(jail.name, started);
    }
    return started;
  }

  async #runStarts(jail: EnforcedJail): Promise<void> {
    for (const action of this.#options.actionsOf(jail.name)) {
      await this.#run(jail, action, "start", action.actionstart, jailTags(jail), "");
    }
  }

  /** Never rejects: failures are reported. */
  async #run(
    jail: EnforcedJail,
    action: ActionSpec,
    event: "start" | "ban" | "unban" | "flush" | "stop",
    argv: readonly string[] | undefined,
    tags: TagValues,
    input: string,
  ): Promise<void> {
    if (argv === undefined) return;
    const name = `[${jail.name}] action${event} of ${printable(action.name ?? argv[0] ?? "")}`;
    try {
      const filled = fillTags(argv, tags);
      if (filled === undefined) {
        this.#options.report.rareWarning("no address", `${name}: not run, since an id has no <ip>`);
        return;
      }
      const ran = await this.#options.run(filled, {
        input,
        timeout: (action.timeout ?? TIMEOUT) * 1000,
        maxStdout: 0,
      });
      if (ran.status !== 0) this.#options.report.error(`${name}: ${printable(describeFailure(ran))}`);
    } catch (error) {
      this.#options.report.error(`${name}: ${printable((error as Error).message)}`);
    }
  }
}

/** The number of characters of evidence in a command. */
export function evidenceOf(command: EnforcedDecision): number {
  const matches = command.cmd === "ban" ? (command.matches ?? []) : [];
  return matches.reduce((sum, line) => sum + line.length, 0);
}

function withoutEvidence(command: EnforcedDecision): EnforcedDecision {
  if (command.cmd === "unban") return command;
  const { matches: _, ...rest } = command;
  return rest;
}
