import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { type Entry, FORMATS, type Format, FormatDetector, readEntry } from "../src/stream/entry.ts";

before(() => {
  process.env.TZ = "UTC";
});

const NOW = Date.UTC(2026, 10, 21, 12);
const bsd = "Nov 21 10:00:00 web1 sshd[1]: hello";

const first: readonly (readonly [line: string, Format])[] = [
  ['{"__REALTIME_TIMESTAMP":"1795251600123456","MESSAGE":"x"}', "journal"],
  ['\x1e{"MESSAGE":"x"}', "journal"],
  ['data: {"MESSAGE":"x"}', "journal"],
  [bsd, "syslog"],
  ["2026-11-21T10:00:00+01:00 web1 sshd[1]: hello", "syslog"],
  ["2026-11-21T10:00:00+0100 web1 sshd[1]: hello", "syslog"],
  [`<38>${bsd}`, "syslog-pri"],
  ["<38>1 2026-11-21T10:00:00Z web1 sshd 1 - - hello", "rfc5424"],
  ["Sat 2026-11-21 10:00:00 CET web1 sshd[1]: hello", "short-full"],
  ["1795251600.123456 web1 sshd[1]: hello", "short-unix"],
  ["[   12.345678] web1 sshd[1]: hello", "short-monotonic"],
];

for (const [line, format] of first) {
  test(`FormatDetector takes an input that begins with ${JSON.stringify(line)} for ${format}`, () => {
    const detector = new FormatDetector();
    assert.equal(detector.formatOf(`${line}\n`, NOW), format);
    assert.notEqual(detector.format, undefined);
    for (const [other] of first) assert.equal(detector.formatOf(`${other}\n`, NOW), format);
  });
}

test("FormatDetector looks past what journalctl and tail put between records", () => {
  const detector = new FormatDetector();
  const noise = ["-- Journal begins at Sat 2026-11-21. --", "==> /var/log/auth.log <==", ""];
  for (let turn = 0; turn < 10; turn++)
    for (const line of noise) assert.equal(detector.formatOf(`${line}\n`, NOW), "plain");
  assert.equal(detector.formatOf(`${bsd}\n`, NOW), "syslog");
});

test("FormatDetector looks at ten lines, then takes the input for a plain one", () => {
  for (const [unknown, format] of [
    [9, "syslog"],
    [10, "plain"],
  ] as const) {
    const detector = new FormatDetector();
    for (let line = 0; line < unknown; line++) assert.equal(detector.formatOf("hello\n", NOW), "plain");
    assert.equal(detector.formatOf(`${bsd}\n`, NOW), format);
    assert.notEqual(detector.format, undefined);
  }
});

test("FormatDetector keeps to the format that it was given", () => {
  const detector = new FormatDetector("none");
  assert.notEqual(detector.format, undefined);
  assert.equal(detector.formatOf(`${bsd}\n`, NOW), "none");
});

const entries: readonly { name: string; line: string; format: Format; entry: Partial<Entry> | undefined }[] =
  [
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
    { name: "nothing among journal entries", line: bsd, format: "journal", entry: undefined },
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
  ];

for (const { name, line, format, entry } of entries) {
  test(`readEntry reads ${name}`, () => {
    const read = readEntry(`${line}\n`, format, NOW) as Readonly<Record<string, unknown>> | undefined;
    if (entry === undefined) assert.equal(read, undefined);
    else for (const [key, value] of Object.entries(entry)) assert.deepEqual(read?.[key], value, key);
  });
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
        if (entry && format !== "journal")
          assert.ok(`${line}\n`.endsWith(entry.message) && entry.line === line);
      }
    }),
    { numRuns: 500 },
  );
});
