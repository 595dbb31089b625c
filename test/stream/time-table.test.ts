import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import type { CompiledJail } from "../../src/stream/jail/compile-jails.ts";
import { TestEngine } from "../helpers/engine.ts";
import { filterRule, newJail } from "../helpers/jail.ts";
import { ROOT } from "../helpers/root.ts";

// The list in section TIME of f2b-stream.1, line by line: no false ban, no burst lost.

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

/** What a jail sees: the message behind a syslog header, or the raw line, whose date it finds by itself. */
const KINDS = ["header", "raw"] as const;
type Kind = (typeof KINDS)[number];

function jailOf(kind: Kind, bantime: number): CompiledJail {
  const failregex = kind === "header" ? "^failed <HOST>$" : "^\\s*(?:web1 )?app: failed <HOST>$";
  const filter = filterRule({ failregex: [failregex] });
  const identifier = kind === "header" ? ["app"] : undefined;
  return { jail: newJail({ filter, identifier, maxretry: 3, bantime }), filter: compileFilter(filter) };
}

interface Case {
  readonly name: string;
  readonly zone?: string;
  readonly kinds?: readonly Kind[];
  /** Minutes. */
  readonly bantime?: number;
  /** Undefined: live. Else the moment of reading. */
  readonly replay?: string;
  /** When lines come, and their dates; all are of 192.0.2.1, but those behind whose date another address stands. */
  readonly lines: readonly (readonly [at: string, ...dates: string[]])[];
  /** Commands with their times. */
  readonly gives: readonly string[];
  readonly told?: RegExp;
}

/** `2026-11-21T12:00:00Z`, with or without the date. */
const at = (text: string) => Date.parse(text.length > 10 ? text : `2026-11-21T${text}Z`);

const live = (...lines: Case["lines"]) => lines;
/** All at once. */
const replayed = (...dates: string[]): Case["lines"] => [["12:00:00", ...dates]];

