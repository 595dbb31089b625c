const HOUR = 3_600_000;
/** A line's time is off by whole hours, or on time, when it is no farther from that than this, in milliseconds. */
const TOLERANCE = 60_000;
/** So many failures in a row, the same whole number of hours off, are a wrong time zone. */
const SHIFTED = 3;
/** Late lines must be off for so long, in milliseconds: while a backlog is poured in, lateness passes through every hour. */
const LASTING = 300_000;
/** So many failures on time, since the last one that was off, and all is well again. */
const WELL = 10;
/** Farther apart than this, in hours, no two zones are: UTC-12 and UTC+14. */
const MAX_SHIFT = 26;

/** Notices that failures are off by the same whole number of hours again and again: the log's time zone is another. */
export class ZoneShift {
  /** How many hours the last failures were ahead, or, below 0, behind; how many in a row; when the first of them came. */
  #run = { hours: 0, failures: 0, since: 0 };
  #onTime = 0;
  #isShifted = false;

  /**
   * Takes a failure, in live mode.
   *
   * @param ahead how far its time is ahead of now; below 0: behind; in milliseconds
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

/** The option that mends times which are `hours` ahead in the zone of this process; `now` in epoch milliseconds. */
export function zoneHint(hours: number, now: number): string {
  const east = hours - new Date(now).getTimezoneOffset() / 60;
  if (east === 0) return "try --tz UTC";
  return Number.isInteger(east)
    ? `try --tz Etc/GMT${east > 0 ? "-" : "+"}${Math.abs(east)}`
    : "--tz names it";
}
