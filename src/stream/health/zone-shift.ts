const HOUR = 3_600_000;
/** How far a time may be from a whole number of hours, or from now, to count as that, in milliseconds. */
const TOLERANCE = 60_000;
/** Failures in a row, off by the same whole number of hours, that show another time zone. */
const SHIFTED = 3;
/** How long late lines must be off, in milliseconds: while a backlog is read, lateness passes through every hour. */
const LASTING = 300_000;
/** Failures on time, since the last one that was off, that show the right time zone. */
const WELL = 10;
/** No two zones are farther apart than this, in hours: UTC-12 and UTC+14. */
const MAX_SHIFT = 26;

/** Notices that failures are off by the same whole number of hours again and again: the log is in another time zone. */
export class ZoneShift {
  /** How many hours the last failures were ahead (below 0: late); how many in a row; when the first of them came (epoch milliseconds). */
  #run = { hours: 0, failures: 0, since: 0 };
  #onTime = 0;
  #isShifted = false;

  /**
   * Takes a failure, in live mode.
   *
   * @param ahead how far its time is ahead of now (below 0: late), in milliseconds
   * @param now epoch milliseconds
   * @returns by how many hours lines are ahead; 0: not any more; undefined: nothing new is known
   */
  add(ahead: number, now: number): number | undefined {
    if (Math.abs(ahead) <= TOLERANCE) return this.#heal();
    this.#onTime = 0;
    const hours = Math.round(ahead / HOUR);
    const isWhole =
      Math.abs(ahead - hours * HOUR) <= TOLERANCE && hours !== 0 && Math.abs(hours) <= MAX_SHIFT;
    const run = this.#run;
    if (!isWhole) this.#run = { hours: 0, failures: 0, since: now };
    else if (hours !== run.hours) this.#run = { hours, failures: 1, since: now };
    else run.failures++;
    const { failures, since } = this.#run;
    const isSure = failures >= SHIFTED && (hours > 0 || now - since >= LASTING);
    if (!isSure) return undefined;
    this.#isShifted = true;
    return hours;
  }

  /** Takes a failure on time. */
  #heal(): 0 | undefined {
    if (!this.#isShifted && this.#run.failures === 0) return undefined;
    if (++this.#onTime < WELL) return undefined;
    this.#run = { hours: 0, failures: 0, since: 0 };
    this.#isShifted = false;
    return 0;
  }
}

/** The option that corrects times which are `hours` ahead in the zone of this process; `now` in epoch milliseconds. */
export function zoneHint(hours: number, now: number): string {
  const east = hours - new Date(now).getTimezoneOffset() / 60;
  if (east === 0) return "try --tz UTC";
  return Number.isInteger(east)
    ? `try --tz Etc/GMT${east > 0 ? "-" : "+"}${Math.abs(east)}`
    : "--tz names it";
}
