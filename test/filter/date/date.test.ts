import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import fc from "fast-check";
import { DateDetector } from "../../../src/filter/date/date.ts";
import { PatternError } from "../../../src/python/pattern.ts";
import { setZone } from "../../../src/shared/time.ts";

const NOW = Date.parse("2005-08-14T10:00:00Z");

beforeEach(() => setZone("Europe/Zurich"));

/** What is cut out, and the time it tells. */
function read(
  line: string,
  datepattern?: string,
  now = NOW,
): [text: string, time: string | undefined] | undefined {
  const found = new DateDetector(datepattern).find(line, now);
  if (found === undefined) return undefined;
  const time = found.time === undefined ? undefined : new Date(found.time).toISOString();
  return [line.slice(found.start, found.end), time];
}

const TIME = "2005-01-23T20:59:59.000Z";
const DEFAULTS: readonly [date: string, text?: string | undefined, time?: string][] = [
  ["Jan 23 21:59:59"],
  ["jan 23 21:59:59"],
  ["Sun Jan 23 21:59:59 2005"],
  ["Sun Jan 23 21:59:59.011 2005"],
  ["Sun Jan 23 2005 21:59:59"],
  ["2005/01/23 21:59:59"],
  ["2005.01.23 21:59:59"],
  ["2005-01-23T20:59:59.252Z"],
  ["2005-01-23T15:59:59-05:00"],
  ["2005-01-23 21:59:59,000"],
  ["2005-01-23 21:59:59 +0100"],
  ["23/01/2005 21:59:59"],
  ["23/01/05 21:59:59"],
  ["23/Jan/2005:21:59:59"],
  ["23/Jan/2005:21:59:59 +0100"],
  ["23-Jan-2005 21:59:59.02"],
  ["01/23/2005:21:59:59"],
  ["01-23-2005 21:59:59.252"],
  ["1106513999"],
  ["[1106513999]", "1106513999"],
  ["1106513999.250", undefined, "2005-01-23T20:59:59.250Z"],
  ["<01/23/05@21:59:59>"],
  ["050123 21:59:59"],
  ["Jan 23, 2005 9:59:59 PM"],
  ["Jan-23-05 21:59:59"],
  ["20050123T215959"],
  ["20050123-21:59:59"],
  ["20050123 215959"],
  ["UTC Jan 23 20:59:59"],
  ["PST Jan 23 12:59:59"],
  ["+00:00 Jan 23 20:59:59.011 2005"],
  ["@4000000041f4104f00000000"],
  ["21:59:59", undefined, "2005-08-13T19:59:59.000Z"],
  ["11:59:59", undefined, "2005-08-14T09:59:59.000Z"],
];

for (const [date, text = date, time = TIME] of DEFAULTS) {
  test(`DateDetector reads ${date}`, () => {
    assert.deepEqual(read(`${date} host sshd[1]: error`), [text, time]);
    assert.deepEqual(read(`${date} host sshd[1]: error`, "{^LN-BEG}"), [text, time]);
  });
}

interface PatternCase {
  readonly name: string;
  readonly datepattern?: string;
  readonly line: string;
  readonly now?: string;
  readonly expected: ReturnType<typeof read>;
}

