import { createHash } from "node:crypto";
import type { Jail } from "../../rules/rule.ts";

/** fail2ban's default formula doubles at most so often. */
const MAX_DOUBLINGS = 20;

/**
 * How long a ban lasts, in milliseconds; null: for ever. The first ban lasts `bantime`; with `bantime.increment` each
 * further one is multiplied, as fail2ban's JailThread.incrBanTime and ObserverThread.incrBanTime do. `rndtime` is drawn
 * from a hash of jail, address and count, so that a replay repeats it.
 *
 * @param earlier how many bans of this address are remembered
 */
export function bantimeOf(jail: Jail, address: string, earlier: number): number | null {
  const { bantime, escalation } = jail;
  if (bantime === null || !escalation.increment || earlier === 0) return bantime;
  const { multipliers, factor, maxtime, rndtime } = escalation;
  const times = multipliers ? nth(multipliers, earlier) : 2 ** Math.min(earlier, MAX_DOUBLINGS);
  const grown = Math.max(bantime * factor * times, multipliers ? 0 : bantime);
  return Math.round(
    Math.min(grown, maxtime ?? grown) + rndtime * fraction(`${jail.name}\0${address}\0${earlier}`),
  );
}

/** The last one stands for all that follow. */
function nth(multipliers: readonly number[], index: number): number {
  return multipliers[Math.min(index, multipliers.length - 1)] ?? 1;
}

/** A number from 0 up to, not including, 1. */
function fraction(seed: string): number {
  return createHash("sha256").update(seed).digest().readUInt32BE(0) / 2 ** 32;
}
