import { type Ban, isBan, type Subject, type Unban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { parseNetwork } from "../../shared/address.ts";
import type { RunningJail } from "../jail/jail.ts";
import { countedAs } from "../jail/subject.ts";
import { type BanList, type BanRequest, nameOf, subjectOf } from "./banlist.ts";

/** What restoring needs of a tally. */
export interface RestorerHost {
  readonly banlist: BanList;
  readonly jails: ReadonlyMap<string, RunningJail>;
  /** Ends the subject's ban if it ended by `time`. */
  readonly endBy: (jail: Jail, subject: Subject, time: number) => void;
  readonly isAnswered: (jail: Jail, subject: Subject, time: number) => boolean;
  readonly complete: (running: RunningJail, request: BanRequest) => void;
  /** Epoch milliseconds: bans that have ended by then are on their way out. */
  readonly now: number;
}

/** A ban that jails which count bans may count. */
export type CountableBan = Ban & { readonly ip: string };

/** Takes up what an earlier run decided: all of it, in its order. */
export class Restorer {
  readonly #host: RestorerHost;
  /** Windows that were completed, and no ban was there for it so far. */
  readonly #owed = new Map<string, () => void>();
  #leftOut = 0;

  constructor(host: RestorerHost) {
    this.#host = host;
  }

  /** Bans that have not ended and are not put in force, since more are not allowed: those worth least, the ones that end soonest. */
  get leftOut(): number {
    return this.#leftOut;
  }

  take(decision: Ban | Unban): void {
    const { banlist, jails } = this.#host;
    const running = jails.get(decision.jail);
    const name = nameOf(subjectOf(decision));
    running?.window.forget(name);
    this.#owed.delete(`${decision.jail} ${name}`);
    if (!isBan(decision)) banlist.restoreEnd(decision, running?.jail);
    else if (this.#restore(decision, running?.jail) && isCountable(decision)) this.#recount(decision);
  }

  /** Gives false when the same ban was there already. */
  #restore(ban: Ban, jail: Jail | undefined): boolean {
    const { banlist, now } = this.#host;
    const isKnown = () => banlist.find(ban.jail, subjectOf(ban)) !== undefined;
    if (banlist.isFull && !isKnown()) {
      const gone = banlist.forgetWeakest(ban);
      if (gone.until === null || gone.until > now) this.#leftOut++;
      if (gone === ban) return true;
    }
    return banlist.restore(ban, jail);
  }

  /** Writes the bans that were due when the earlier run was stopped between two writes, or that new rules demand. */
  end(): void {
    for (const complete of this.#owed.values()) complete();
    this.#owed.clear();
  }

  /** Counts a ban again where bans are counted. One that was one too many brought a ban, which follows in its turn. */
  #recount(ban: CountableBan): void {
    const { banlist, jails, endBy, isAnswered, complete } = this.#host;
    const network = parseNetwork(ban.ip);
    if (network === undefined) return;
    const { time } = ban;
    for (const running of countersOf(ban, jails)) {
      const { jail, ignore, window } = running;
      if (ignore.touches(network)) continue;
      const subject = { ip: countedAs(network, jail, (wide) => ignore.touches(wide)) };
      endBy(jail, subject, time);
      if (isAnswered(jail, subject, time)) continue;
      const matches = window.add(subject.ip, time, [lineOf(ban)]);
      if (matches === undefined || banlist.find(jail.name, subject)) continue;
      const key = `${jail.name} ${subject.ip}`;
      const request = { jail, subject, time, failures: jail.maxretry, matches };
      if (!this.#owed.has(key)) this.#owed.set(key, () => complete(running, request));
    }
  }
}

export function isCountable(decision: Ban | Unban): decision is CountableBan {
  return decision.cmd === "ban" && decision.ip !== undefined;
}

/** The jails that count a ban. */
export function countersOf({ jail }: Ban, jails: ReadonlyMap<string, RunningJail>): readonly RunningJail[] {
  return [...jails.values()].filter((running) => running.jail.on === "ban" && running.jail.name !== jail);
}

/** What they show as evidence. */
export function lineOf({ jail, ip, time }: CountableBan): string {
  return `${new Date(time).toISOString()} [${jail}] Ban ${ip}`;
}
