import type { Batch, Change, EnforcedJail } from "./backend.ts";

/**
 * How many changes of a jail may fail one by one before the rest of its batch is given up: after that many failures the single
 * change is not to blame.
 */
const MAX_SINGLE_FAILURES = 16;

/** How a back end changes the kernel. Both methods return why they failed, undefined when they succeeded. */
export interface Applier {
  /** Applies all batches, in one transaction where the tool can. Repeating a change does no harm. */
  commit(batches: readonly Batch[]): Promise<string | undefined>;
  /** Reads the state of a jail again, since others may have changed it. */
  refresh(jail: EnforcedJail): Promise<string | undefined>;
}

/** Applies all batches at once; if that fails, jail by jail, then by bisection. Returns why changes, or rules alone, failed. */
export async function applyBatches(
  applier: Applier,
  batches: readonly Batch[],
): Promise<Map<Change | EnforcedJail, string>> {
  const failures = new Map<Change | EnforcedJail, string>();
  if ((await applier.commit(batches)) === undefined) return failures;
  for (const { jail, changes } of batches) {
    const problem = (await applier.refresh(jail)) ?? (await applier.commit([{ jail, changes: [] }]));
    if (problem === undefined) await applyBisected(applier, { jail, changes }, failures);
    else if (changes.length === 0) failures.set(jail, problem);
    else for (const change of changes) failures.set(change, problem);
  }
  return failures;
}

async function applyBisected(
  applier: Applier,
  { jail, changes }: Batch,
  failures: Map<Change | EnforcedJail, string>,
  budget = { left: MAX_SINGLE_FAILURES },
): Promise<void> {
  if (changes.length === 0) return;
  const problem = await applier.commit([{ jail, changes }]);
  if (problem === undefined) return;
  if (changes.length === 1 || budget.left === 0) {
    budget.left = Math.max(budget.left - 1, 0);
    for (const change of changes) failures.set(change, problem);
    return;
  }
  const middle = changes.length >> 1;
  await applyBisected(applier, { jail, changes: changes.slice(0, middle) }, failures, budget);
  await applyBisected(applier, { jail, changes: changes.slice(middle) }, failures, budget);
}
