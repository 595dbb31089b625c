import { formatDuration } from "../../shared/duration.ts";

const MINUTE = 60_000;
/** Offsets of zones differ by multiples of this, in minutes. */
const QUARTER = 15;
/** How far an amount may be from such a multiple, in minutes. */
const TOLERANCE = 2;
/** No two zones are farther apart than this, in minutes: UTC-12 and UTC+14. */
const MAX_SHIFT = 26 * 60;

/**
 * By how much lines are late: `2h late`, `30m early`.
 *
 * @param late milliseconds; below 0: early
 */
export function describeOffset(late: number): string {
  const minutes = zoneMinutes(late) ?? Math.round(late / MINUTE);
  return `${formatDuration(Math.abs(minutes) * MINUTE)} ${late < 0 ? "early" : "late"}`;
}

/**
 * What mends lines that are always late by an amount: the option that sets their zone, or a clock.
 *
 * @param late milliseconds; below 0: early
 * @param now epoch milliseconds
 */
export function zoneHint(late: number, now: number): string {
  const minutes = zoneMinutes(late);
  if (minutes === undefined) return "the clock of the host that writes them is wrong";
  const zone = zoneOf(-minutes - new Date(now).getTimezoneOffset(), now);
  return zone === undefined
    ? "the log is in another time zone, or the clock of its writer is wrong: --tz sets the zone"
    : `the log is in another time zone: try --tz ${zone}`;
}

/** The difference of two zones by which lines are late, in minutes; undefined: no two zones differ by that. */
function zoneMinutes(late: number): number | undefined {
  const minutes = late / MINUTE;
  const near = Math.round(minutes / QUARTER) * QUARTER;
  const isZone = near !== 0 && Math.abs(minutes - near) <= TOLERANCE && Math.abs(near) <= MAX_SHIFT;
  return isZone ? near : undefined;
}

/** A zone whose clocks are `east` minutes ahead of UTC now. */
function zoneOf(east: number, now: number): string | undefined {
  if (east === 0) return "UTC";
  if (east % 60 === 0 && east >= -720 && east <= 840)
    return `Etc/GMT${east > 0 ? "-" : "+"}${Math.abs(east / 60)}`;
  return Intl.supportedValuesOf("timeZone").find((zone) => offsetOf(zone, now) === east);
}

/** How many minutes the clocks of a zone are ahead of UTC. */
function offsetOf(timeZone: string, now: number): number {
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(now);
  const text = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
}
