import { printable, type Report } from "../../cli/report.ts";
import type { Clock } from "../../shared/clock.ts";
import type { DesiredBans } from "../decide/desired-bans.ts";
import type { Jails, ServedJail } from "../decide/jails.ts";
import { KERNEL_TOLERANCE } from "../decide/planner.ts";
import type { Backend, Batch, Change, Failures, FoundJail, Until } from "../kernel/backend.ts";
import { countBans } from "../report/reporter.ts";
import type { KernelCheck } from "./watch.ts";

/** Milliseconds by which the kernel may end a ban too late, after a batch that took long: while we run, our own timer ends it. */
const LATE_TOLERANCE = 60_000;

const WHY = {
  rules: "another program changed the firewall",
  all: "another program changed the firewall",
  clock: "the wall clock jumped or the machine slept",
} as const;

export interface ReconcilerOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly desired: DesiredBans;
  readonly jails: Jails;
  readonly report: Report;
}

/** Restores the desired bans and rules when the kernel lost them: after `iptables -F`, a firewall's reload, a jump of the clock. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** When bans that last longer than the kernel's longest timeout were last given that timeout. */
  #renewed = Number.NEGATIVE_INFINITY;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Never rejects: a failure is reported, and the next check tries again. */
  async reconcile(kind: KernelCheck["kind"]): Promise<void> {
    const { backend, jails, report } = this.#options;
    try {
      if (kind === "clock") this.#options.desired.wake();
      const all = jails.all();
      const damaged = new Set(await backend.check(all.map(({ jail }) => jail)));
      const suspects = kind === "rules" ? all.filter(({ jail }) => damaged.has(jail.name)) : all;
      if (suspects.length > 0) await this.#restore(suspects, damaged, kind);
    } catch (error) {
      report.rareWarning("check", `checking the firewall: ${printable((error as Error).message)}`);
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
      report.warning(`${WHY[kind]}: restored ${shown}, corrected ${countBans(right)}`);
    }
    this.#reportFailures(failures);
  }

  #reportFailures(failures: Failures): void {
    for (const [what, error] of failures) {
      const shown = "ip" in what ? what.ip : `the rules of ${what.name}`;
      this.#options.report.rareWarning(
        "restore",
        `${printable(shown)} could not be restored: ${printable(error)}`,
      );
    }
  }

  /** What has to change so that the kernel holds the desired bans of a jail. */
  #differences(jail: string, found: FoundJail | undefined, isRenewal: boolean): readonly Change[] {
    const { clock, desired } = this.#options;
    const now = clock.now();
    const wanted = desired.addressesOf(jail);
    const has = found?.bans ?? new Map<string, Until>();
    const changes: Change[] = [];
    for (const [ip, until] of wanted) {
      // The timer of a ban whose end has come is about to take it out.
      if (until !== null && until <= now) continue;
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

  /** Whether the time that is left is, or was not long ago, longer than the kernel's longest timeout. */
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
