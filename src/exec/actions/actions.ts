import { printable, type Report } from "../../cli/report.ts";
import { type EnforcedDecision, type EnforcedUnban, encode, targetKey } from "../../protocol/command.ts";
import type { EnforcedJail } from "../kernel/backend.ts";
import { describeFailure, type Run } from "../kernel/run-command.ts";
import type { ActionSpec } from "../settings/settings.ts";
import { commandTags, fillTags, jailTags, type TagValues } from "./action-tags.ts";

/** Actions at a time. */
const WORKERS = 4;
/** Seconds that one command may take unless the action says otherwise; then SIGKILL. */
const TIMEOUT = 30;
/** Restored bans remembered, so that their end is not acted upon where their beginning was not. */
const MAX_RESTORED = 200_000;
/** Jobs that may wait. */
const MAX_WAITING = 10_000;
/** Characters of evidence in them. */
const MAX_EVIDENCE = 16 * 1024 * 1024;

export interface ActionsOptions {
  readonly actionsOf: (jail: string) => readonly ActionSpec[];
  readonly run: Run;
  readonly report: Report;
  readonly maxWaiting?: number;
}

/**
 * Runs the commands of `-c`, beside the firewall and never in its way: a few at a time, those of one address in their
 * order, a bounded number waiting.
 */
export class Actions {
  readonly #options: ActionsOptions;
  readonly #maxWaiting: number;
  /** Jobs by address, each list in order. An address that has a list is in `#ready` or being worked on. */
  readonly #jobs = new Map<string, (() => Promise<void>)[]>();
  readonly #ready: string[] = [];
  /** The actionstart of jails: done, or being done. */
  readonly #started = new Map<string, Promise<void>>();
  /** Repairs under way. */
  readonly #repairs = new Map<ActionSpec, Promise<void>>();
  /** Bans that were restored, while an action of their jail says `norestored`. */
  readonly #restored = new Set<string>();
  #waiting = 0;
  /** Characters of evidence in commands that wait. */
  #evidence = 0;
  #busy = 0;
  #dropped = 0;
  #idle: (() => void)[] = [];

  constructor(options: ActionsOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  /** How many jobs were dropped because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** actionban or actionunban of all the jail's actions. */
  add(command: EnforcedDecision, jail: EnforcedJail): void {
    const actions = this.#options.actionsOf(jail.name);
    if (actions.length === 0) return;
    const key = targetKey(command);
    const wanted = this.#withoutRestored(actions, command, key);
    if (wanted.length === 0) return;
    const kept = this.#withoutTooMuch(command);
    this.#push(key, async () => {
      await this.#carryOut(kept, jail, wanted);
      this.#evidence -= evidenceOf(kept);
    });
  }

  /** The jail is taken away with the bans that are left: actionflush or actionunban for each, then actionstop. */
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

  /** Ends when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    if (this.#waiting + this.#busy === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Forgets what waits; what runs may end. Returns how many were forgotten. */
  abandon(): number {
    const count = this.#waiting;
    for (const jobs of this.#jobs.values()) jobs.length = 0;
    this.#jobs.clear();
    this.#ready.length = 0;
    this.#waiting = 0;
    this.#work();
    return count;
  }

  /** Evidence that waits has a bound of its own: beyond it commands wait without theirs. */
  #withoutTooMuch(command: EnforcedDecision): EnforcedDecision {
    const size = evidenceOf(command);
    if (this.#evidence + size <= MAX_EVIDENCE) {
      this.#evidence += size;
      return command;
    }
    this.#options.report.rareWarning("evidence overflow", "many actions wait: some are run without matches");
    return withoutEvidence(command);
  }

  /** The actions that have a say in this command. */
  #withoutRestored(
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

  /** What actionstart made may be gone: it is made again, once for all who find that at a time. */
  async #check(jail: EnforcedJail, action: ActionSpec): Promise<void> {
    if (action.actioncheck === undefined || (await this.#isFine(jail, action))) return;
    let repair = this.#repairs.get(action);
    if (repair === undefined) {
      repair = this.#repair(jail, action).finally(() => this.#repairs.delete(action));
      this.#repairs.set(action, repair);
    }
    await repair;
  }

  async #isFine(jail: EnforcedJail, action: ActionSpec): Promise<boolean> {
    const { actioncheck = [], timeout = TIMEOUT } = action;
    const argv = fillTags(actioncheck, jailTags(jail)) ?? [];
    const options = { input: "", timeout: timeout * 1000, maxStdout: 0 };
    return (await this.#options.run(argv, options)).status === 0;
  }

  async #repair(jail: EnforcedJail, action: ActionSpec): Promise<void> {
    const name = printable(action.name ?? action.actioncheck?.[0] ?? "");
    this.#options.report.warning(`[${jail.name}] actioncheck of ${name} failed: starting the action again`);
    await this.#run(jail, action, "stop", action.actionstop, jailTags(jail), "");
    await this.#run(jail, action, "start", action.actionstart, jailTags(jail), "");
  }

  #push(key: string, job: () => Promise<void>): void {
    if (this.#waiting >= this.#maxWaiting) {
      this.#dropped++;
      const message = `more than ${this.#maxWaiting} actions wait: dropped the actions of a command`;
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

  /** Never rejects: a failure is told. */
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
        this.#options.report.rareWarning(
          "no address",
          `${name}: not run, the command has no address for <ip>`,
        );
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

/** Characters of a command's evidence. */
export function evidenceOf(command: EnforcedDecision): number {
  const matches = command.cmd === "ban" ? (command.matches ?? []) : [];
  return matches.reduce((sum, line) => sum + line.length, 0);
}

function withoutEvidence(command: EnforcedDecision): EnforcedDecision {
  if (command.cmd === "unban") return command;
  const { matches: _, ...rest } = command;
  return rest;
}
