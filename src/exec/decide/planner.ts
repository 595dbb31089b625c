import { printable } from "../../cli/report.ts";
import type { Ban, Sync, Unban } from "../../protocol/command.ts";
import { RANK, type Rank, rankOf, yieldingTo } from "../../protocol/rank.ts";
import type { Result } from "../../protocol/result.ts";
import { parseNetwork } from "../../shared/address.ts";
import type { Clock } from "../../shared/clock.ts";
import { MAX_ID_LENGTH } from "../../shared/limits.ts";
import { RecentMap } from "../../shared/lru-map.ts";
import type { Until } from "../kernel/backend.ts";
import { type Held, keyOf, type Ledger, targetOf, unbanOf } from "./desired-bans.ts";
import { type Jails, MAX_JAILS, type Served } from "./jails.ts";
import type { Policy } from "./policy.ts";
import { OpenSync } from "./sync.ts";

/** Longest `id` in characters; the ledger holds it as long as its ban. */

/** Milliseconds by which an end that was read from the kernel as time left may be wrong: lists of 100,000 take long. */
export const KERNEL_TOLERANCE = 10_000;

/** A command that waits. */
export interface Job {
  readonly command: Ban | Unban | Sync;
  /** When it was read, in epoch milliseconds. */
  readonly read: number;
  /** Not read: our own timer says that the ban has ended. */
  readonly isTimer?: true;
}

/** A command about one address. */
export type OneJob = Job & { readonly command: Ban | Unban };

/** An address that a batch is about. */
export interface Touched {
  readonly held: Held;
  /** What the ledger said before the batch. */
  readonly before: Until | undefined;
  /** It came and was evicted in this batch: if it stays out, the kernel need not be told. */
  isPassing?: true;
}

/** What a command means for a ban, before the back end was asked. */
export interface Verdict {
  readonly job: OneJob;
  readonly held: Held;
  readonly result: Result["result"];
  /** Why it is refused, or ended early. */
  readonly error?: string;
  /**
   * `ended`: the ban was over when it came. `full`: too many are in force. `evicted`: so another was ended for it. `jail`: none
   * of the jail's commands is carried out. They are told together.
   */
  readonly toldOnce?: "ended" | "full" | "evicted" | "jail";
  /** The back end has to agree. */
  readonly touched?: Touched;
  /** A line for people when it succeeds. */
  readonly notice?: string;
  readonly runsActions?: true;
}

export interface JudgeOptions {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly maxBans: number;
}

