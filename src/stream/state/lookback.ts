import type { CompiledFilter } from "../../filter/compile-filter.ts";
import { SESSION_MEMORY } from "../../shared/limits.ts";
import type { CompiledJail } from "../jail/compile-jails.ts";

/** How late a line, and the end of a window with it, may be, in milliseconds. */
const LATE = 60_000;

/**
 * How much of the log before a moment must be read again to restore what was counted then, in milliseconds: the longest findtime,
 * and some more for late lines and for earlier lines of a session. Jails that count bans need none.
 */
export function lookbackOf(jails: readonly CompiledJail[]): number {
  const spans = jails
    .filter(({ jail }) => jail.on === "log")
    .map(
      ({ jail, filter }) =>
        jail.findtime + (jail.session !== undefined || joinsLines(filter) ? SESSION_MEMORY : 0),
    );
  return Math.max(0, ...spans) + LATE;
}

function joinsLines({ maxlines, prefregex, failregex }: CompiledFilter): boolean {
  const patterns = prefregex ? [prefregex, ...failregex] : failregex;
  return maxlines > 1 || patterns.some(({ pattern }) => pattern.groupNames.includes("mlfid"));
}