const ROWS: Readonly<Record<string, readonly Case[]>> = {
  "Late lines": [
    {
      name: "count at their own time, and their ban ends a bantime later",
      lines: live(["12:00:00", "Nov 21 11:55:00", "Nov 21 11:55:01", "Nov 21 11:55:02"]),
      gives: ["ban 11:55:02 to 12:05:02"],
    },
    {
      name: "complete a window with lines on time",
      lines: live(
        ["12:00:00", "Nov 21 12:00:00"],
        ["12:00:01", "Nov 21 11:52:00"],
        ["12:00:02", "Nov 21 12:00:02"],
      ),
      gives: ["ban 12:00:02 to 12:10:02"],
    },
    {
      name: "complete none with lines a findtime later",
      lines: live(["12:00:00", "Nov 21 11:50:00", "Nov 21 11:50:00", "Nov 21 12:00:00"]),
      gives: [],
    },
    {
      name: "bring no ban that has ended, and that is told",
      lines: live(["12:00:00", "Nov 21 11:49:58", "Nov 21 11:49:59", "Nov 21 11:50:00"]),
      gives: [],
      told: /^warning: a ban was not written because it has ended already: the log is old$/m,
    },
  ],
  "A log that is always late": [
    {
      name: "counts when its lines come, and the zone is named",
      bantime: 1440,
      lines: live(
        ["11:59:50"],
        ...[0, 1, 2, 3, 4, 5].map((minute) => [`12:0${minute}:00`, on21(`11:0${minute}:00`)] as const),
      ),
      gives: ["ban 12:02:00 to 2026-11-22T12:02:00Z", "repeat 12:02:00 to 2026-11-22T12:02:00Z"],
      told: /^warning: lines are always 1h late, and count as now$/m,
    },
    {
      name: "counts when its lines come, within seconds",
      lines: live(
        ["11:59:50"],
        ["12:00:00", on21("11:00:00"), on21("11:00:00")],
        ["12:00:05", on21("11:00:05")],
      ),
      gives: ["ban 12:00:05 to 12:10:05"],
      told: /^hint: the log is in another time zone: try --tz Etc\/GMT\+1$/m,
    },
    {
      name: "is not known by a burst of less than five seconds",
      lines: live(
        ["11:59:50"],
        ["12:00:00", on21("11:00:00"), on21("11:00:00")],
        ["12:00:04", on21("11:00:04")],
      ),
      gives: [],
      told: /^warning: a ban was not written because it has ended already: the log is old$/m,
    },
    {
      name: "may be early as well: no burst is lost",
      lines: live(
        ["11:59:50"],
        ["12:00:00", on21("14:00:00")],
        ["12:00:04", on21("14:00:04")],
        ["12:00:08", on21("14:00:08")],
      ),
      gives: ["ban 12:00:08 to 12:10:08"],
      told: /^warning: lines are always 2h early, and count as now$/m,
    },
    {
      name: "is a backlog where it is there when reading begins",
      bantime: 1440,
      lines: live(["12:00:00", on21("11:00:00"), on21("11:00:00"), on21("11:00:00")]),
      gives: ["ban 11:00:00 to 2026-11-22T11:00:00Z"],
    },
  ],
  "Lines ahead of now": [
    {
      name: "by a minute count at their own time",
      lines: live(["12:00:00", "Nov 21 12:00:58", "Nov 21 12:00:59", "Nov 21 12:01:00"]),
      gives: ["ban 12:01:00 to 12:11:00"],
    },
    {
      name: "by more count as now",
      lines: live(["12:00:00", "Nov 21 12:01:01", "Nov 21 18:30:00"], ["12:05:00", "Nov 22 11:00:00"]),
      gives: ["ban 12:05:00 to 12:15:00"],
    },
  ],
  "Lines out of order": [
    {
      name: "complete a window",
      lines: live(["12:00:00", "Nov 21 11:59:59", "Nov 21 11:59:51", "Nov 21 11:59:55"]),
      gives: ["ban 11:59:55 to 12:09:55"],
    },
    {
      name: "complete a window in a replay",
      replay: "2026-11-22T00:00:00Z",
      lines: replayed("Nov 21 11:59:59", "Nov 21 11:59:51", "Nov 21 11:59:55", "Nov 21 12:09:55"),
      gives: ["ban 11:59:55 to 12:09:55", "unban 12:09:55"],
    },
  ],
  "A backlog": [
    {
      name: "of an hour gives the bans that are still in force",
      bantime: 60,
      lines: live(["12:00:00", ...["11:00:00", "11:00:01", "11:05:00", "11:30:00", "11:30:09"].map(on21)]),
      gives: ["ban 11:05:00 to 12:05:00"],
    },
    {
      name: "of an hour gives none for failures that were far apart",
      bantime: 60,
      lines: live([
        "12:00:00",
        ...["11:00:00", "11:06:00", "11:12:00", "11:18:00", "11:24:00", "11:59:00"].map(on21),
      ]),
      gives: [],
    },
    {
      name: "is followed by lines on time, with which its end makes a burst",
      lines: live(
        ["12:00:00", on21("11:00:00"), on21("11:30:00"), on21("11:59:58")],
        ["12:00:01", on21("12:00:00")],
        ["12:00:02", on21("12:00:02")],
      ),
      gives: ["ban 12:00:02 to 12:10:02"],
    },
  ],
  "Lines without a date": [
    {
      name: "take that of the line before",
      kinds: ["raw"],
      lines: live(["12:00:00", on21("11:59:10"), "", ""]),
      gives: ["ban 11:59:10 to 12:09:10"],
    },
    {
      name: "count as now when that is a minute old",
      kinds: ["raw"],
      lines: live(["12:00:00", on21("11:58:59"), "", ""], ["12:00:01", ""]),
      gives: ["ban 12:00:00 to 12:10:00"],
    },
  ],
  "New Year": [
    {
      name: "divides no burst",
      lines: live(["2027-01-01T00:00:02Z", "Dec 31 23:59:58", "Dec 31 23:59:59", "Jan  1 00:00:01"]),
      gives: ["ban 2027-01-01T00:00:01Z to 2027-01-01T00:10:01Z"],
    },
    {
      name: "divides none when the sender's clock is a little fast",
      lines: live(["2026-12-31T23:59:58Z", "Dec 31 23:59:58", "Dec 31 23:59:59", "Jan  1 00:00:01"]),
      gives: ["ban 2027-01-01T00:00:01Z to 2027-01-01T00:10:01Z"],
    },
    {
      name: "divides none in a replay of much later",
      replay: "2027-11-22T00:00:00Z",
      lines: replayed("Dec 31 23:59:58", "Dec 31 23:59:59", "Jan  1 00:00:01", "Jan  1 01:00:00"),
      gives: ["ban 2027-01-01T00:00:01Z to 2027-01-01T00:10:01Z", "unban 2027-01-01T00:10:01Z"],
    },
    {
      name: "divides none in a replay of that very night",
      replay: "2026-12-31T23:59:59Z",
      lines: replayed("Dec 31 23:59:57", "Dec 31 23:59:58", "Jan  1 00:00:01"),
      gives: ["ban 2027-01-01T00:00:01Z to 2027-01-01T00:10:01Z"],
    },
    {
      name: "makes an old line of January no new one in December",
      lines: live(["2026-12-31T20:00:00Z", "Jan  1 10:00:00", "Jan  1 10:00:01", "Jan  1 10:00:02"]),
      gives: [],
      told: /has ended already/,
    },
  ],
  "Clocks put back": [
    {
      name: "hide no burst in the hour that comes again",
      zone: "Europe/Zurich",
      lines: live(["2026-10-25T01:30:10Z", "Oct 25 02:30:07", "Oct 25 02:30:08", "Oct 25 02:30:09"]),
      gives: ["ban 2026-10-25T01:30:09Z to 2026-10-25T01:40:09Z"],
    },
    {
      name: "hide none in the hour that will come again",
      zone: "Europe/Zurich",
      lines: live(["2026-10-25T00:30:10Z", "Oct 25 02:30:07", "Oct 25 02:30:08", "Oct 25 02:30:09"]),
      gives: ["ban 2026-10-25T00:30:09Z to 2026-10-25T00:40:09Z"],
    },
    {
      name: "divide no burst",
      zone: "Europe/Zurich",
      lines: live(
        ["2026-10-25T00:59:59Z", "Oct 25 02:59:58", "Oct 25 02:59:59"],
        ["2026-10-25T01:00:03Z", "Oct 25 02:00:02"],
      ),
      gives: ["ban 2026-10-25T01:00:02Z to 2026-10-25T01:10:02Z"],
    },
    {
      name: "make none of failures an hour apart",
      zone: "Europe/Zurich",
      lines: live(
        ["2026-10-25T00:10:00Z", "Oct 25 02:09:59", "Oct 25 02:10:00"],
        ["2026-10-25T01:10:02Z", "Oct 25 02:10:01", "Oct 25 02:10:02"],
      ),
      gives: [],
    },
    {
      name: "make none in a replay, nor lose one, nor end a ban twice",
      zone: "Europe/Zurich",
      replay: "2026-11-22T00:00:00Z",
      lines: replayed(
        ...["02:09:59", "02:10:00", "02:59:59", "02:10:01", "02:10:02"].map((time) => `Oct 25 ${time}`),
        ...["02:10:03", "02:20:03", "02:30:00"].map((time) => `Oct 25 ${time}`),
      ),
      gives: ["ban 2026-10-25T01:10:03Z to 2026-10-25T01:20:03Z", "unban 2026-10-25T01:20:03Z"],
    },
    {
      name: "make none of a backlog, hours later",
      zone: "Europe/Zurich",
      bantime: 600,
      lines: live([
        "2026-10-25T06:00:00Z",
        ...["02:09:59", "02:10:00", "02:59:59", "02:10:01", "02:10:02", "02:10:03"].map(
          (time) => `Oct 25 ${time}`,
        ),
      ]),
      gives: ["ban 2026-10-25T01:10:03Z to 2026-10-25T11:10:03Z"],
    },
  ],
  "Clocks put forward": [
    {
      name: "divide no burst",
      zone: "Europe/Zurich",
      lines: live(
        ["2026-03-29T00:59:59Z", "Mar 29 01:59:58", "Mar 29 01:59:59"],
        ["2026-03-29T01:00:02Z", "Mar 29 03:00:01"],
      ),
      gives: ["ban 2026-03-29T01:00:01Z to 2026-03-29T01:10:01Z"],
    },
    {
      name: "divide none where a program has not noticed",
      zone: "Europe/Zurich",
      lines: live(
        ["2026-03-29T00:59:59Z", "Mar 29 01:59:58", "Mar 29 01:59:59"],
        ["2026-03-29T01:00:02Z", "Mar 29 02:00:01"],
      ),
      gives: ["ban 2026-03-29T01:00:01Z to 2026-03-29T01:10:01Z"],
    },
  ],
  "Leap seconds": [
    {
      name: "lose no failure",
      lines: live(["2027-01-01T00:00:00Z", "Dec 31 23:59:58", "Dec 31 23:59:59", "Dec 31 23:59:60"]),
      gives: [/^ban 20(?:26-12-31T23:59:59|27-01-01T00:00:00)Z to /.source],
    },
    {
      name: "lose none in a replay",
      replay: "2027-11-22T00:00:00Z",
      lines: replayed("Dec 31 23:59:58", "Dec 31 23:59:59", "Dec 31 23:59:60"),
      gives: ["ban 2026-12-31T23:59:59Z to 2027-01-01T00:09:59Z"],
    },
    {
      name: "lose none in ISO dates",
      replay: "2027-11-22T00:00:00Z",
      lines: replayed("2026-12-31T23:59:58Z", "2026-12-31T23:59:59Z", "2026-12-31T23:59:60Z"),
      gives: ["ban 2026-12-31T23:59:59Z to 2027-01-01T00:09:59Z"],
    },
  ],
  "Dates with a zone": [
    {
      name: "mean what they say, whatever the zone here",
      zone: "Asia/Kolkata",
      lines: live([
        "12:00:02",
        "2026-11-21T11:59:59Z",
        "2026-11-21T13:00:00+01:00",
        "2026-11-21T02:00:01-1000",
      ]),
      gives: ["ban 12:00:01 to 12:10:01"],
    },
    {
      name: "tell the two hours apart by themselves",
      zone: "Europe/Zurich",
      lines: live([
        "2026-10-25T01:10:02Z",
        "2026-10-25T02:10:00+02:00",
        "2026-10-25T02:10:01+02:00",
        "2026-10-25T02:10:02+01:00",
      ]),
      gives: [],
    },
  ],
  "Setting the clock": [
    {
      name: "forwards ends bans early",
      lines: live(["12:00:00", on21("11:59:59"), on21("11:59:59"), on21("12:00:00")], ["13:00:00"]),
      gives: ["ban 12:00:00 to 12:10:00", "unban 12:10:00"],
    },
    {
      name: "forwards makes no ban of failures before and after",
      lines: live(
        ["12:00:00", on21("12:00:00"), on21("12:00:00")],
        ["13:00:01", on21("13:00:01"), on21("13:00:01")],
      ),
      gives: [],
    },
    {
      name: "forwards costs a burst no more than maxretry failures",
      lines: live(
        ["12:00:00", on21("12:00:00"), on21("12:00:00")],
        ["13:00:01", ...Array(3).fill(on21("13:00:01"))],
      ),
      gives: ["ban 13:00:01 to 13:10:01"],
    },
    {
      name: "back costs a burst no more than maxretry failures",
      lines: live(
        ["12:00:00", on21("12:00:00"), on21("12:00:00")],
        ["11:00:01", ...Array(3).fill(on21("11:00:01"))],
      ),
      gives: ["ban 11:00:01 to 11:10:01"],
    },
    {
      name: "back lets bans end at their time",
      lines: live(["12:00:00", ...Array(3).fill(on21("12:00:00"))], ["11:00:00"], ["12:09:59"], ["12:10:00"]),
      gives: ["ban 12:00:00 to 12:10:00", "unban 12:10:00"],
    },
    {
      name: "back loses no lines that were written before and come after",
      lines: live(["11:30:00", ...Array(3).fill(on21("12:00:00"))]),
      gives: ["ban 11:30:00 to 11:40:00"],
    },
  ],
  "A replay": [
    {
      name: "goes by the log alone",
      replay: "2026-11-22T00:00:00Z",
      lines: replayed(...["11:00:00", "11:00:01", "11:00:02", "11:30:00"].map(on21)),
      gives: ["ban 11:00:02 to 11:10:02", "unban 11:10:02"],
    },
    {
      name: "believes one line far ahead when a second confirms it",
      replay: "2026-11-22T00:00:00Z",
      lines: replayed(
        ...["Nov  1 11:00:00", "Nov  1 11:00:01", "Nov  1 11:00:02"],
        `${on21("12:00:00")}|192.0.2.9`,
        "Nov  1 11:05:00",
      ),
      gives: ["ban 2026-11-01T11:00:02Z to 2026-11-01T11:10:02Z"],
    },
  ],
};