const none = undefined;
const CASES: readonly PatternCase[] = [
  // Where it stands
  { name: "a date in brackets", line: "[Jan 23 21:59:59] x", expected: ["Jan 23 21:59:59", TIME] },
  {
    name: "a date in the middle",
    line: "host - [23/Jan/2005:20:59:59 +0000] x",
    expected: ["23/Jan/2005:20:59:59 +0000", TIME],
  },
  { name: "a date that is part of a word", line: "x2005-01-23 21:59:59", expected: none },
  { name: "a date that goes on as a word", line: "2005-01-23 21:59:59x", expected: none },
  {
    name: "SELinux's seconds",
    line: "type=X msg=audit(1106513999.000:987): x",
    expected: ["1106513999.000", TIME],
  },
  { name: "seconds in a message", line: "x 1106513999", expected: none },
  { name: "twelve digits", line: "110651399901 x", expected: none },
  {
    name: "the first date, whatever its form",
    line: "a b 050123 21:59:59, 2005-01-24 00:00:00",
    expected: ["050123 21:59:59", TIME],
  },
  {
    name: "the date before one that the message brings",
    line: "host 23/Jan/2005:21:59:59 user=@4000000041f4104f00000000",
    expected: ["23/Jan/2005:21:59:59", TIME],
  },
  {
    name: "column 1 before column 0, if its template comes first",
    datepattern: "%Y-%m-%d\n**<%Y-%m-%d",
    line: "<2005-01-23 x",
    expected: ["2005-01-23", "2005-01-22T23:00:00.000Z"],
  },
  {
    name: "column 1 behind a wide character",
    datepattern: "%Y-%m-%d\n**😀%Y-%m-%d",
    line: "😀2005-01-23 x",
    expected: ["2005-01-23", "2005-01-22T23:00:00.000Z"],
  },
  {
    name: "no more than two characters before it",
    datepattern: "{^LN-BEG}",
    line: "<<<Jan 23 21:59:59",
    expected: none,
  },
  // What it says
  { name: "no date", line: "no date here", expected: none },
  { name: "an empty line", line: "", expected: none },
  { name: "30 February", line: "2005-02-30 00:00:00 x", expected: ["2005-02-30 00:00:00", undefined] },
  { name: "a leap second", line: "2005-12-31 23:59:60 x", expected: ["2005-12-31 23:59:60", undefined] },
  { name: "29 o'clock", line: "Aug 14 29:00:00 x", expected: ["Aug 14 29:00:00", undefined] },
  {
    name: "29 February of a common year",
    line: "Feb 29 12:00:00 x",
    expected: ["Feb 29 12:00:00", undefined],
  },
  {
    name: "29 February of a leap year",
    line: "Feb 29 12:00:00 x",
    now: "2012-03-01T00:00:00Z",
    expected: ["Feb 29 12:00:00", "2012-02-29T11:00:00.000Z"],
  },
  {
    name: "December in January",
    line: "Dec 31 23:59:59 x",
    now: "2005-01-01T00:00:00Z",
    expected: ["Dec 31 23:59:59", "2004-12-31T22:59:59.000Z"],
  },
  {
    name: "24 hours ahead",
    line: "Aug 15 12:00:00 x",
    expected: ["Aug 15 12:00:00", "2005-08-15T10:00:00.000Z"],
  },
  {
    name: "more than 24 hours ahead",
    line: "Aug 15 12:00:01 x",
    expected: ["Aug 15 12:00:01", "2004-08-15T10:00:01.000Z"],
  },
  {
    name: "a zone it doesn't know",
    line: "ERROR Aug 14 11:00:00 x",
    expected: ["ERROR Aug 14 11:00:00", undefined],
  },
  { name: "a year far ahead", line: "2031-01-01 00:00:00 x", expected: none },
  {
    name: "a year that has come into sight",
    line: "2031-01-01 00:00:00 x",
    now: "2030-06-01T00:00:00Z",
    expected: ["2031-01-01 00:00:00", "2030-12-31T23:00:00.000Z"],
  },
  {
    name: "digits of another script",
    line: "2005-01-23 21:59:5٩ x",
    expected: ["2005-01-23 21:59:5٩", TIME],
  },
  {
    name: "a TAI64N beyond all dates",
    line: "@4fffffffffffffff00000000 x",
    expected: ["@4fffffffffffffff00000000", undefined],
  },
  // Datepatterns
  {
    name: "a pattern of one's own",
    datepattern: "^%Y %b %d",
    line: "2005 jun 03 x",
    expected: ["2005 jun 03", "2005-06-02T22:00:00.000Z"],
  },
  {
    name: "group 1 alone",
    datepattern: '"time":"(%Y-%m-%dT%H:%M:%S)"',
    line: '{"time":"2005-01-23T21:59:59"}',
    expected: ["2005-01-23T21:59:59", TIME],
  },
  {
    name: "a frame without a group",
    datepattern: "^\\[%d/%b/%Y %H:%M:%S\\]",
    line: "[23/Jan/2005 21:59:59] x",
    expected: ["[23/Jan/2005 21:59:59]", TIME],
  },
  {
    name: "{DATE} in a frame",
    datepattern: "^[^\\[]*\\[({DATE})\\]",
    line: "Jan 01 x [2005-01-23 21:59:59] x",
    expected: ["2005-01-23 21:59:59", TIME],
  },
  {
    name: "{DATE} in a frame that is cut too",
    datepattern: '^<co ts="{DATE}"\\s+',
    line: '<co ts="2005-01-23 21:59:59"  x',
    expected: ['<co ts="2005-01-23 21:59:59"  ', TIME],
  },
  { name: "words bounded", datepattern: "%H:%M:%S", line: "x11:00:00", expected: none },
  {
    name: "** without bounds",
    datepattern: "**%H:%M:%S**",
    line: "x11:00:00x",
    expected: ["11:00:00", "2005-08-14T09:00:00.000Z"],
  },
  {
    name: "{UNB} without bounds",
    datepattern: "{UNB}%H:%M:%S",
    line: "x11:00:00x",
    expected: ["11:00:00", "2005-08-14T09:00:00.000Z"],
  },
  {
    name: "{^LN-BEG} with an open end",
    datepattern: "{^LN-BEG}%ExY%Exm%Exd%ExH%ExM%ExS**",
    line: "##200501232159592005",
    expected: ["20050123215959", TIME],
  },
  {
    name: "the end of the line",
    datepattern: "%H:%M:%S$",
    line: "10:00:00 11:00:00",
    expected: ["11:00:00", "2005-08-14T09:00:00.000Z"],
  },
  {
    name: "lines in order",
    datepattern: "^%H:%M:%S\n^%d.%m.%Y",
    line: "23.01.2005 x",
    expected: ["23.01.2005", "2005-01-22T23:00:00.000Z"],
  },
  {
    name: "milliseconds",
    datepattern: "LEPOCH",
    line: "1106513999123 x",
    expected: ["1106513999123", "2005-01-23T20:59:59.123Z"],
  },
  {
    name: "milliseconds with a fraction",
    datepattern: "LEPOCH",
    line: "1106513999123.4 x",
    expected: ["1106513999123.4", "2005-01-23T20:59:59.123Z"],
  },
  {
    name: "microseconds",
    datepattern: "LEPOCH",
    line: "1106513999123456 x",
    expected: ["1106513999123456", "2005-01-23T20:59:59.123Z"],
  },
  {
    name: "{EPOCH} in a frame that is cut too",
    datepattern: "t={EPOCH} ",
    line: "x t=1106513999 y",
    expected: ["t=1106513999", TIME],
  },
  {
    name: "{EPOCH} left out",
    datepattern: "^x(?: {EPOCH})?",
    line: "x y",
    expected: ["x", undefined],
  },
  {
    name: "Epoch in lower case",
    datepattern: "{^LN-BEG}Epoch",
    line: "[1106513999] x",
    expected: ["1106513999", TIME],
  },
  {
    name: "12 at night",
    datepattern: "^%Y-%m-%d %I:%M %p",
    line: "2005-01-23 12:30 AM x",
    expected: ["2005-01-23 12:30 AM", "2005-01-22T23:30:00.000Z"],
  },
  {
    name: "12 at noon",
    datepattern: "^%Y-%m-%d %I:%M %p",
    line: "2005-01-23 12:30 pm x",
    expected: ["2005-01-23 12:30 pm", "2005-01-23T11:30:00.000Z"],
  },
  {
    name: "an hour without am or pm",
    datepattern: "^%Y-%m-%d %l:%M",
    line: "2005-01-23  9:30 x",
    expected: ["2005-01-23  9:30", "2005-01-23T08:30:00.000Z"],
  },
  {
    name: "names in full",
    datepattern: "^%A, %d %B %Y",
    line: "Sunday, 23 January 2005",
    expected: ["Sunday, 23 January 2005", "2005-01-22T23:00:00.000Z"],
  },
  {
    name: "a day of the year",
    datepattern: "^%Y %j %H",
    line: "2004 366 12 x",
    expected: ["2004 366 12", "2004-12-31T11:00:00.000Z"],
  },
  {
    name: "a week from Sunday",
    datepattern: "^%y %U %A %H",
    line: "01 11 Wednesday 21",
    expected: ["01 11 Wednesday 21", "2001-03-21T20:00:00.000Z"],
  },
  {
    name: "a week from Monday",
    datepattern: "^%y %W %w %H",
    line: "01 11 0 21",
    expected: ["01 11 0 21", "2001-03-18T20:00:00.000Z"],
  },
  {
    name: "week 0",
    datepattern: "^%Y %W %a",
    line: "2005 0 sat",
    expected: ["2005 0 sat", "2004-12-31T23:00:00.000Z"],
  },
  {
    name: "week 0 of a year that begins on Monday",
    datepattern: "^%Y %W %a",
    line: "2001 0 wed",
    expected: ["2001 0 wed", "2001-01-02T23:00:00.000Z"],
  },
  {
    name: "a month without a day",
    datepattern: "^%Y-%m",
    line: "2005-01 x",
    expected: ["2005-01", undefined],
  },
  {
    name: "zones by name",
    datepattern: "^%Y-%m-%d %H:%M %Exz",
    line: "2005-01-23 12:30 CET+0130 x",
    expected: ["2005-01-23 12:30 CET+0130", "2005-01-23T10:00:00.000Z"],
  },
  {
    name: "a zone behind the date",
    datepattern: "^%Y-%m-%d %H:%M(?= %z)",
    line: "2005-01-23 12:30 +0300 x",
    expected: ["2005-01-23 12:30", "2005-01-23T09:30:00.000Z"],
  },
  {
    name: "a percent sign",
    datepattern: "^%%%Y%%",
    line: "%2005% x",
    expected: ["%2005%", "2005-08-13T22:00:00.000Z"],
  },
];

