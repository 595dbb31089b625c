import { isBan, targetKey } from "../../protocol/command.ts";
import type { Decision } from "./decision.ts";

/** What is needed of a decision: all of it, all but its evidence, or nothing. */
export type Part = "all" | "bare" | "nothing";

/**
 * Says, of the decisions of a state in their order, what is needed. A ban that is kept though it has ended keeps its end too,
 * whatever is forgotten meanwhile: else it would be in force again.
 */
export class Sieve {
  readonly #partOf: (decision: Decision) => Part;
  /** Bans that are kept, have ended, and whose end is still to come. No more than were in force at once. */
  readonly #open = new Set<string>();

  constructor(partOf: (decision: Decision) => Part) {
    this.#partOf = partOf;
  }

  partOf(decision: Decision): Part {
    const key = targetKey(decision);
    const part = this.#partOf(decision);
    if (!isBan(decision)) return this.#open.delete(key) ? "bare" : part;
    if (part === "bare") this.#open.add(key);
    else this.#open.delete(key);
    return part;
  }
}
