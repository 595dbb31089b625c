import { type DesiredBans, type Held, keyOf } from "./desired-bans.ts";

/** A `sync` between its begin and its end: which bans of its jails nobody has named since. */
export class OpenSync {
  readonly #ledger: DesiredBans;
  readonly #unnamed = new Map<string, Held>();

  constructor(ledger: DesiredBans) {
    this.#ledger = ledger;
  }

  /** How many bans will be dropped if the end came now: they take up no room of --max-bans. */
  get unnamed(): number {
    return this.#unnamed.size;
  }

  /** A sync that was begun before and has not ended drops nothing. */
  begin(jails: readonly string[]): void {
    this.#unnamed.clear();
    for (const jail of jails) {
      for (const target of this.#ledger.of(jail).keys()) {
        const held = { jail, target };
        this.#unnamed.set(keyOf(held), held);
      }
    }
  }

  /** A command about this ban: it is to stay, or gone already. */
  name(held: Held): void {
    if (this.#unnamed.size > 0) this.#unnamed.delete(keyOf(held));
  }

  /** The bans to drop. Without a begin none. */
  end(): readonly Held[] {
    const dropped = [...this.#unnamed.values()];
    this.#unnamed.clear();
    return dropped;
  }
}
