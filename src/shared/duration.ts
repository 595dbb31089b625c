const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
  w: 604800,
  mo: 2629800,
  y: 31557600,
};

/** The units of a duration, for error messages. */
export const DURATION_UNITS = "s, m, h, d, w, mo and y";

/**
 * Reads `90`, `90s`, `10m`, `1h`, `1d 12h`: seconds without a unit; a month is 30.4375 days, a year 365.25, as fail2ban's
 * MyTime.str2seconds has them. Returns milliseconds, or undefined for anything else.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^(?:\d{1,12}(?:\.\d{1,3})?(?:\s*(?:s|mo?|h|d|w|y)\s*|\s+|$))+$/.test(trimmed)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/g)) {
    seconds += Number(number) * (SECONDS[unit || "s"] ?? Number.NaN);
  }
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined;
}

/** The shortest usual text for a duration in milliseconds: `10m`, `1d 12h`, `0.5s`. */
export function formatDuration(milliseconds: number): string {
  let rest = milliseconds / 1000;
  const parts: string[] = [];
  for (const unit of ["d", "h", "m"] as const) {
    const count = Math.floor(rest / (SECONDS[unit] ?? 1));
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * (SECONDS[unit] ?? 1);
  }
  if (rest > 0 || parts.length === 0) parts.push(`${Number(rest.toFixed(3))}s`);
  return parts.join(" ");
}