function on21(time: string): string {
  return `Nov 21 ${time}`;
}

for (const [row, cases] of Object.entries(ROWS)) {
  for (const { name, kinds = KINDS, ...each } of cases) {
    for (const kind of kinds) {
      test(`TIME: ${row} ${name} (${kind})`, () => check(each, kind));
    }
  }
}

function check(
  { zone = "UTC", bantime = 10, replay, lines, gives, told }: Omit<Case, "name" | "kinds">,
  kind: Kind,
): void {
  process.env.TZ = zone;
  const isLive = replay === undefined;
  const first = at(replay ?? lines[0]?.[0] ?? "");
  const tested = new TestEngine([jailOf(kind, bantime * 60_000)], first, { isLive, format: "syslog" });
  for (const [time, ...dates] of lines) {
    const now = isLive ? at(time) : first;
    tested.push(dates.map(lineOf).join(""), now);
    tested.engine.tick(now);
  }
  tested.engine.end(isLive ? at(lines.at(-1)?.[0] ?? "") : first);
  const given = tested.lines.map(shown);
  assert.equal(given.length, gives.length, given.join());
  for (const [index, text] of gives.entries()) {
    if (text.startsWith("^")) assert.match(given[index] ?? "", new RegExp(text));
    else assert.equal(given[index], text);
  }
  if (told) assert.match(tested.told.join("\n"), told);
  else assert.deepEqual(tested.told, []);
}

function lineOf(dated: string): string {
  const [date = "", address = "192.0.2.1"] = dated.split("|");
  return `${date === "" ? "" : `${date} web1 `}app: failed ${address}\n`;
}

/** `ban 12:00:00 to 12:10:00`: the date is left out where it is the one of most cases. */
function shown(line: string): string {
  const { cmd, time, until, repeat } = JSON.parse(line) as Record<string, string>;
  const short = (iso = "") => iso.replace(/\.000Z$/, "Z").replace(/^2026-11-21T(.*)Z$/, "$1");
  return `${repeat ? "repeat" : cmd} ${short(time)}${until === undefined ? "" : ` to ${short(until)}`}`;
}

test("f2b-stream.1 has a line for each of these, and no other", () => {
  const page = readFileSync(join(ROOT, "man/f2b-stream.1"), "utf8");
  const section = /^\.Sh TIME\n(.*?)^\.Sh /ms.exec(page)?.[1] ?? "";
  const items = [...section.matchAll(/^\.It (.*)$/gm)].map(([, item]) => item);
  assert.deepEqual(items, Object.keys(ROWS));
});
