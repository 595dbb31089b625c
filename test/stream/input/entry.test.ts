import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { Entry } from "../../../src/stream/input/entry.ts";
import { FORMATS, type Format, FormatDetector } from "../../../src/stream/input/format.ts";
import { readEntry } from "../../../src/stream/input/read-entry.ts";

before(() => {
  process.env.TZ = "UTC";
});

const NOW = Date.UTC(2026, 10, 21, 12);
const bsd = "Nov 21 10:00:00 web1 sshd[1]: hello";

const first: readonly (readonly [line: string, Format])[] = [
  ['{"__REALTIME_TIMESTAMP":"1795251600123456","MESSAGE":"x"}', "journal"],
  ['\x1e{"__REALTIME_TIMESTAMP":"1795251600123456","MESSAGE":"x"}', "journal"],
  ['data: {"__REALTIME_TIMESTAMP":"1795251600123456"}', "journal"],
  [bsd, "syslog"],
  ["2026-11-21T10:00:00+01:00 web1 sshd[1]: hello", "syslog"],
  ["2026-11-21T10:00:00+0100 web1 sshd[1]: hello", "syslog"],
  [`<38>${bsd}`, "syslog-pri"],
  ["<38>1 2026-11-21T10:00:00Z web1 sshd 1 - - hello", "rfc5424"],
  ["Sat 2026-11-21 10:00:00 CET web1 sshd[1]: hello", "short-full"],
  ["1795251600.123456 web1 sshd[1]: hello", "short-unix"],
  ["[   12.345678] web1 sshd[1]: hello", "short-monotonic"],
];

/** First lines that have the look of something, and are plain all the same. */
const plain: readonly string[] = [
  '{"MESSAGE":1}',
  '{"MESSAGE":"x","SYSLOG_IDENTIFIER":"sshd"}',
  '{"__REALTIME_TIMESTAMP":"soon","MESSAGE":"x"}',
  '{"__REALTIME_TIMESTAMP":1795251600123456,"MESSAGE":"x"}',
  '{"__REALTIME_TIMESTAMP":"1795251600123456","MESSAGE":"x"',
  'me from 192.0.2.7 {"__REALTIME_TIMESTAMP":"1795251600123456","MESSAGE":"x"}',
  "p[1]: hello",
  `x ${bsd}`,
  `\ufeff${bsd}`,
  "hello",
];

for (const [line, format] of [...first, ...plain.map((line) => [line, "plain"] as const)]) {
  test(`FormatDetector takes an input that begins with ${JSON.stringify(line)} for ${format}, whatever comes then`, () => {
    const detector = new FormatDetector();
    assert.equal(detector.formatOf(`${line}\n`, NOW), format);
    assert.equal(detector.format, format);
    for (const other of [...first.map(([line]) => line), ...plain])
      assert.equal(detector.formatOf(`${other}\n`, NOW), format);
  });
}

test("FormatDetector looks past what journalctl and tail put between records", () => {
  const detector = new FormatDetector();
  const noise = ["-- Journal begins at Sat 2026-11-21. --", "==> /var/log/auth.log <==", ""];
  for (let turn = 0; turn < 10; turn++)
    for (const line of noise) assert.equal(detector.formatOf(`${line}\n`, NOW), "plain");
  assert.equal(detector.formatOf(`${bsd}\n`, NOW), "syslog");
});

test("FormatDetector keeps to the format that it was given", () => {
  const detector = new FormatDetector("none");
  assert.notEqual(detector.format, undefined);
  assert.equal(detector.formatOf(`${bsd}\n`, NOW), "none");
});

