import type { DateTemplate } from "../../src/filter/date/date-pattern.ts";
import { readDatepattern } from "../../src/filter/date/date-templates.ts";
import { MONTHS, WEEKDAYS } from "../../src/filter/date/date-value.ts";
import { parsePattern } from "../../src/python/parse/parse.ts";
import type { Tree } from "../../src/python/tree.ts";
import { fromWall, toWall } from "../../src/shared/time.ts";
import { writeMatch } from "./matching-text.ts";
import { pick, type Random, upTo } from "./random-pattern.ts";

/** What a clock shows, or claims to show. */
export type Moment = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

/** Year ends, leap days, the hours that Europe/Zurich skips and doubles, dates that cannot be. */
const ODD: readonly Moment[] = [
  [2024, 12, 31, 23, 59, 59],
  [2025, 1, 1, 0, 0, 0],
  [2025, 12, 31, 23, 59, 59],
  [2026, 1, 1, 0, 0, 0],
  [2024, 2, 29, 12, 0, 0],
  [2025, 2, 28, 23, 59, 59],
  [2025, 2, 29, 12, 0, 0],
  [2025, 3, 30, 1, 59, 59],
  [2025, 3, 30, 2, 30, 0],
  [2025, 3, 30, 3, 0, 0],
  [2025, 10, 26, 1, 59, 59],
  [2025, 10, 26, 2, 0, 0],
  [2025, 10, 26, 2, 30, 0],
  [2025, 10, 26, 3, 0, 0],
  [2000, 1, 1, 0, 0, 0],
  [2029, 12, 31, 23, 59, 59],
  [2030, 1, 1, 0, 0, 0],
  [1999, 12, 31, 23, 59, 59],
  [1970, 1, 1, 0, 0, 1],
  [2025, 4, 31, 12, 0, 0],
  [2025, 6, 15, 23, 59, 60],
  [2025, 6, 15, 23, 59, 61],
  [2025, 6, 15, 24, 0, 0],
  [2025, 13, 1, 0, 0, 0],
  [2025, 0, 0, 0, 0, 0],
];

const HOUR = 3_600_000;

/** How far from now a moment is that is not odd in itself, in milliseconds. */
const NEAR = [0, 0, 0, -1000, -30_000, -59_000, -61_000, -HOUR, -5 * HOUR, 60_000, HOUR].concat(
  [23, 24, 25, 48, -24, -365 * 24, 365 * 24].map((hours) => hours * HOUR),
);

export function randomMoment(random: Random, now: number): Moment {
  return random() < 0.4 ? pick(random, ODD) : momentAt(now + pick(random, NEAR) - upTo(random, 3) * 1000);
}

function momentAt(time: number): Moment {
  const at = new Date(toWall(time));
  const day = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()] as const;
  return [...day, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
}

/** Writes dates as the templates of a datepattern take them. */
export class DateWriter {
  readonly #templates: readonly { readonly kind: DateTemplate["kind"]; readonly tree: Tree }[];
  readonly #random: Random;

  constructor(datepattern: string | undefined, random: Random) {
    this.#templates = readDatepattern(datepattern ?? "", 2, "fail2ban").map(({ kind, source }) => ({
      kind,
      tree: parsePattern(source),
    }));
    this.#random = random;
  }

  /** What is cut from the line, by one of the templates. */
  write(moment: Moment): string {
    const { kind, tree } = pick(this.#random, this.#templates);
    const { groups } = writeMatch(tree, this.#random, (name) => {
      if (kind === "tai64n") return name === "date_" ? tai64n(moment) : undefined;
      return this.#field(name, moment);
    });
    return groups.get(1) ?? "";
  }

  #field(name: string, moment: Moment): string | undefined {
    const [year, month, day, hour, minute, second] = moment;
    switch (name) {
      case "Y":
        return String(year);
      case "y":
        return pad(year % 100);
      case "m":
        return this.#padded(month);
      case "b":
        return titled(MONTHS[month - 1] ?? "foo").slice(0, 3);
      case "B":
        return titled(MONTHS[month - 1] ?? "foo");
      case "d":
        return this.#padded(day);
      case "H":
        return this.#padded(hour);
      case "I":
        return String(hour % 12 || 12);
      case "p":
        return hour < 12 ? "AM" : "PM";
      case "M":
        return pad(minute);
      case "S":
        return pad(second);
      case "a":
        return titled(weekday(moment)).slice(0, 3);
      case "A":
        return titled(weekday(moment));
      case "z":
        return pick(this.#random, ["Z", "UTC", "GMT", "+0100", "-0330", "+02:00", "-11", "+1400"]);
      case "Z":
        return pick(this.#random, ["CET", "CEST", "EST", "UTC", "Z"]);
      case "epoch":
        return (
          Math.floor(epoch(moment) / 1000) + pick(this.#random, ["", "", ".125", ".125250", "125", "125250"])
        );
      default:
        return undefined;
    }
  }

  /** Mostly with its leading zero. */
  #padded(value: number): string {
    return this.#random() < 0.9 ? pad(value) : pick(this.#random, [String(value), ` ${value}`]);
  }
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function titled(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Epoch milliseconds; what is too large runs over. */
function epoch([year, month, day, hour, minute, second]: Moment): number {
  return fromWall(Date.UTC(year, month - 1, day, hour, minute, second));
}

function weekday([year, month, day]: Moment): string {
  return WEEKDAYS[(new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7] ?? "";
}

function tai64n(moment: Moment): string {
  return `@4${Math.floor(epoch(moment) / 1000)
    .toString(16)
    .padStart(15, "0")}0badcafe`;
}
