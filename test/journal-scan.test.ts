import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Entry } from "../src/stream/entry.ts";
import { Gate, type GatePlan, type LineBytes } from "../src/stream/gate.ts";
import { JournalEntry, readJournal } from "../src/stream/journal.ts";
import { decodeText } from "../src/text.ts";

/** Lets every line pass. */
const PLAN: GatePlan = {
  isJournal: true,
  filters: 1,
  needles: [],
  further: [],
  always: [0],
  follow: new Map(),
  foreign: [],
};
const MAX_LINE = 400;

interface Told {
  /** What a jail sees; undefined: nothing. */
  readonly says: ReturnType<typeof saidBy>;
  readonly offset: number;
  readonly offsetEnd: number;
  /** Whether the gate cut it out of its JSON. */
  readonly isCut: boolean;
}

function saidBy(entry: Entry | undefined) {
  if (entry === undefined) return undefined;
  const { line, text, time, identifier, process, message, isCut, fields } = entry;
  return { line, text, time, identifier, process, message, isCut, fields };
}

/** What comes through the gate. */
function told(bytes: Buffer, places: readonly number[] = []): readonly Told[] {
  const lines: Told[] = [];
  const gate = new Gate({ maxLine: MAX_LINE, onOverflow: () => undefined });
  const take = (line: LineBytes) => {
    const { entry, offset, offsetEnd } = line;
    const read = entry ? new JournalEntry(line, entry, line.ascii ?? false) : readJournal(decodeText(line));
    lines.push({ says: saidBy(read), offset, offsetEnd, isCut: entry !== undefined });
  };
  gate.arm(PLAN);
  const cuts = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])];
  cuts.sort((a, b) => a - b);
  for (const [index, cut] of cuts.slice(1).entries()) gate.push(bytes.subarray(cuts[index], cut), take);
  gate.end(take);
  return lines;
}

/** The same by the obvious way: each line read by JSON.parse. */
function expected(bytes: Buffer): readonly Omit<Told, "isCut">[] {
  const lines: Omit<Told, "isCut">[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const says = saidBy(readJournal(decodeText({ bytes, start, end })));
    if (end - start <= MAX_LINE) lines.push({ says, offset: start, offsetEnd: end });
    start = end + 1;
  }
  return lines;
}

const entry = {
  __CURSOR: "s=1;i=2",
  __REALTIME_TIMESTAMP: "1795290000123456",
  _HOSTNAME: "web1",
  SYSLOG_IDENTIFIER: "sshd",
  _COMM: "sshd-session",
  SYSLOG_PID: "7",
  _PID: "8",
  MESSAGE: 'user "root"\\ from 192.0.2.1\t/ ünïcode',
};

const cuttable: readonly { name: string; line: string; isCut: boolean }[] = [
  { name: "a plain entry", line: JSON.stringify(entry), isCut: true },
  { name: "an entry of json-seq", line: `\x1e${JSON.stringify(entry)}`, isCut: true },
  { name: "an entry of json-sse", line: `data: ${JSON.stringify(entry)}`, isCut: true },
  { name: "a slash with its escape", line: '{"_HOSTNAME":"a","MESSAGE":"a\\/b"}', isCut: true },
  {
    name: "the last of two fields of a name",
    line: '{"_PID":"1","_COMM":"a","_COMM":"b","MESSAGE":"x"}',
    isCut: true,
  },
  { name: "an empty message", line: '{"_COMM":"a","MESSAGE":""}', isCut: true },
  { name: "a message of two lines", line: '{"_COMM":"a","MESSAGE":"one\\ntwo"}', isCut: false },
  { name: "a character by its number", line: '{"_COMM":"a","MESSAGE":"\\u0041"}', isCut: false },
  { name: "bytes", line: '{"_COMM":"a","MESSAGE":[65,66]}', isCut: false },
  { name: "a message left out", line: '{"_COMM":"a","MESSAGE":null}', isCut: false },
  { name: "an entry with blanks", line: '{"_COMM": "a", "MESSAGE": "x"}', isCut: false },
  {
    name: "one entry cut, and the next",
    line: '{"_COMM":"a","MESSAGE":"x{"_COMM":"b","MESSAGE":"y"}',
    isCut: false,
  },
  { name: "something behind an entry", line: '{"_COMM":"a","MESSAGE":"x"}x', isCut: false },
  { name: "an entry without an end", line: '{"_COMM":"a","MESSAGE":"x"', isCut: false },
  { name: "a tab in its place", line: '{"_COMM":"a","MESSAGE":"x\ty"}', isCut: false },
  { name: "an escape that is none", line: '{"_COMM":"a","MESSAGE":"x","A":"\\q"}', isCut: false },
  { name: "no message", line: '{"__REALTIME_TIMESTAMP":"1"}', isCut: false },
  { name: "nothing", line: "", isCut: false },
];

