import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import fc from "fast-check";
import {
  fromWall,
  laterReadings,
  localTime,
  setZone,
  toWall,
  withoutYear,
  zoneOffset,
} from "../../src/shared/time.ts";

type Clock = Parameters<typeof localTime>;

beforeEach(() => setZone("Europe/Zurich"));

const DATES: readonly [name: string, clock: Clock, expected: string | undefined][] = [
  ["winter", [2005, 1, 23, 21, 59, 59], "2005-01-23T20:59:59.000Z"],
  ["summer", [2005, 8, 14, 12, 0, 0], "2005-08-14T10:00:00.000Z"],
  ["the hour that is skipped", [2005, 3, 27, 2, 30, 0], "2005-03-27T01:30:00.000Z"],
  ["the hour that is doubled, first", [2005, 10, 30, 2, 30, 0], "2005-10-30T00:30:00.000Z"],
  ["after the doubled hour", [2005, 10, 30, 3, 0, 0], "2005-10-30T02:00:00.000Z"],
  ["end of year", [2005, 12, 31, 23, 59, 59], "2005-12-31T22:59:59.000Z"],
  ["29 February", [2004, 2, 29, 0, 0, 0], "2004-02-28T23:00:00.000Z"],
  ["29 February of 2000", [2000, 2, 29, 12, 0, 0], "2000-02-29T11:00:00.000Z"],
  ["29 February of a common year", [2005, 2, 29, 0, 0, 0], undefined],
  ["29 February of 1900", [1900, 2, 29, 0, 0, 0], undefined],
  ["30 February", [2004, 2, 30, 0, 0, 0], undefined],
  ["31 April", [2005, 4, 31, 0, 0, 0], undefined],
  ["day 0", [2005, 4, 0, 0, 0, 0], undefined],
  ["month 13", [2005, 13, 1, 0, 0, 0], undefined],
  ["24 o'clock", [2005, 1, 1, 24, 0, 0], undefined],
  ["25 o'clock", [2005, 1, 1, 25, 0, 0], undefined],
  ["a 60th minute", [2005, 1, 1, 0, 60, 0], undefined],
  ["a leap second", [2005, 12, 31, 23, 59, 60], undefined],
  ["year 0", [0, 1, 1, 0, 0, 0], undefined],
  ["no number", [2005, Number.NaN, 1, 0, 0, 0], undefined],
];

for (const [name, clock, expected] of DATES) {
  test(`localTime reads ${name}`, () => assert.equal(iso(localTime(...clock)), expected));
}

test("localTime does not add a century to years of two digits", () => {
  setZone("UTC");
  assert.equal(iso(localTime(99, 3, 1, 0, 0, 0)), "0099-03-01T00:00:00.000Z");
});

const NOW = "2005-08-14T10:00:00Z";
const YEARLESS: readonly [name: string, clock: number[], now: string, expected: string | undefined][] = [
  ["this year", [8, 14, 11, 59, 59], NOW, "2005-08-14T09:59:59.000Z"],
  ["24 hours ahead", [8, 15, 12, 0, 0], NOW, "2005-08-15T10:00:00.000Z"],
  ["more than 24 hours ahead", [8, 15, 12, 0, 1], NOW, "2004-08-15T10:00:01.000Z"],
  ["December in January", [12, 31, 23, 59, 59], "2004-12-31T23:00:00Z", "2004-12-31T22:59:59.000Z"],
  ["January on New Year's Eve", [1, 1, 0, 0, 1], "2004-12-31T22:59:59Z", "2003-12-31T23:00:01.000Z"],
  ["29 February in a leap year", [2, 29, 1, 0, 0], "2012-03-01T00:00:00Z", "2012-02-29T00:00:00.000Z"],
  ["29 February in a common year", [2, 29, 1, 0, 0], NOW, undefined],
  ["29 February ahead, after a common year", [2, 29, 1, 0, 0], "2012-02-01T00:00:00Z", undefined],
];

for (const [name, [month = 0, day = 0, hour = 0, minute = 0, second = 0], now, expected] of YEARLESS) {
  test(`withoutYear finds the year of ${name}`, () => {
    assert.equal(iso(withoutYear(month, day, hour, minute, second, Date.parse(now))), expected);
  });
}

const OFFSETS: readonly [text: string, minutes: number | undefined][] = [
  ["Z", 0],
  ["UTC", 0],
  ["GMT", 0],
  ["+0300", 180],
  ["+03:00", 180],
  ["-03", -180],
  ["-0130", -90],
  ["CET", 60],
  ["CEST", 120],
  ["PDT", -420],
  ["NST", -210],
  ["CET+0130", 150],
  ["UTC-04:30", -270],
  ["A", 60],
  ["utc", undefined],
  ["PT", undefined],
  ["FOO", undefined],
  ["+3", undefined],
  ["+2300", undefined],
  ["+03:0", undefined],
  ["constructor", undefined],
];

for (const [text, minutes] of OFFSETS) {
  test(`zoneOffset reads ${JSON.stringify(text)}`, () => assert.equal(zoneOffset(text), minutes));
}

test("setZone changes how clocks are read", () => {
  setZone("America/New_York");
  assert.equal(iso(localTime(2005, 8, 14, 12, 0, 0)), "2005-08-14T16:00:00.000Z");
});

for (const zone of ["Mars/Olympus", "", "+03:00", ":/etc/localtime", "CET-1CEST"]) {
  test(`setZone refuses ${JSON.stringify(zone)}`, () => {
    assert.throws(() => setZone(zone), RangeError);
    assert.equal(process.env.TZ, "Europe/Zurich");
  });
}

test("fromWall is the inverse of toWall, except in the hour that occurs twice", () => {
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(
    fc.property(seconds, (second) => {
      const time = second * 1000;
      const again = fromWall(toWall(time));
      assert.ok(again === time || (again === time - 3_600_000 && toWall(again) === toWall(time)));
    }),
  );
});

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

const LATER: readonly [
  name: string,
  zone: string,
  time: string,
  doubt: "zone" | "year",
  later: readonly string[],
][] = [
  ["the first of two hours", "Europe/Zurich", "2026-10-25T00:30:00Z", "zone", ["2026-10-25T01:30:00.000Z"]],
  ["the second of two hours", "Europe/Zurich", "2026-10-25T01:30:00Z", "zone", []],
  ["an hour before them", "Europe/Zurich", "2026-10-24T23:59:59Z", "zone", []],
  ["the hour before clocks are put forward", "Europe/Zurich", "2026-03-29T00:30:00Z", "zone", []],
  [
    "the first of two half hours",
    "Australia/Lord_Howe",
    "2026-04-04T14:40:00Z",
    "zone",
    ["2026-04-04T15:10:00.000Z"],
  ],
  ["a zone that never changes", "UTC", "2026-10-25T00:30:00Z", "zone", []],
  ["a day without a year", "UTC", "2026-01-01T00:00:01.5Z", "year", ["2027-01-01T00:00:01.500Z"]],
  ["29 February without a year", "UTC", "2024-02-29T12:00:00Z", "year", []],
];

for (const [name, zone, time, doubt, later] of LATER) {
  test(`laterReadings of ${name}`, () => {
    setZone(zone);
    assert.deepEqual(laterReadings(Date.parse(time), doubt).map(iso), later);
  });
}
