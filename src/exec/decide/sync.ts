import type { Target } from "../../protocol/command.ts";
import type { DesiredBans } from "./desired-bans.ts";
import { TargetMap } from "./target-map.ts";

/** A `sync` between its begin and its end: which bans of its jails no command has named since. */
export class OpenSync {
  readonly #desired: DesiredBans;
  readonly #unnamed = new TargetMap<true>();

  constructor(desired: DesiredBans) {
    this.#desired = desired;
  }

  /** How many bans would be dropped if the end came now: they take up no room of --max-bans. */
  get unnamed(): number {
    return this.#unnamed.size;
  }

  /** Begins a sync. One that was begun before and has not ended drops nothing. */
  begin(jails: readonly string[]): void {
    this.#unnamed.clear();
    for (const jail of jails) {
      for (const target of this.#desired.targetsOf(jail)) this.#unnamed.set(target, true);
    }
  }

  /** A command names this ban: it stays, or has ended already. */
  name(target: Target): void {
    this.#unnamed.delete(target);
  }

  /** Ends the sync. Returns the bans to drop; without a begin none. */
  end(): readonly Target[] {
    const dropped = [...this.#unnamed.targets()];
    this.#unnamed.clear();
    return dropped;
  }
}
