import { type Ban, isBan, targetKey } from "../../protocol/command.ts";
import type { Decision } from "./decision.ts";

/** How much of a decision a state keeps: `all`, `bare` (without its evidence), or `nothing`. */
export type Retention = "all" | "bare" | "nothing";

/** Knows what a restart needs. */
export interface RetentionPolicy {
  retentionOf(decision: Decision): Retention;
  /** The bans in force, oldest first, with their evidence. */
  inForce(): Iterable<Ban>;
}

/**
 * Applies a policy to the decisions of a state, in their order. Where it keeps a ban that has ended, it keeps the end too, even
 * if the policy forgets that meanwhile: without it the ban would be in force again.
 */
export class RetentionFilter {
  readonly #policy: Pick<RetentionPolicy, "retentionOf">;
  /** Kept bans that have ended, whose end is still to come in the file. No more than were in force at a time. */
  readonly #open = new Set<string>();

  constructor(policy: Pick<RetentionPolicy, "retentionOf">) {
    this.#policy = policy;
  }

  retentionOf(decision: Decision): Retention {
    const key = targetKey(decision);
    const retention = this.#policy.retentionOf(decision);
    if (!isBan(decision)) return this.#open.delete(key) ? "bare" : retention;
    if (retention === "bare") this.#open.add(key);
    else this.#open.delete(key);
    return retention;
  }
}
