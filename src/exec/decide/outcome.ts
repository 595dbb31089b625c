import { printable } from "../../cli/report.ts";
import type { EnforcedDecision, Sync, Target } from "../../protocol/command.ts";
import type { Result } from "../../protocol/result.ts";
import type { Until } from "../kernel/backend.ts";

/** A command that waits. */
export interface Job {
  readonly command: EnforcedDecision | Sync;
  /** When it was read, in epoch milliseconds. */
  readonly read: number;
  /** It was not read: our own timer says that the ban has ended. */
  readonly isTimer?: true;
}

/** A command about one target. */
export type TargetJob = Job & { readonly command: EnforcedDecision };

/** A ban that a batch changes. */
export interface ChangedBan {
  readonly target: Target;
  /** When it was to end before the batch; undefined: there was no ban. */
  readonly before: Until | undefined;
  /** It came and was evicted in this batch: unless it comes again, the kernel need not know of it. */
  isPassing?: true;
}

/** What a command comes to, if the back end agrees. */
export interface CommandOutcome {
  readonly job: TargetJob;
  readonly target: Target;
  readonly result: Result["result"];
  /** Why the command is refused, or the ban ended early. */
  readonly error?: string;
  /**
   * Outcomes of a group are reported together. `ended`: the ban was over when its command came. `full`: too many bans are in
   * force. `evicted`: the ban was ended for another. `jail`: all commands of the jail are refused.
   */
  readonly group?: "ended" | "full" | "evicted" | "jail";
  /** What the back end has to change for it. */
  readonly change?: ChangedBan;
  /** A line for people when it succeeds. */
  readonly notice?: string;
  readonly runsActions?: true;
}

/** An address or id as people may see it. */
export function shownTarget({ ip, id = "" }: Target): string {
  return printable(ip ?? id);
}
