import { printable } from "../cli/report.ts";
import { formatDuration } from "../shared/duration.ts";

/** Longest text from outside that is shown, in characters. */
const MAX_SHOWN = 1024;

/** Text from outside, made safe for a terminal. */
export function shown(text: string): string {
  return printable(text, MAX_SHOWN);
}

/** The time left until a time, in whole seconds; empty: for ever. `now` in epoch milliseconds. */
export function left(until: string | null, now: number): string {
  if (until === null) return "";
  return formatDuration(Math.max(0, Math.ceil((Date.parse(until) - now) / 1000) * 1000));
}

/** `until 2026-11-21T19:50:00.000Z (10m left)`, or `for ever`. */
export function shownEnd(until: string | null, now: number): string {
  return until === null ? "for ever" : `until ${until} (${left(until, now)} left)`;
}
