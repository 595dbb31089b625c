import { fromWall, notAhead, toWall, wallTime, zoneOffset } from "../time.ts";

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

/** What the fields of a date say. NaN stands for text that is no number, no name of a month and so on: no date has it. */
interface Fields {
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

type Groups = Readonly<Record<string, string | undefined>>;

/**
 * The time, in epoch milliseconds, that groups named as strptime's directives make up; `names` gives their order, and of two
 * that say the same the later one holds. Undefined when they make no date.
 *
 * Copies fail2ban's reGroupDictStrptime: without a year the date is of this year or the last, without month and day of today
 * or yesterday; without a zone it is the local one. Fractions of a second are dropped.
 */
export function fieldsTime(groups: Groups, names: readonly string[], now: number): number | undefined {
  const fields: Fields = { hour: 0, minute: 0, second: 0, weekStart: 0 };
  for (const name of names) {
    const text = groups[name];
    if (text !== undefined) readField(fields, name, text, groups);
  }
  const wall = complete(fields, toWall(now));
  if (wall === undefined) return undefined;
  return fields.offset === undefined ? fromWall(wall) : wall;
}

function readField(fields: Fields, name: string, text: string, groups: Groups): void {
  switch (name) {
    case "Y":
      fields.year = integer(text);
      break;
    case "y":
      fields.year = integer(text);
      if (fields.year <= 2000) fields.year += 2000;
      break;
    case "m":
      fields.month = integer(text);
      break;
    case "b":
      fields.month = 1 + position(MONTHS_SHORT, text);
      break;
    case "B":
      fields.month = 1 + position(MONTHS, text);
      break;
    case "d":
      fields.day = integer(text);
      break;
    case "H":
      fields.hour = integer(text);
      break;
    case "I":
      fields.hour = hourOf12(integer(text), groups.p?.toLowerCase());
      break;
    case "M":
      fields.minute = integer(text);
      break;
    case "S":
      fields.second = integer(text);
      break;
    case "j":
      fields.yearday = integer(text);
      break;
    case "a":
      fields.weekday = position(WEEKDAYS_SHORT, text);
      break;
    case "A":
      fields.weekday = position(WEEKDAYS, text);
      break;
    case "w":
      fields.weekday = (integer(text) + 6) % 7;
      break;
    case "U":
    case "W":
      fields.week = integer(text);
      fields.weekStart = name === "U" ? 6 : 0;
      break;
    case "z":
    case "Z":
      fields.offset = zoneOffset(text) ?? Number.NaN;
      break;
  }
}

const MONTHS_SHORT = MONTHS.map((name) => name.slice(0, 3));
const WEEKDAYS_SHORT = WEEKDAYS.map((name) => name.slice(0, 3));

function position(names: readonly string[], text: string): number {
  const index = names.indexOf(text.toLowerCase());
  return index < 0 ? Number.NaN : index;
}

/** Without am or pm it is taken for am. */
function hourOf12(hour: number, half: string | undefined): number {
  if (half === "pm") return hour === 12 ? 12 : hour + 12;
  return hour === 12 && (half === undefined || half === "" || half === "am") ? 0 : hour;
}

/** The date in full, in UTC when it names a zone, else as a clock on the wall here shows it. */
function complete(fields: Fields, today: number): number | undefined {
  const { hour, minute, second, offset = 0 } = fields;
  const here = new Date(today);
  let year = fields.year ?? here.getUTCFullYear();
  let { month, day } = fields;
  const yearday =
    month === undefined || day === undefined ? (fields.yearday ?? weeksYearday(fields, year)) : undefined;
  if (yearday !== undefined) {
    const date = new Date(Date.UTC(year, 0, yearday));
    year = date.getUTCFullYear();
    month = date.getUTCMonth() + 1;
    day = date.getUTCDate();
  }
  const isToday = month === undefined && day === undefined;
  if (isToday) {
    month = here.getUTCMonth() + 1;
    day = here.getUTCDate();
  }
  if (month === undefined || day === undefined) return undefined;
  let wall = wallTime(year, month, day, hour, minute, second);
  if (wall === undefined) return undefined;
  wall -= offset * 60_000;
  if (isToday && wall > today) wall -= DAY;
  return fields.year === undefined ? notAhead(wall, year, month, day, today) : wall;
}

/** The day of the year that a week (0: before the first Sunday or Monday) and a day of the week mean. */
function weeksYearday({ week, weekday, weekStart }: Fields, year: number): number | undefined {
  if (week === undefined || weekday === undefined) return undefined;
  const newYear = (new Date(Date.UTC(year, 0, 1)).getUTCDay() + 6) % 7;
  const firstWeek = (7 + weekStart - newYear) % 7;
  return 1 + firstWeek + 7 * (week - 1) + ((7 + weekday - weekStart) % 7);
}

/** A number as Python's `int` reads it: blanks around, a sign and the digits of any script are allowed. NaN for anything else. */
export function integer(text: string): number {
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
  return text.replace(/[^\0-\x7f]/gu, (char) => {
    let first = char.codePointAt(0) ?? 0;
    const last = first;
    while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
    return String((last - first) % 10);
  });
}
