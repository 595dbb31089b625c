import { type Ban, isBan, type Subject, type Unban } from "../../protocol/command.ts";
import type { Jail } from "../../rules/rule.ts";
import { parseNetwork } from "../../shared/address.ts";
import type { RunningJail } from "../jail/running-jail.ts";
import { countedAs, nameOf, subjectOf } from "../jail/subject.ts";
import type { BanList } from "./ban-list.ts";
import { type CountableBan, countersOf, isCountable, lineOf } from "./counted-bans.ts";
import type { BanRequest } from "./new-ban.ts";

/** What restoring needs of the decisions. */
export interface RestorerHost {
  readonly banlist: BanList;
  readonly jails: ReadonlyMap<string, RunningJail>;
  /** Ends the subject's ban if it ended by `time`. */
  readonly endBy: (jail: Jail, subject: Subject, time: number) => void;
  readonly isAnswered: (jail: Jail, subject: Subject, time: number) => boolean;
  readonly complete: (running: RunningJail, request: BanRequest) => void;
  /** Epoch milliseconds: bans that have ended by then take no room. */
  readonly now: number;
}

/** Takes up the decisions of earlier runs: all of them, in their order. */
export class Restorer {
  readonly #host: RestorerHost;
  /** By jail and subject: how to take a completed window for which no ban has come so far. */
  readonly #unbanned = new Map<string, () => void>();
  #leftOut = 0;

  constructor(host: RestorerHost) {
    this.#host = host;
  }

  /** Bans that have not ended and were dropped for want of room: those of the lowest rank that end soonest. */
  get leftOut(): number {
    return this.#leftOut;
  }

  take(decision: Ban | Unban): void {
    const { banlist, jails } = this.#host;
    const running = jails.get(decision.jail);
    const name = nameOf(subjectOf(decision));
    running?.window.forget(name);
    this.#unbanned.delete(`${decision.jail} ${name}`);
    if (!isBan(decision)) banlist.restoreEnd(decision, running?.jail);
    else if (this.#restore(decision, running?.jail) && isCountable(decision)) this.#recount(decision);
  }

  /** Returns false when the same ban was there already. */
  #restore(ban: Ban, jail: Jail | undefined): boolean {
    const { banlist, now } = this.#host;
    if (banlist.isFull && banlist.find(ban.jail, subjectOf(ban)) === undefined) {
      const dropped = banlist.dropWeakest(ban);
      if (dropped.until === null || dropped.until > now) this.#leftOut++;
      if (dropped === ban) return true;
    }
    return banlist.restore(ban, jail);
  }

  /** Completes windows whose ban is missing: the earlier run was stopped between two writes, or the rules have changed. */
  end(): void {
    for (const complete of this.#unbanned.values()) complete();
    this.#unbanned.clear();
  }

  /** Counts a ban again where bans are counted. If it completed a window, the ban that this brought follows in its turn. */
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
      if (!this.#unbanned.has(key)) this.#unbanned.set(key, () => complete(running, request));
    }
  }
}
