import type { Target } from "../../protocol/command.ts";
import type { ChangedBan } from "./outcome.ts";
import { TargetMap } from "./target-map.ts";

/** The bans that the commands of one batch change, each once, in the order of their first command. */
export class BatchChanges {
  readonly all: ChangedBan[] = [];
  readonly #byTarget = new TargetMap<ChangedBan>();

  get(target: Target): ChangedBan | undefined {
    return this.#byTarget.get(target);
  }

  add(change: ChangedBan): ChangedBan {
    this.#byTarget.set(change.target, change);
    this.all.push(change);
    return change;
  }
}
