const DAY = 86_400_000;

/** The latest time that a command can hold, in epoch milliseconds: years have four digits. */
export const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * Makes `zone`, an IANA name such as `Europe/Zurich`, the zone of this process and its children. To be called before the first
 * date is read.
 *
 * @throws RangeError for an unknown zone
 */
export function setZone(zone: string): void {
  process.env.TZ = zoneName(zone);
}

function zoneName(zone: string): string {
  try {
    // A bare offset, which newer versions of Node accept too, means something else in TZ.
    if (/^[A-Za-z]/.test(zone))
      return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {}
  throw new RangeError(
    `unknown time zone: expected a name such as "Europe/Zurich", got ${JSON.stringify(zone)}`,
  );
}

/**
 * Epoch milliseconds of a date and time in the zone of this process; `month` counts from 1. Undefined when there is no such
 * date, and, as in Python's datetime, for second 60. A time that occurs twice means the first one; a time that the zone skips
 * is read as on a clock that was not put forward.
 */
export function localTime(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  const wall = wallTime(year, month, day, hour, minute, second);
  return wall === undefined ? undefined : fromWall(wall);
}

/**
 * As `localTime`, for a date that leaves out its year: this year's, or last year's when that would be more than 24 hours
 * ahead of `now` (epoch milliseconds). 29 February exists only if that year has one. fail2ban's reGroupDictStrptime.
 */
export function withoutYear(
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  now: number,
): number | undefined {
  const today = toWall(now);
  const year = new Date(today).getUTCFullYear();
  const wall = wallTime(year, month, day, hour, minute, second);
  const past = wall === undefined ? undefined : notAhead(wall, year, month, day, today);
  return past === undefined ? undefined : fromWall(past);
}

/**
 * `wall`, or when that is more than 24 hours ahead of `today`: the same time of day on that month and day of the year before.
 * Undefined when the year before has no such day.
 */
export function notAhead(
  wall: number,
  year: number,
  month: number,
  day: number,
  today: number,
): number | undefined {
  if (wall <= today + DAY) return wall;
  const midnight = wallTime(year - 1, month, day, 0, 0, 0);
  return midnight === undefined ? undefined : midnight + (((wall % DAY) + DAY) % DAY);
}

/** What a date leaves open: `zone`, so that an hour that occurs twice is ambiguous, or `year` and zone. */
export type Doubt = "zone" | "year";

/**
 * Decides what an ambiguous date means, from context.
 *
 * @param time what it means without context, in epoch milliseconds
 */
export type Settle = (time: number, doubt: Doubt) => number;

/**
 * The other times that the same date can mean, in epoch milliseconds, ascending: its second occurrence when clocks are put back,
 * and the year after.
 */
export function laterReadings(time: number, doubt: Doubt): readonly number[] {
  const again = shownAgain(time);
  const next = doubt === "year" ? aYearLater(time) : undefined;
  return [again, next].filter((each) => each !== undefined);
}

/** How far ahead a change of the clocks is looked for. They are put back by an hour, in one zone by half an hour. */
const LONGEST_CHANGE = 3 * 3_600_000;

function shownAgain(time: number): number | undefined {
  const west = (at: number) => new Date(at).getTimezoneOffset();
  const change = (west(time + LONGEST_CHANGE) - west(time)) * 60_000;
  const later = time + change;
  return change > 0 && toWall(later) === toWall(time) ? later : undefined;
}

function aYearLater(time: number): number | undefined {
  const date = new Date(toWall(time));
  const [year, month, day] = [date.getUTCFullYear() + 1, date.getUTCMonth() + 1, date.getUTCDate()];
  const midnight = wallTime(year, month, day, 0, 0, 0);
  return midnight === undefined ? undefined : fromWall(midnight + (date.getTime() % DAY));
}

/**
 * A local date and time as the epoch milliseconds of the same date and time in UTC, so that local times can be compared and
 * added to without regard to zones. Undefined when there is no such date.
 */
export function wallTime(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  if (!(year >= 1 && year <= 9999 && month >= 1 && month <= 12)) return undefined;
  if (!(day >= 1 && day <= daysIn(year, month))) return undefined;
  if (!(hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60)) return undefined;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC reads years 0 to 99 as 1900 to 1999.
  return year > 99 ? wall : new Date(wall).setUTCFullYear(year, month - 1, day);
}

/** The local time, as `wallTime` gives it, in the zone of this process at `time` in epoch milliseconds. */
export function toWall(time: number): number {
  return time - new Date(time).getTimezoneOffset() * 60_000;
}

/** The inverse of `toWall`, with the choices of `localTime`. */
export function fromWall(wall: number): number {
  const date = new Date(wall);
  const year = date.getUTCFullYear();
  const local = new Date(
    year,
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    date.getUTCMilliseconds(),
  );
  return year < 0 || year > 99
    ? local.getTime()
    : local.setFullYear(year, date.getUTCMonth(), date.getUTCDate());
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/**
 * Minutes east of UTC that a zone in a log line means: `Z`, `UTC`, `+0300`, `+03:00`, `-03`, an abbreviation such as `CET`
 * (always its fixed offset, never daylight saving by date), or one with an offset added, `CET+0130`. Undefined for any
 * other text. fail2ban's validateTimeZone.
 */
export function zoneOffset(text: string): number | undefined {
  const match = /^([A-Z](?:[A-Z]{2,4})?)?(?:([+-])([01]\d)(?::?(\d\d))?)?$/.exec(text);
  if (match === null) return undefined;
  const [, name, sign, hours = "0", minutes = "0"] = match;
  const base = name === undefined ? 0 : ABBREVIATIONS.get(name);
  if (base === undefined) return undefined;
  const added = Number(hours) * 60 + Number(minutes);
  return sign === "-" ? base - added : base + added;
}

/** The abbreviations that fail2ban reads, by minutes east of UTC. Where an abbreviation has several meanings, this is its choice. */
const ABBREVIATIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    "-720": "Y",
    "-660": "NUT SST X",
    "-600": "CKT HAST HST TAHT TKT W",
    "-570": "MART MIT",
    "-540": "AKST GAMT GIT HADT HNY V",
    "-480": "AKDT CIST HAY HNP PST U",
    "-420": "HAP HNR MST PDT T",
    "-360": "CST EAST GALT HAR HNC MDT S",
    "-300": "CDT COT EASST ECT EST HAC HNE PET R",
    "-270": "HLV VET",
    "-240": "AST BOT CLT COST EDT FKT GYT HAE HNA PYT Q",
    "-210": "HNT NST",
    "-180": "ADT ART BRT CLST FKST GFT HAA P PMST PYST SRT UYT WGT",
    "-150": "HAT NDT",
    "-120": "BRST FNT O PMDT UYST WGST",
    "-60": "AZOT CVT EGT N",
    "0": "EGST GMT UTC WET Z",
    "60": "A CET DFT WAT WEDT WEST",
    "120": "B CAT CEDT CEST EET SAST WAST",
    "180": "C EAT EEDT EEST IDT MSK",
    "210": "IRST",
    "240": "AMT AZT D GET GST KUYT MSD MUT RET SAMT SCT",
    "270": "AFT IRDT",
    "300": "AMST AQTT AZST E HMT MAWT MVT PKT TFT TJT TMT UZT YEKT",
    "330": "SLT",
    "345": "NPT",
    "360": "ALMT BIOT BTT F IOT KGT NOVT OMST YEKST",
    "390": "CCT MMT",
    "420": "CXT DAVT G HOVT ICT KRAT NOVST OMSST THA WIB",
    "480": "ACT AWST BDT BNT CAST H HKT IRKT KRAST MYT PHT SGT ULAT WITA WST",
    "540": "AWDT I IRKST JST KST PWT TLT WDT WIT YAKT",
    "570": "ACST",
    "600": "AEST K PGT VLAT YAKST YAPT",
    "630": "ACDT LHST",
    "660": "AEDT L LHDT MAGT NCT PONT SBT VLAST VUT",
    "690": "NFT",
    "720": "ANAST ANAT FJT GILT M MAGST MHT NZST PETST PETT TVT WFT",
    "780": "FJST NZDT",
  }).flatMap(([minutes, names]) => names.split(" ").map((name) => [name, Number(minutes)] as const)),
);
