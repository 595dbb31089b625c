import { fromWall, notAhead, toWall, wallTime, zoneOffset } from "../../shared/time.ts";

const DAY = 86_400_000;

export const MONTHS: readonly string[] = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];

/** From Monday, as Python counts them. */
export const WEEKDAYS: readonly string[] = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
];

/** The fields of a date. */
interface DateFields {
  year?: number;
  month?: number;
  day?: number;
  hour: number;
  minute: number;
  second: number;
  yearday?: number;
  weekday?: number;
  week?: number;
  /** The day, counted from Monday, that `week` begins on. */
  weekStart: number;
  /** Minutes east of UTC. */
  offset?: number;
}

type DateGroups = Readonly<Record<string, string | undefined>>;

/**
 * The time, in epoch milliseconds, of groups named like strptime's directives; `names` gives their order, and of two for the same field
 * the later one counts. Undefined for an impossible date.
 *
 * Copies fail2ban's reGroupDictStrptime: without a year the date is of this year or the last, without month and day of today
 * or yesterday; without a zone it is the local one. Fractions of a second are dropped.
 */
export function fieldsTime(groups: DateGroups, names: readonly string[], now: number): number | undefined {
  const fields: DateFields = { hour: 0, minute: 0, second: 0, weekStart: 0 };
  for (const name of names) {
    const text = groups[name];
    if (text !== undefined && !readField(fields, name, text, groups)) return undefined;
  }
  const wall = complete(fields, now);
  if (wall === undefined) return undefined;
  return fields.offset === undefined ? fromWall(wall) : wall;
}

/** Reads one group into the fields. False for an invalid value. */
function readField(fields: DateFields, name: string, text: string, groups: DateGroups): boolean {
  switch (name) {
    case "Y":
      return put(fields, "year", integer(text));
    case "y":
      return put(fields, "year", thisCentury(integer(text)));
    case "m":
      return put(fields, "month", integer(text));
    case "b":
      return put(fields, "month", 1 + position(MONTHS_SHORT, text));
    case "B":
      return put(fields, "month", 1 + position(MONTHS, text));
    case "d":
      return put(fields, "day", integer(text));
    case "H":
      return put(fields, "hour", integer(text));
    case "I":
      return put(fields, "hour", hourOf12(integer(text), groups.p?.toLowerCase()));
    case "M":
      return put(fields, "minute", integer(text));
    case "S":
      return put(fields, "second", integer(text));
    case "j":
      return put(fields, "yearday", integer(text));
    case "a":
      return put(fields, "weekday", position(WEEKDAYS_SHORT, text));
    case "A":
      return put(fields, "weekday", position(WEEKDAYS, text));
    case "w":
      return put(fields, "weekday", (integer(text) + 6) % 7);
    case "U":
    case "W":
      fields.weekStart = name === "U" ? 6 : 0;
      return put(fields, "week", integer(text));
    case "z":
    case "Z":
      return put(fields, "offset", zoneOffset(asciiDigits(text)) ?? Number.NaN);
    default:
      return true;
  }
}

function put(fields: DateFields, key: keyof DateFields, value: number): boolean {
  fields[key] = value;
  return !Number.isNaN(value);
}

function thisCentury(year: number): number {
  return year <= 2000 ? year + 2000 : year;
}

const MONTHS_SHORT = MONTHS.map((name) => name.slice(0, 3));
const WEEKDAYS_SHORT = WEEKDAYS.map((name) => name.slice(0, 3));

function position(names: readonly string[], text: string): number {
  const index = names.indexOf(text.toLowerCase());
  return index < 0 ? Number.NaN : index;
}

/** Without am or pm it is read as am. */
function hourOf12(hour: number, half: string | undefined): number {
  if (half === "pm") return hour === 12 ? 12 : hour + 12;
  return hour === 12 && (half === undefined || half === "" || half === "am") ? 0 : hour;
}

/** The full date as wall time: in UTC where it names a zone, else in the zone of this process. */
function complete(fields: DateFields, now: number): number | undefined {
  const { year, month, day } = fields;
  if (year !== undefined && month !== undefined && day !== undefined) return wallOf(fields, year, month, day);
  return guess(fields, toWall(now));
}

/** The same for an incomplete date. */
function guess(fields: DateFields, today: number): number | undefined {
  const here = partsOf(today);
  const { year = here.year } = fields;
  const known = fields.month === undefined || fields.day === undefined ? countedDay(fields, year) : undefined;
  if (known === undefined && fields.month === undefined && fields.day === undefined) {
    const wall = wallOf(fields, year, here.month, here.day);
    return wall !== undefined && wall > today ? wall - DAY : wall;
  }
  const { month, day } = known ?? fields;
  if (month === undefined || day === undefined) return undefined;
  const dateYear = known?.year ?? year;
  const wall = wallOf(fields, dateYear, month, day);
  return wall === undefined || fields.year !== undefined ? wall : notAhead(wall, dateYear, month, day, today);
}

function wallOf(fields: DateFields, year: number, month: number, day: number): number | undefined {
  const wall = wallTime(year, month, day, fields.hour, fields.minute, fields.second);
  return wall === undefined ? undefined : wall - (fields.offset ?? 0) * 60_000;
}

function partsOf(wall: number): { year: number; month: number; day: number } {
  const date = new Date(wall);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** The date that the day of the year means, or the week and the day of the week. */
function countedDay(fields: DateFields, year: number): ReturnType<typeof partsOf> | undefined {
  const newYear = wallTime(year, 1, 1, 0, 0, 0);
  if (newYear === undefined) return undefined;
  const yearday = fields.yearday ?? weeksYearday(fields, newYear);
  return yearday === undefined ? undefined : partsOf(newYear + (yearday - 1) * DAY);
}

/** Week 0 holds the days before the first Sunday or Monday. */
function weeksYearday({ week, weekday, weekStart }: DateFields, newYear: number): number | undefined {
  if (week === undefined || weekday === undefined) return undefined;
  const begun = (new Date(newYear).getUTCDay() + 6 + 7 - weekStart) % 7;
  const day = (7 + weekday - weekStart) % 7;
  return week === 0 ? 1 + day - begun : 1 + ((7 - begun) % 7) + 7 * (week - 1) + day;
}

/** A number as Python's `int` reads it: blanks around, a sign and the digits of any script are allowed. NaN for anything else. */
function integer(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return unusualInteger(text);
    value = value * 10 + digit;
  }
  return text === "" ? Number.NaN : value;
}

function unusualInteger(text: string): number {
  const digits = /^\s*([+-]?\p{Nd}+)\s*$/u.exec(text)?.[1];
  return digits === undefined ? Number.NaN : Number(asciiDigits(digits));
}

/** Writes the decimal digits of any script as ASCII ones. Unicode keeps the ten of a script together, in order. */
export function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (char) => {
    let first = char.codePointAt(0) ?? 0;
    const last = first;
    while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
    return String((last - first) % 10);
  });
}