for (const { name, line, isCut } of cuttable) {
  test(`JournalScan ${isCut ? "cuts" : "leaves to JSON.parse"} ${name}`, () => {
    const bytes = Buffer.from(`${line}\n`);
    const [only] = told(bytes);
    assert.equal(only?.isCut, isCut);
    assert.deepEqual(
      told(bytes).map(({ isCut: _, ...rest }) => rest),
      expected(bytes),
    );
  });
}

test("JournalScan says of an entry what readJournal says, however it is written and cut", () => {
  const key = fc.constantFrom(...Object.keys(entry), "X", "MESSAGE2", "");
  const value = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        "a",
        "",
        "0",
        "1795290000123456",
        "99999999999999999",
        "sshd",
        "x".repeat(40),
      ),
    },
    fc.string({ maxLength: 20 }),
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('"', "\\", "/", "\t", "\n", ",", ":", "{", "}", "a"), maxLength: 8 }),
  );
  const odd = fc.oneof(
    fc.constant(null),
    fc.nat(9),
    fc.array(fc.nat(255), { maxLength: 3 }),
    fc.array(value, { maxLength: 2 }),
    fc.record({ MESSAGE: value }),
  );
  const field = fc.tuple(key, fc.oneof({ weight: 40, arbitrary: value }, odd));
  const json = fc
    .tuple(
      fc.array(field, { maxLength: 8 }),
      fc.array(fc.tuple(fc.constant("MESSAGE"), value), { maxLength: 1 }),
    )
    .map((both) => both.flat())
    .map(
      (fields) =>
        `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join(",")}}`,
    );
  const whole = fc.tuple(fc.constantFrom("", "", "", "data: ", "\x1e"), json).map((both) => both.join(""));
  const damaged = fc
    .tuple(
      whole,
      fc.nat(300),
      fc.nat(3),
      fc.constantFrom("", '"', "\\", ",", "}", " ", "\r", "\u0001", "é", "[", '"MESSAGE":"'),
    )
    .map(
      ([line, at, count, put]) =>
        line.slice(0, at % (line.length + 1)) + put + line.slice((at % (line.length + 1)) + count),
    );
  const lines = fc.array(
    fc.oneof({ weight: 2, arbitrary: whole }, damaged, fc.constantFrom("", "x".repeat(500))),
    {
      maxLength: 6,
    },
  );
  const places = fc.array(fc.nat(2000), { maxLength: 5 });
  let cuts = 0;
  const property = fc.property(
    lines,
    fc.boolean(),
    places,
    fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 1 }),
    (all, isEnded, where, bytewise) => {
      const bytes = Buffer.from(all.join("\n") + (isEnded ? "\n" : ""));
      for (const [at, byte] of bytewise) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      const got = told(bytes, where);
      assert.deepEqual(
        got.map(({ isCut: _, ...rest }) => rest),
        expected(bytes),
      );
      cuts += got.filter(({ isCut }) => isCut).length;
    },
  );
  fc.assert(property, { numRuns: 5000 });
  assert.ok(cuts > 1000, `${cuts} entries were cut`);
});

test("JournalScan takes more lines than it has room for at once", () => {
  const line = `${JSON.stringify(entry)}\n`;
  const bytes = Buffer.from(`${"\n".repeat(300_000)}${line.repeat(9000)}`);
  assert.deepEqual(told(bytes).map(({ isCut: _, ...rest }) => rest).length, 309_000);
  assert.deepEqual(told(bytes).at(-1)?.says, saidBy(readJournal(line)));
});
