import { type EnforcedBan, type Target, targetKey, targetOf } from "../../protocol/command.ts";
import { RANK, type Rank, rankOf, yieldingTo } from "../../protocol/rank.ts";
import { parseNetwork } from "../../shared/address.ts";
import type { Clock } from "../../shared/clock.ts";
import { MAX_ID_LENGTH } from "../../shared/limits.ts";
import { LruMap } from "../../shared/lru-map.ts";
import type { Until } from "../kernel/backend.ts";
import { BatchChanges } from "./batch-changes.ts";
import { type DesiredBans, unbanOf } from "./desired-bans.ts";
import { type Jails, MAX_JAILS, type ServedJail } from "./jails.ts";
import { type ChangedBan, type CommandOutcome, type Job, shownTarget, type TargetJob } from "./outcome.ts";
import type { Policy } from "./policy.ts";
import { OpenSync } from "./sync.ts";
import { TargetMap } from "./target-map.ts";

/** Milliseconds by which an end that was read from the kernel as time left may be wrong: lists of 100,000 bans take long. */
export const KERNEL_TOLERANCE = 10_000;

export interface PlannerOptions {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly maxBans: number;
}

/** What a ban comes to. Its job and target are the caller's to add. */
type BanOutcome = Omit<CommandOutcome, "job" | "target">;