for (const { name, datepattern, line, now, expected } of CASES) {
  test(`DateDetector finds ${name}`, () => {
    assert.deepEqual(read(line, datepattern, now === undefined ? NOW : Date.parse(now)), expected);
  });
}

for (const datepattern of ["{NONE}", "^x()**", "^x(y)?"]) {
  test(`DateDetector says that ${datepattern} inherits its time`, () => {
    const found = new DateDetector(datepattern).find("x 2005-01-23 21:59:59", NOW);
    assert.equal(found?.inherits, true);
    assert.equal(found.start, found.end);
    assert.equal(found.time, undefined);
  });
}

test("DateDetector reads the same text anew at another time", () => {
  const dates = new DateDetector();
  const times = ["2005-08-14T10:00:00Z", "2006-08-14T10:00:00Z"].map((now) =>
    new Date(dates.find("Jan 23 21:59:59 x", Date.parse(now))?.time ?? 0).toISOString(),
  );
  assert.deepEqual(times, ["2005-01-23T20:59:59.000Z", "2006-01-23T20:59:59.000Z"]);
});

test("DateDetector reads the same text anew with another zone behind it", () => {
  const dates = new DateDetector("^%Y-%m-%d %H:%M(?= %z)");
  const times = ["+0100", "+0300"].map((zone) =>
    new Date(dates.find(`2005-01-23 12:00 ${zone}`, NOW)?.time ?? 0).toISOString(),
  );
  assert.deepEqual(times, ["2005-01-23T11:00:00.000Z", "2005-01-23T09:00:00.000Z"]);
});