/** Decides what each command of a batch comes to, one after the other, and writes it into the ledger. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #ledger: Ledger;
  readonly #jails: Jails;
  /** Bans that we ended, by a timer or for others: the writer's own unban for them says nothing new. At least the last `maxBans`. */
  readonly #endedHere: RecentMap<string, true>;
  /** Bans of an earlier run that have an end and that nobody has named since. */
  readonly #adopted = new Set<string>();
  readonly #sync: OpenSync;
  /** Of this batch, in order, and by jail and target. */
  #touched: Touched[] = [];
  #touchedBy = new Map<string, Map<string, Touched>>();
  /** Ends of bans that made room for the one that is being judged. */
  #evicted: Verdict[] = [];

  constructor(options: JudgeOptions, ledger: Ledger, jails: Jails) {
    this.#options = options;
    this.#ledger = ledger;
    this.#jails = jails;
    this.#sync = new OpenSync(ledger);
    this.#endedHere = new RecentMap(2 * options.maxBans);
  }

  /** Begins a batch. The list gets the addresses that its commands are about. */
  begin(): readonly Touched[] {
    this.#touched = [];
    this.#touchedBy = new Map();
    return this.#touched;
  }

  /** What a command comes to: nothing, one thing, two where another ban makes room, or at the end of a sync many unbans. */
  judge(job: Job): readonly Verdict[] {
    const { command } = job;
    if (command.cmd !== "sync") {
      const verdict = this.#judgeOne({ ...job, command });
      return [...this.#evicted.splice(0), verdict ?? []].flat();
    }
    if (command.phase === "begin") {
      this.#sync.begin((command.jails ?? []).filter((name) => this.#isServed(name)));
      return [];
    }
    return this.#sync.end().flatMap((held) => {
      const unban = unbanOf(held, this.#options.clock.now(), "reload");
      return this.#judgeOne({ ...job, command: unban }) ?? [];
    });
  }

  /** Notes a ban that an earlier run left: what is known of its end was read from the kernel. */
  adopt(held: Held, until: Until): void {
    this.#ledger.set(held, until, rankHere({ cmd: "ban", jail: held.jail, until }));
    if (until !== null) this.#adopted.add(keyOf(held));
  }

  /** A ban that an earlier run left in another back end: ours has to be given it. */
  takeOver(held: Held): void {
    this.#note({ held, before: undefined });
  }

  /** The back end did not do it: the ban is what it was, so the next command about it is no repetition. */
  undo({ held, before }: Touched): void {
    if (before === undefined) this.#ledger.set(held, undefined);
    else this.#ledger.restore(held, before);
    this.#endedHere.delete(keyOf(held));
  }

  #judgeOne(job: OneJob): Verdict | undefined {
    const { command } = job;
    const held = { jail: command.jail, target: targetOf(command) };
    const served = this.#jails.get(command.jail);
    if (served === undefined) return { job, held, ...refused(`more than ${MAX_JAILS} jails`) };
    if (served.problem !== undefined) return { job, held, ...served.problem, toldOnce: "jail" };
    if (command.cmd !== "ban") return this.#judgeUnban(job, held);
    const verdict = { job, held, ...this.#judgeBan(job, command as Ban, held, served) };
    if (verdict.result !== "refused") this.#sync.name(held);
    return verdict;
  }

  #isServed(jail: string): boolean {
    const served = this.#jails.get(jail);
    return served !== undefined && served.problem === undefined;
  }

  #judgeBan(job: OneJob, ban: Ban, held: Held, served: Served): Omit<Verdict, "job" | "held"> {
    const refusal = this.#refusal(ban);
    if (refusal !== undefined) return refused(refusal);
    if (ban.until !== null && ban.until <= this.#options.clock.now()) {
      return { ...refused(`ended at ${new Date(ban.until).toISOString()}`), toldOnce: "ended" };
    }
    const known = this.#ledger.get(held);
    const rank = rankHere(ban);
    if (known === undefined && !this.#makeRoom(job, rank))
      return { ...refused(this.#full), toldOnce: "full" };
    const wrongPorts = this.#changePorts(ban, served);
    if (wrongPorts !== undefined) return refused(wrongPorts);
    if (this.#endedHere.size > 0) this.#endedHere.delete(keyOf(held));
    return known === undefined ? this.#newBan(ban, held, rank) : this.#repeatedBan(ban, held, known, rank);
  }

  get #full(): string {
    return `${this.#options.maxBans} bans are in force, see --max-bans`;
  }

  /** Ends bans until there is room for one of this rank; what a sync will drop takes up none. Returns false where there is none. */
  #makeRoom(job: OneJob, rank: Rank): boolean {
    while (this.#ledger.size - this.#sync.unnamed >= this.#options.maxBans) {
      const held = this.#ledger.lowest(yieldingTo(rank));
      if (held === undefined) return false;
      const command = unbanOf(held, this.#options.clock.now(), "evicted");
      const verdict = this.#judgeUnban({ ...job, command }, held);
      if (verdict === undefined) continue;
      const { touched } = verdict;
      if (touched !== undefined && touched.before === undefined) touched.isPassing = true;
      // Whoever banned it will say once more that it has ended.
      this.#endedHere.set(keyOf(held), true);
      this.#evicted.push({ ...verdict, toldOnce: "evicted", error: `ended for another: ${this.#full}` });
    }
    return true;
  }

  #newBan(ban: Ban, held: Held, rank: Rank): Omit<Verdict, "job" | "held"> {
    const touched = this.#touch(held, ban.until, rank);
    const notice = `${ban.restored ? "Restore Ban" : "Ban"} ${shownTarget(held)}`;
    return { touched, result: "applied", notice, runsActions: true };
  }

  #repeatedBan(ban: Ban, held: Held, known: Until, rank: Rank): Omit<Verdict, "job" | "held"> {
    const already = `${shownTarget(held)} already banned`;
    if (
      isSameEnd(
        known,
        ban.until,
        this.#adopted.size > 0 && this.#adopted.delete(keyOf(held)) ? KERNEL_TOLERANCE : 0,
      )
    ) {
      this.#ledger.set(held, ban.until, rank);
      const touched = this.#touchedOf(held);
      return { result: "already", notice: already, ...(touched && { touched }) };
    }
    const end = ban.until === null ? "without end" : `until ${new Date(ban.until).toISOString()}`;
    return {
      touched: this.#touch(held, ban.until, rank),
      result: "already",
      notice: `${already}, now ${end}`,
    };
  }

  #judgeUnban(job: OneJob, held: Held): Verdict | undefined {
    this.#sync.name(held);
    const known = this.#ledger.get(held);
    if (job.isTimer) {
      if (typeof known !== "number" || known > this.#options.clock.now()) return undefined;
      this.#endedHere.set(keyOf(held), true);
    } else if (this.#wasEndedHere(held) && known === undefined) {
      return { job, held, result: "already" };
    }
    if (this.#adopted.size > 0) this.#adopted.delete(keyOf(held));
    const touched = this.#touch(held, undefined);
    const shown = shownTarget(held);
    return known === undefined
      ? { job, held, touched, result: "already", notice: `${shown} is not banned`, runsActions: true }
      : { job, held, touched, result: "applied", notice: `Unban ${shown}`, runsActions: true };
  }

  #refusal({ ip, id = "" }: Ban): string | undefined {
    if (ip === undefined)
      return id.length > MAX_ID_LENGTH ? `the id is longer than ${MAX_ID_LENGTH} characters` : undefined;
    const network = parseNetwork(ip);
    if (network === undefined) return "no address";
    return this.#options.policy.refusal(network, this.#options.clock.now());
  }

  #changePorts(ban: Ban, served: Served): string | undefined {
    try {
      this.#jails.changePorts(served, ban, this.#ledger.of(ban.jail).size === 0);
      return undefined;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }

  #touch(held: Held, until: Until | undefined, rank?: Rank): Touched {
    const touched = this.#touchedOf(held) ?? this.#note({ held, before: this.#ledger.get(held) });
    this.#ledger.set(held, until, rank);
    return touched;
  }

  #touchedOf({ jail, target }: Held): Touched | undefined {
    return this.#touchedBy.get(jail)?.get(target);
  }

  #note(touched: Touched): Touched {
    const { jail, target } = touched.held;
    let targets = this.#touchedBy.get(jail);
    if (targets === undefined) {
      targets = new Map();
      this.#touchedBy.set(jail, targets);
    }
    targets.set(target, touched);
    this.#touched.push(touched);
    return touched;
  }

  /** Whether we ended this ban; it is forgotten with that. */
  #wasEndedHere(held: Held): boolean {
    if (this.#endedHere.size === 0) return false;
    const key = keyOf(held);
    const wasEnded = this.#endedHere.get(key) === true;
    this.#endedHere.delete(key);
    return wasEnded;
  }
}

/** The jail of commands that name none: people write these. */
const BY_HAND = "manual";

function rankHere(ban: Pick<Ban, "cmd" | "jail" | "until" | "bancount" | "repeat" | "manual">): Rank {
  return ban.jail === BY_HAND ? RANK.manual : rankOf(ban);
}

/** An address or an id as it can be shown to people. */
export function shownTarget({ target }: Held): string {
  return printable(target.trimStart());
}

function refused(error: string): { readonly result: "refused"; readonly error: string } {
  return { result: "refused", error };
}

/** Rules hold whole seconds, so ends in the same second are one; so are those within `tolerance` milliseconds. */
function isSameEnd(a: Until, b: Until, tolerance: number): boolean {
  if (a === null || b === null) return a === b;
  return Math.ceil(a / 1000) === Math.ceil(b / 1000) || Math.abs(a - b) <= tolerance;
}