/** Decides what each command of a batch comes to, in order, and changes the desired bans accordingly. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #desired: DesiredBans;
  readonly #jails: Jails;
  /**
   * Bans that we ended, by a timer or to make room: an unban of f2b-stream for one of them is redundant. Holds at least
   * the last `maxBans` of them.
   */
  readonly #endedHere: LruMap<string, true>;
  /** Bans of an earlier run that have an end and that no command has named since. */
  readonly #adopted = new TargetMap<true>();
  readonly #sync: OpenSync;
  #changes = new BatchChanges();
  /** Ends of bans that made room for the ban that is being planned. */
  #evicted: CommandOutcome[] = [];

  constructor(options: PlannerOptions, desired: DesiredBans, jails: Jails) {
    this.#options = options;
    this.#desired = desired;
    this.#jails = jails;
    this.#sync = new OpenSync(desired);
    this.#endedHere = new LruMap(2 * options.maxBans);
  }

  /** Begins a batch. The list gets the bans that its commands change. */
  begin(): readonly ChangedBan[] {
    this.#changes = new BatchChanges();
    return this.#changes.all;
  }

  /** What a command comes to: no or one outcome, more where it makes room or ends a sync. */
  plan(job: Job): readonly CommandOutcome[] {
    const { command } = job;
    if (command.cmd !== "sync") {
      const outcome = this.#planOne({ ...job, command });
      return [...this.#evicted.splice(0), outcome ?? []].flat();
    }
    if (command.phase === "begin") {
      this.#sync.begin((command.jails ?? []).filter((name) => this.#isServed(name)));
      return [];
    }
    return this.#sync.end().flatMap((target) => {
      const unban = unbanOf(target, this.#options.clock.now(), "reload");
      return this.#planOne({ ...job, command: unban }) ?? [];
    });
  }

  /** Takes over a ban of an earlier run, with its end as read from the kernel. */
  adopt(target: Target, until: Until): void {
    this.#desired.set(target, until, rankHere({ cmd: "ban", jail: target.jail, until }));
    if (until !== null) this.#adopted.set(target, true);
  }

  /** Gives a ban that an earlier run left in another back end to ours. */
  takeOver(target: Target): void {
    this.#changes.add({ target, before: undefined });
  }

  /** Undoes a change that the back end could not make, so that the next command about the ban is not a repetition. */
  undo({ target, before }: ChangedBan): void {
    if (before === undefined) this.#desired.set(target, undefined);
    else this.#desired.restore(target, before);
    this.#endedHere.delete(targetKey(target));
  }

  #planOne(job: TargetJob): CommandOutcome | undefined {
    const { command } = job;
    const target = targetOf(command);
    const served = this.#jails.get(command.jail);
    if (served === undefined) return { job, target, ...refused(`more than ${MAX_JAILS} jails`) };
    if (served.problem !== undefined) return { job, target, ...served.problem, group: "jail" };
    if (command.cmd === "unban") return this.#planUnban(job, target);
    const outcome = { job, target, ...this.#planBan(job, command, target, served) };
    if (outcome.result !== "refused") this.#sync.name(target);
    return outcome;
  }

  #isServed(jail: string): boolean {
    const served = this.#jails.get(jail);
    return served !== undefined && served.problem === undefined;
  }

  #planBan(job: TargetJob, ban: EnforcedBan, target: Target, served: ServedJail): BanOutcome {
    const refusal = this.#refusal(ban);
    if (refusal !== undefined) return refused(refusal);
    if (ban.until !== null && ban.until <= this.#options.clock.now()) {
      return { ...refused(`ended at ${new Date(ban.until).toISOString()}`), group: "ended" };
    }
    const until = this.#desired.get(target);
    const rank = rankHere(ban);
    if (until === undefined && !this.#makeRoom(job, rank)) return { ...refused(this.#full), group: "full" };
    const wrongPorts = this.#changePorts(ban, served);
    if (wrongPorts !== undefined) return refused(wrongPorts);
    this.#forgetEndedHere(target);
    return until === undefined
      ? this.#newBan(ban, target, rank)
      : this.#repeatedBan(ban, target, until, rank);
  }

  get #full(): string {
    return `${this.#options.maxBans} bans are in force, see --max-bans`;
  }

  /** Ends bans until there is room for one of this rank, not counting what a sync will drop. Returns false if there is none. */
  #makeRoom(job: TargetJob, rank: Rank): boolean {
    while (this.#desired.size - this.#sync.unnamed >= this.#options.maxBans) {
      const target = this.#desired.takeLowest(yieldingTo(rank));
      if (target === undefined) return false;
      this.#evict(job, target);
    }
    return true;
  }

  #evict(job: TargetJob, target: Target): void {
    const command = unbanOf(target, this.#options.clock.now(), "evicted");
    const outcome = this.#planUnban({ ...job, command }, target);
    if (outcome === undefined) return;
    const { change } = outcome;
    if (change !== undefined && change.before === undefined) change.isPassing = true;
    // f2b-stream will write an unban for it, too.
    this.#endedHere.set(targetKey(target), true);
    this.#evicted.push({ ...outcome, group: "evicted", error: `ended for another: ${this.#full}` });
  }

  #newBan(ban: EnforcedBan, target: Target, rank: Rank): BanOutcome {
    const change = this.#change(target, ban.until, rank);
    const notice = `${ban.restored ? "Restore Ban" : "Ban"} ${shownTarget(target)}`;
    return { change, result: "applied", notice, runsActions: true };
  }

  #repeatedBan(ban: EnforcedBan, target: Target, until: Until, rank: Rank): BanOutcome {
    const already = `${shownTarget(target)} already banned`;
    const wasAdopted = this.#adopted.delete(target);
    if (isSameEnd(until, ban.until, wasAdopted ? KERNEL_TOLERANCE : 0)) {
      this.#desired.set(target, ban.until, rank);
      const change = this.#changes.get(target);
      return { result: "already", notice: already, ...(change && { change }) };
    }
    const end = ban.until === null ? "without end" : `until ${new Date(ban.until).toISOString()}`;
    const change = this.#change(target, ban.until, rank);
    return { change, result: "already", notice: `${already}, now ${end}` };
  }

  /** Returns undefined for a timer of a ban that has another end by now. */
  #planUnban(job: TargetJob, target: Target): CommandOutcome | undefined {
    this.#sync.name(target);
    const until = this.#desired.get(target);
    if (job.isTimer) {
      if (typeof until !== "number" || until > this.#options.clock.now()) return undefined;
      this.#endedHere.set(targetKey(target), true);
      return this.#endBan(job, target);
    }
    const wasEndedHere = this.#forgetEndedHere(target);
    if (until !== undefined) return this.#endBan(job, target);
    return wasEndedHere ? { job, target, result: "already" } : this.#endUnknown(job, target);
  }

  #endBan(job: TargetJob, target: Target): CommandOutcome {
    this.#adopted.delete(target);
    const change = this.#change(target, undefined);
    const notice = `Unban ${shownTarget(target)}`;
    return { job, target, change, result: "applied", notice, runsActions: true };
  }

  /** The kernel may have a ban that we don't know of: the back end is asked to end it all the same. */
  #endUnknown(job: TargetJob, target: Target): CommandOutcome {
    const change = this.#change(target, undefined);
    const notice = `${shownTarget(target)} is not banned`;
    return { job, target, change, result: "already", notice, runsActions: true };
  }

  #refusal({ ip, id = "" }: EnforcedBan): string | undefined {
    if (ip === undefined)
      return id.length > MAX_ID_LENGTH ? `the id is longer than ${MAX_ID_LENGTH} characters` : undefined;
    const network = parseNetwork(ip);
    if (network === undefined) return "not an address";
    return this.#options.policy.refusal(network, this.#options.clock.now());
  }

  #changePorts(ban: EnforcedBan, served: ServedJail): string | undefined {
    try {
      this.#jails.changePorts(served, ban, this.#desired.countOf(ban.jail) === 0);
      return undefined;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }

  #change(target: Target, until: Until | undefined, rank?: Rank): ChangedBan {
    const change =
      this.#changes.get(target) ?? this.#changes.add({ target, before: this.#desired.get(target) });
    this.#desired.set(target, until, rank);
    return change;
  }

  /** Whether we ended this ban; it is forgotten with that. */
  #forgetEndedHere(target: Target): boolean {
    if (this.#endedHere.size === 0) return false;
    const key = targetKey(target);
    const wasEnded = this.#endedHere.get(key) === true;
    this.#endedHere.delete(key);
    return wasEnded;
  }
}

/** The jail of commands that name none, which people write. */
const BY_HAND = "manual";

function rankHere(ban: Parameters<typeof rankOf>[0] & { readonly jail: string }): Rank {
  return ban.jail === BY_HAND ? RANK.manual : rankOf(ban);
}

function refused(error: string): { readonly result: "refused"; readonly error: string } {
  return { result: "refused", error };
}

/** Rules hold whole seconds, so ends in the same second are the same; so are ends within `tolerance` milliseconds. */
function isSameEnd(a: Until, b: Until, tolerance: number): boolean {
  if (a === null || b === null) return a === b;
  return Math.ceil(a / 1000) === Math.ceil(b / 1000) || Math.abs(a - b) <= tolerance;
}
