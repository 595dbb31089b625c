import { printable, type Report } from "../../cli/report.ts";
import type { Result } from "../../protocol/result.ts";
import type { Clock } from "../../shared/clock.ts";
import { type Outcome, shownTarget } from "../decide/planner.ts";

/** Milliseconds in which bans that can't be applied for one reason are counted, to be told together. */
const TOLD_AFTER = 2000;

export interface ReporterOptions {
  readonly clock: Clock;
  readonly report: Report;
  /** Left out where nobody asks for results. */
  readonly onResult?: ((result: Result) => void) | undefined;
}

/** Kinds that come in great numbers. */
type Together = Exclude<Outcome["toldOnce"], "jail" | undefined>;

/** Tells what became of each command: a result for programs, a line for people. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** Bans that had ended before they came, were too many, or made room for others, not yet told. */
  readonly #together = new Map<Together, { readonly count: number; readonly error: string }>();
  #notices: string[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** `failure`: why the back end did not do it, told already. */
  tell(verdict: Outcome, failure: string | undefined): void {
    this.#options.onResult?.(this.#resultOf(verdict, failure));
    if (failure !== undefined) return;
    const { held, error, notice, toldOnce } = verdict;
    if (toldOnce !== undefined && toldOnce !== "jail") this.#count(toldOnce, error ?? "");
    else if (error !== undefined && toldOnce === undefined) {
      this.tellNotices();
      this.#options.report.warning(`refused [${held.jail}] ${shownTarget(held)}: ${printable(error)}`);
    } else if (notice !== undefined) this.#notices.push(`NOTICE [${held.jail}] ${notice}`);
  }

  /** Ends a batch: its lines go out in one write. */
  tellNotices(): void {
    this.#options.report.lines(this.#notices.splice(0));
  }

  /** Tells now what was held back to be told together. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const [kind, { count, error }] of this.#together) {
      if (kind === "evicted") this.#options.report.warning(`${countBans(count)} ${error}`);
      else {
        const why = kind === "ended" ? "ended already when the command came" : error;
        this.#options.report.warning(`${countBans(count)} not applied: ${why}`);
      }
    }
    this.#together.clear();
  }

  #count(kind: Together, error: string): void {
    this.#together.set(kind, { count: (this.#together.get(kind)?.count ?? 0) + 1, error });
    this.#cancel ??= this.#options.clock.after(TOLD_AFTER, () => this.flush());
  }

  #resultOf({ job, ...verdict }: Outcome, failure: string | undefined): Result {
    const { cmd, jail, ip, id } = job.command;
    const error = failure ?? verdict.error;
    return {
      ...{ cmd, jail, ...(ip !== undefined && { ip }), ...(id !== undefined && { id }) },
      result: failure === undefined ? verdict.result : "failed",
      ms: Math.max(0, this.#options.clock.now() - job.read),
      ...(error !== undefined && { error }),
    };
  }
}

/** `1 ban`, `2 bans`. */
export function countBans(count: number): string {
  return count === 1 ? "1 ban" : `${count} bans`;
}
