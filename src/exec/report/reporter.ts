import { printable, type Report } from "../../cli/report.ts";
import type { Result } from "../../protocol/result.ts";
import type { Clock } from "../../shared/clock.ts";
import { type CommandOutcome, shownTarget } from "../decide/outcome.ts";

/** Milliseconds in which bans that are not applied for the same reason are counted, to be reported together. */
const GROUPED_FOR = 2000;

export interface ReporterOptions {
  readonly clock: Clock;
  readonly report: Report;
  /** Left out where no one asks for results. */
  readonly onResult?: ((result: Result) => void) | undefined;
}

/** Groups that come in great numbers, of which only the number is reported. */
type CountedGroup = Exclude<CommandOutcome["group"], "jail" | undefined>;

/** Reports what became of each command: a result for programs, a line for people. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** Outcomes of each group that are not reported yet. */
  readonly #groups = new Map<CountedGroup, { readonly count: number; readonly error: string }>();
  #notices: string[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** `failure`: why the back end did not make the change, which its caller has reported. */
  report(outcome: CommandOutcome, failure: string | undefined): void {
    this.#options.onResult?.(this.#resultOf(outcome, failure));
    if (failure !== undefined) return;
    const { target, error, notice, group } = outcome;
    if (group !== undefined && group !== "jail") this.#count(group, error ?? "");
    else if (error !== undefined && group === undefined) {
      this.writeNotices();
      this.#options.report.warning(`refused [${target.jail}] ${shownTarget(target)}: ${printable(error)}`);
    } else if (notice !== undefined) this.#notices.push(`NOTICE [${target.jail}] ${notice}`);
  }

  /** Writes the notices of a batch, all at once. */
  writeNotices(): void {
    this.#options.report.lines(this.#notices.splice(0));
  }

  /** Reports all groups now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const [group, { count, error }] of this.#groups) {
      this.#options.report.warning(groupMessage(group, count, error));
    }
    this.#groups.clear();
  }

  #count(group: CountedGroup, error: string): void {
    this.#groups.set(group, { count: (this.#groups.get(group)?.count ?? 0) + 1, error });
    this.#cancel ??= this.#options.clock.after(GROUPED_FOR, () => this.flush());
  }

  #resultOf({ job, ...outcome }: CommandOutcome, failure: string | undefined): Result {
    const { cmd, jail, ip, id } = job.command;
    const error = failure ?? outcome.error;
    return {
      ...{ cmd, jail, ...(ip !== undefined && { ip }), ...(id !== undefined && { id }) },
      result: failure === undefined ? outcome.result : "failed",
      ms: Math.max(0, this.#options.clock.now() - job.read),
      ...(error !== undefined && { error }),
    };
  }
}

function groupMessage(group: CountedGroup, count: number, error: string): string {
  switch (group) {
    case "evicted":
      return `${countBans(count)} ${error}`;
    case "ended":
      return `${countBans(count)} not applied: already ended when the command came`;
    case "full":
      return `${countBans(count)} not applied: ${error}`;
  }
}

/** `1 ban`, `2 bans`. */
export function countBans(count: number): string {
  return count === 1 ? "1 ban" : `${count} bans`;
}
