import { MAX_AHEAD } from "../../shared/limits.ts";
import { type Doubt, laterReadings } from "../../shared/time.ts";

/** A line is on time when it is late by less than this, in milliseconds. */
const LATE = 600_000;
/** In a replay no line is farther ahead than this, in milliseconds, of the lines before it. */
const FAR = 86_400_000;

/**
 * Resolves a date without a zone, or without a year, to epoch milliseconds. By itself, and for fail2ban, it means the first
 * of two hours when clocks are put back, and last year's New Year when this one is a second ahead. Where that would make the
 * line ten minutes late or more, and the other reading would not, this takes the other one: late by the clock when live, or by
 * the lines before.
 *
 * @param time what it means by itself
 * @param log the time of the lines before it; -Infinity: there were none
 * @param now the clock's time; undefined in a replay, for which it means nothing
 */
export function resolveTime(time: number, ambiguity: Doubt, log: number, now: number | undefined): number {
  if (time >= (now ?? log) - LATE) return time;
  const latest = now === undefined ? log + FAR : now + MAX_AHEAD;
  const readings = [time, ...laterReadings(time, ambiguity).filter((each) => each <= latest)];
  const onTime = now === undefined ? undefined : readings.find((each) => each >= now - LATE);
  return onTime ?? readings.find((each) => each >= log - LATE) ?? time;
}
