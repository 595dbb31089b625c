import { printable, type Report } from "../../cli/report.ts";
import type { Clock } from "../../shared/clock.ts";
import type { DesiredBans } from "../decide/desired-bans.ts";
import type { Jails, ServedJail } from "../decide/jails.ts";
import { KERNEL_TOLERANCE } from "../decide/planner.ts";
import type { Backend, Batch, Change, Failures, FoundJail, Until } from "../kernel/backend.ts";
import { countBans } from "../report/reporter.ts";
import type { KernelCheck } from "./watch.ts";

/** Milliseconds by which the kernel may end a ban too late: a batch that took long. While we run our own timer ends it. */
const LATE_TOLERANCE = 60_000;

const WHY = {
  rules: "somebody else changed the firewall",
  all: "somebody else changed the firewall",
  clock: "the clock was set or the machine slept",
} as const;

export interface ReconcilerOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly ledger: DesiredBans;
  readonly jails: Jails;
  readonly report: Report;
}

/** Makes the kernel what the ledger says, whoever changed it: `iptables -F`, a firewall's reload, a clock that was set. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** When bans that last longer than the kernel's longest timeout were given it for the last time. */
  #renewed = Number.NEGATIVE_INFINITY;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Never rejects: a look that fails is told and comes again. */
  async look(kind: KernelCheck["kind"]): Promise<void> {
    const { backend, jails, report } = this.#options;
    try {
      if (kind === "clock") this.#options.ledger.wake();
      const all = jails.all();
      const damaged = new Set(await backend.check(all.map(({ jail }) => jail)));
      const suspects = kind === "rules" ? all.filter(({ jail }) => damaged.has(jail.name)) : all;
      if (suspects.length > 0) await this.#restore(suspects, damaged, kind);
    } catch (error) {
      report.rareWarning("look", `looking at the firewall: ${printable((error as Error).message)}`);
    }
  }

  async #restore(
    suspects: readonly ServedJail[],
    damaged: ReadonlySet<string>,
    kind: KernelCheck["kind"],
  ): Promise<void> {
    const { backend, report } = this.#options;
    const isRenewal = kind !== "rules" && this.#isRenewalDue();
    const batches: Batch[] = [];
    for (const { jail } of suspects) {
      batches.push({ jail, changes: this.#differences(jail.name, await backend.read(jail), isRenewal) });
    }
    if (isRenewal) this.#renewed = this.#options.clock.now();
    const failures = await backend.apply(batches);
    const isWrong = (change: Change) => !isOnlyRenewed(change);
    const restored = batches.filter(({ jail, changes }) => damaged.has(jail.name) || changes.some(isWrong));
    if (restored.length > 0) {
      const wrong = restored.flatMap(({ changes }) => changes).filter(isWrong);
      const right = wrong.filter((change) => !failures.has(change)).length;
      const names = restored.map(({ jail }) => jail.name);
      const shown = names.length > 5 ? `${names.length} jails` : names.join(", ");
      report.warning(`${WHY[kind]}: restored ${shown}, ${countBans(right)} put right`);
    }
    this.#tellFailures(failures);
  }

  #tellFailures(failures: Failures): void {
    for (const [what, error] of failures) {
      const shown = "ip" in what ? what.ip : `the rules of ${what.name}`;
      this.#options.report.rareWarning(
        "restore",
        `${printable(shown)} could not be restored: ${printable(error)}`,
      );
    }
  }

  /** What has to change so that the kernel holds what the ledger says. */
  #differences(jail: string, found: FoundJail | undefined, isRenewal: boolean): readonly Change[] {
    const { clock, ledger } = this.#options;
    const now = clock.now();
    const wanted = ledger.of(jail);
    const has = found?.bans ?? new Map<string, Until>();
    const changes: Change[] = [];
    for (const [ip, until] of wanted) {
      const isId = ip.startsWith(" ");
      // One whose end has come is about to be taken out by its timer.
      if (isId || (until !== null && until <= now)) continue;
      const before = has.get(ip);
      if (!this.#isAsWanted(until, before, now) || (isRenewal && this.#isLong(until, now))) {
        changes.push({ ip, until, before });
      }
    }
    for (const [ip, before] of has) if (!wanted.has(ip)) changes.push({ ip, until: undefined, before });
    return changes;
  }

  #isAsWanted(until: Until, found: Until | undefined, now: number): boolean {
    if (found === undefined || until === null || found === null) return until === found;
    const isNear = found >= until - KERNEL_TOLERANCE && found <= until + LATE_TOLERANCE;
    return isNear || this.#isLong(until, now);
  }

  /** Whether the kernel can't be given the whole time that is left, or could not be not long ago. */
  #isLong(until: Until, now: number): boolean {
    const { longestTimeout } = this.#options.backend;
    return until !== null && longestTimeout > 0 && until - now > longestTimeout / 2;
  }

  #isRenewalDue(): boolean {
    const { backend, clock } = this.#options;
    return backend.longestTimeout > 0 && clock.now() - this.#renewed > backend.longestTimeout / 4;
  }
}

function isOnlyRenewed({ until, before }: Change): boolean {
  return until !== undefined && until === before;
}