test("DateDetector describes its templates as a datepattern would have them", () => {
  const dates = new DateDetector("^%H:%M:%S\n{^LN-BEG}");
  const names = ["11:00:00", "@4000000041f4104f00000000"].map((line) =>
    dates.describe(dates.find(line, NOW)?.template ?? -1),
  );
  assert.deepEqual(names, ["^%H:%M:%S", "{^LN-BEG}TAI64N"]);
});

for (const datepattern of ["%q", "100%", "%Y-%", "%Y (", "{DATE}("]) {
  test(`DateDetector refuses ${JSON.stringify(datepattern)}`, () => {
    assert.throws(() => new DateDetector(datepattern), PatternError);
  });
}

const detectors = [
  undefined,
  "{^LN-BEG}",
  "^[^\\[]*\\[({DATE})",
  "LEPOCH\n{NONE}",
  "%c\n%x %X\n%j %U %w",
].map((datepattern) => new DateDetector(datepattern));
const parts = fc.constantFrom(
  ...DEFAULTS.map(([date]) => date),
  ...DEFAULTS.flatMap(([date]) => date.split(/\b/)),
);
const lines = fc
  .array(fc.oneof(parts, fc.string({ unit: "binary" }), fc.constantFrom("\ud800", "٣", "[", " ")))
  .map((all) => all.join(""));

test("DateDetector never throws, cuts within the line and tells times that a Date can hold", () => {
  fc.assert(
    fc.property(lines, fc.constantFrom(...detectors), (line, dates) => {
      const found = dates.find(line, NOW);
      if (found === undefined) return;
      assert.ok(0 <= found.start && found.start <= found.end && found.end <= line.length);
      assert.ok(
        found.time === undefined || (Number.isInteger(found.time) && Math.abs(found.time) <= 8.64e15),
      );
      assert.ok(found.inherits !== true || (found.start === found.end && found.time === undefined));
    }),
    { numRuns: 500 },
  );
});

test("DateDetector finds in a line what it found before others came between", () => {
  const dates = new DateDetector();
  fc.assert(
    fc.property(lines, lines, (line, other) => {
      const before = dates.find(line, NOW);
      dates.find(other, NOW);
      assert.deepEqual(dates.find(line, NOW), before);
      assert.deepEqual(new DateDetector().find(line, NOW), before);
    }),
    { numRuns: 200 },
  );
});