const entries: readonly { name: string; line: string; format: Format; entry: Partial<Entry> }[] = [
  {
    name: "a syslog line",
    line: bsd,
    format: "syslog",
    entry: {
      line: bsd,
      time: Date.UTC(2026, 10, 21, 10),
      identifier: "sshd",
      message: "hello\n",
      isDateless: false,
    },
  },
  {
    name: "a syslog line whose date can't be: the jail looks for itself",
    line: "Feb 30 10:00:00 web1 sshd[1]: hello",
    format: "syslog",
    entry: { time: undefined, identifier: "sshd", isDateless: false },
  },
  {
    name: "a plain line, whole",
    line: bsd,
    format: "plain",
    entry: { line: bsd, time: undefined, identifier: undefined, message: `${bsd}\n`, isDateless: false },
  },
  {
    name: "a line without a date, now",
    line: bsd,
    format: "none",
    entry: { line: bsd, time: NOW, identifier: undefined, message: `${bsd}\n`, isDateless: true },
  },
  {
    name: "a line among journal entries as a plain one that no journalmatch takes",
    line: bsd,
    format: "journal",
    entry: {
      line: bsd,
      message: `${bsd}\n`,
      identifier: undefined,
      time: undefined,
      isDateless: false,
      fields: {},
    },
  },
  {
    name: "an object among journal entries that is none as a plain line",
    line: '{"level":"info"}',
    format: "journal",
    entry: { line: '{"level":"info"}', isDateless: false, fields: {} },
  },
  {
    name: "a line of another kind as a plain one",
    line: `<38>${bsd}`,
    format: "syslog",
    entry: { identifier: undefined, message: `<38>${bsd}\n`, time: undefined },
  },
  {
    name: "a journal entry among syslog lines as a plain one",
    line: '{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"x"}',
    format: "syslog",
    entry: { identifier: undefined, fields: undefined },
  },
  {
    name: "a syslog line's process",
    line: bsd,
    format: "syslog",
    entry: { process: "web1 1" },
  },
  {
    name: "a syslog line's process without a host",
    line: "Nov 21 10:00:00 sshd[77]: hello",
    format: "syslog",
    entry: { process: " 77" },
  },
  {
    name: "a syslog line without a process",
    line: "Nov 21 10:00:00 web1 sshd: hello [7]: x",
    format: "syslog",
    entry: { process: undefined },
  },
  {
    name: "the process of RFC 5424",
    line: "<38>1 2026-11-21T10:00:00Z web1 sshd 77 - - hello",
    format: "rfc5424",
    entry: { process: "web1 77", message: "hello\n" },
  },
  {
    name: "RFC 5424 without a process",
    line: "<38>1 2026-11-21T10:00:00Z web1 sshd - - - hello",
    format: "rfc5424",
    entry: { process: undefined },
  },
  {
    name: "a journal entry's process",
    line: '{"__REALTIME_TIMESTAMP":"1","_HOSTNAME":"web1","SYSLOG_IDENTIFIER":"sshd","_PID":"77","MESSAGE":"hello"}',
    format: "journal",
    entry: { process: "web1 77" },
  },
];

for (const { name, line, format, entry } of entries) {
  test(`readEntry reads ${name}`, () => {
    const read = readEntry(`${line}\n`, format, NOW);
    for (const [key, value] of Object.entries(entry)) assert.deepEqual(read[key as keyof Entry], value, key);
  });
}

/** One line of each shape. */
const shaped: readonly (readonly [Format, string])[] = [
  ["journal", '{"__REALTIME_TIMESTAMP":"1795251600123456","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"hello"}'],
  ["syslog", bsd],
  ["syslog-pri", `<38>${bsd}`],
  ["rfc5424", "<38>1 2026-11-21T10:00:00Z web1 sshd 1 - - hello"],
  ["short-full", "Sat 2026-11-21 10:00:00 CET web1 sshd[1]: hello"],
  ["short-unix", "1795251600.123456 web1 sshd[1]: hello"],
  ["short-monotonic", "[   12.345678] web1 sshd[1]: hello"],
  ["plain", "sshd[1]: hello"],
];

for (const [settled] of shaped) {
  for (const [shape, line] of shaped) {
    test(`readEntry reads a line of ${shape} in an input of ${settled} as ${settled === shape ? "such" : "a plain one"}`, () => {
      const { text, identifier, message, time } = readEntry(`${line}\n`, settled, NOW);
      if (settled === shape && shape !== "plain") {
        assert.deepEqual([identifier, message], ["sshd", "hello\n"]);
      } else {
        assert.deepEqual([text, identifier, message, time], [`${line}\n`, undefined, `${line}\n`, undefined]);
      }
    });
  }
}

test("readEntry throws at no line of any format", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 10 }),
    fc.constantFrom(
      "<38>",
      "1 ",
      "Nov 21 10:00:00 ",
      "2026-11-21T10:00:00Z ",
      "web1 ",
      "sshd[1]: ",
      '[a b="',
      '"]',
      '{"MESSAGE":',
      "- ",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const line = pieces.join("");
      new FormatDetector().formatOf(`${line}\n`, NOW);
      for (const format of FORMATS) {
        const entry = readEntry(`${line}\n`, format, NOW);
        if (format !== "journal") assert.ok(`${line}\n`.endsWith(entry.message) && entry.line === line);
      }
    }),
    { numRuns: 500 },
  );
});
