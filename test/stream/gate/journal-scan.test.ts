import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Gate } from "../../../src/stream/gate/gate.ts";
import { readJournal } from "../../../src/stream/input/journal.ts";
import { entriesByJson, entriesThroughGate, OPEN, saidBy, seeking } from "../../helpers/journal-gate.ts";

const MAX_LINE = 400;

function told(bytes: Buffer, places: readonly number[] = [], plan = OPEN) {
  const cuts = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])];
  cuts.sort((a, b) => a - b);
  const chunks = cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
  return entriesThroughGate(chunks, MAX_LINE, plan);
}

const expected = (bytes: Buffer) => entriesByJson(bytes, MAX_LINE);

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

/** What becomes of an entry that holds what is sought: it is cut out of its JSON, or JSON.parse reads it. Or that reads it in any case. */
const kinds: readonly { name: string; line: string; how: "cut" | "parsed" | "left" }[] = [
  { name: "a plain entry", line: JSON.stringify(entry), how: "cut" },
  { name: "an entry of json-seq", line: `\x1e${JSON.stringify(entry)}`, how: "cut" },
  { name: "an entry of json-sse", line: `data: ${JSON.stringify(entry)}`, how: "cut" },
  { name: "a slash with its escape", line: '{"_HOSTNAME":"a","MESSAGE":"a\\/b"}', how: "cut" },
  {
    name: "the last of two fields of a name",
    line: '{"_PID":"1","_COMM":"a","_COMM":"b","MESSAGE":"x"}',
    how: "cut",
  },
  { name: "an empty message", line: '{"_COMM":"a","MESSAGE":""}', how: "cut" },
  { name: "a message and no more", line: '{"MESSAGE":"a"}', how: "cut" },
  { name: "an empty identifier", line: '{"SYSLOG_IDENTIFIER":"","_PID":"1","MESSAGE":"a"}', how: "cut" },
  { name: "escapes", line: '{"_COMM":"a","MESSAGE":"\\"\\\\\\b\\f\\r\\t"}', how: "cut" },
  {
    name: "escapes in all fields",
    line: '{"_COMM":"a\\tb","_HOSTNAME":"\\u0041","_PID":"\\\\","MESSAGE":"x"}',
    how: "cut",
  },
  {
    name: "characters by their numbers",
    line: '{"_COMM":"a","MESSAGE":"\\u0041\\u00e9\\u6F22\\uffff\\u0000"}',
    how: "cut",
  },
  { name: "a pair of surrogates", line: '{"_COMM":"a","MESSAGE":"x\\ud83d\\uDE00x"}', how: "cut" },
  { name: "a message of two lines", line: '{"_COMM":"a","MESSAGE":"one\\ntwo"}', how: "cut" },
  { name: "a line feed by its number", line: '{"_COMM":"a","MESSAGE":"one\\u000atwo"}', how: "cut" },
  {
    name: "halves of pairs",
    line: '{"_COMM":"a","MESSAGE":"\\ude00\\ud83d\\ud83d\\ude00\\ud83dx"}',
    how: "parsed",
  },
  {
    name: "what looks like the mark",
    line: '{"_COMM":"a","MESSAGE":"\\u0001\\u0001\\u0001\\u0001"}',
    how: "parsed",
  },
  {
    name: "bytes that look like the mark",
    line: `{"_COMM":"a","MESSAGE":${JSON.stringify(Array(20).fill(1))}}`,
    how: "parsed",
  },
  { name: "bytes", line: '{"_COMM":"a","MESSAGE":[65,66]}', how: "cut" },
  { name: "bytes that are no UTF-8", line: '{"_COMM":"a","MESSAGE":[195,65,240,159,152]}', how: "cut" },
  {
    name: "many bytes",
    line: `{"MESSAGE":${JSON.stringify([...Buffer.from("a漢 \x1b[0mb\t".repeat(5))])}}`,
    how: "cut",
  },
  { name: "bytes with a line feed", line: '{"_COMM":"a","MESSAGE":[65,10,66]}', how: "cut" },
  {
    name: "many bytes with line feeds",
    line: `{"MESSAGE":${JSON.stringify([...Buffer.from("\n\na\nbc\n\n\n\n漢\nd".repeat(3)), 10])}}`,
    how: "cut",
  },
  {
    name: "bytes with line feeds beside the mark's",
    line: '{"_COMM":"a","MESSAGE":[1,10,1,10,10,65,10,10,10]}',
    how: "parsed",
  },
  {
    name: "line feeds everywhere",
    line: '{"SYSLOG_IDENTIFIER":"a\\n","_PID":"\\n","_HOSTNAME":"\\n","MESSAGE":"\\n\\n"}',
    how: "cut",
  },
  { name: "numbers over 255", line: '{"_COMM":"a","MESSAGE":[65,322,999,256,65,65,65,65,511]}', how: "cut" },
  { name: "no bytes", line: '{"_COMM":"a","MESSAGE":[]}', how: "cut" },
  {
    name: "an identifier as bytes",
    line: '{"SYSLOG_IDENTIFIER":[65,9],"_COMM":"b","MESSAGE":"x"}',
    how: "cut",
  },
  { name: "a message given twice", line: '{"_COMM":"a","MESSAGE":["x","y"]}', how: "cut" },
  { name: "bytes given twice", line: '{"_COMM":"a","MESSAGE":[[65,66],[67]]}', how: "cut" },
  {
    name: "a list of other things",
    line: '{"SYSLOG_IDENTIFIER":[null,"b"],"_COMM":"a","MESSAGE":[{"a":1}]}',
    how: "cut",
  },
  { name: "a message left out", line: '{"_COMM":"a","MESSAGE":null}', how: "cut" },
  {
    name: "other values",
    line: '{"_COMM":true,"_PID":-1.5e3,"MESSAGE":false,"A":{"b":[1,{"c":"\\n"}]}}',
    how: "cut",
  },
  {
    name: "a time that is no text",
    line: '{"__REALTIME_TIMESTAMP":["1795290000123456"],"MESSAGE":"x"}',
    how: "cut",
  },
  { name: "a time with escapes", line: '{"__REALTIME_TIMESTAMP":"179529000012345\\u0036"}', how: "parsed" },
  { name: "no message", line: '{"__REALTIME_TIMESTAMP":"1"}', how: "cut" },
  { name: "a carriage return at the end", line: '{"_COMM":"a","MESSAGE":"x"}\r', how: "cut" },
  { name: "an entry with blanks", line: '{"_COMM": "a", "MESSAGE": "x"}', how: "left" },
  { name: "a name with an escape", line: '{"MESSAG\\u0045":"x"}', how: "left" },
  { name: "numbers that are no bytes", line: '{"_COMM":"a","MESSAGE":[65.5,-1,1e2]}', how: "left" },
  {
    name: "a number that begins with 0",
    line: '{"_COMM":"a","MESSAGE":[65,66,01,66,65,65,65,65,65]}',
    how: "left",
  },
  {
    name: "numbers of which one is missing",
    line: '{"_COMM":"a","MESSAGE":[65,66,,66,65,65,65,65]}',
    how: "left",
  },
  {
    name: "lists in lists in lists",
    line: `{"A":${"[".repeat(120)}${"]".repeat(120)},"MESSAGE":"x"}`,
    how: "left",
  },
  { name: "other fields alone", line: '{"_COMM":"a"}', how: "left" },
  {
    name: "one entry cut, and the next",
    line: '{"_COMM":"a","MESSAGE":"x{"_COMM":"b","MESSAGE":"y"}',
    how: "left",
  },
  { name: "something behind an entry", line: '{"_COMM":"a","MESSAGE":"x"}x', how: "left" },
  { name: "an entry without an end", line: '{"_COMM":"a","MESSAGE":"x"', how: "left" },
  { name: "a tab in its place", line: '{"_COMM":"a","MESSAGE":"x\ty"}', how: "left" },
  { name: "an escape that is none", line: '{"_COMM":"a","MESSAGE":"x","A":"\\q"}', how: "left" },
  { name: "a number that is none", line: '{"_COMM":"a","MESSAGE":"\\u00g1"}', how: "left" },
  { name: "a list without an end", line: '{"MESSAGE":"x","A":[[1]}', how: "left" },
  { name: "an object without a name", line: '{"MESSAGE":"x","A":{1}}', how: "left" },
  { name: "a word that is none", line: '{"MESSAGE":"x","A":nul}', how: "left" },
  { name: "nothing", line: "", how: "left" },
];

for (const { name, line, how } of kinds) {
  test(`JournalScan: ${name}: ${how}`, () => {
    const bytes = Buffer.from(`${line}\n`);
    const [only] = told(bytes);
    const isLeft = told(bytes, [], seeking([])).length > 0;
    assert.equal(only?.isCut ? "cut" : isLeft ? "left" : "parsed", how);
    assert.deepEqual(
      told(bytes).map(({ isCut: _, ...rest }) => rest),
      expected(bytes),
    );
  });
}

test("Gate tells of each message that was left out whose entry does not pass, in the order of the lines", () => {
  const lines = ["a", "b", "c", "b", "d", "a"].map((name) => `{"_COMM":"${name}","MESSAGE":null}\n`);
  const log = Buffer.from(`${lines.join('{"MESSAGE":"null"}\n')}{"MESSAGE":"b: "}\n`);
  const seen: string[] = [];
  const gate = new Gate({ maxLine: MAX_LINE, onOverflow: () => undefined, onCut: () => seen.push("cut") });
  gate.arm(seeking(["xx", "b: "]));
  gate.push(log, ({ bytes, start, end }) => seen.push(bytes.toString("latin1", start, end)));
  assert.deepEqual(seen, ["cut", "b: ", "cut", "b: ", "cut", "cut", "b: "]);
});

/** Entries, whole and damaged, and what is none, one a line. */
function anyLines(): fc.Arbitrary<string[]> {
  const key = fc.constantFrom(...Object.keys(entry), "X", "_UID", "MESSAGE2", "");
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
    fc.array(fc.nat(300), { maxLength: 3 }),
    fc.string({ maxLength: 30 }).map((text) => [...Buffer.from(text)]),
    fc.array(fc.array(fc.constantFrom(0, 1, 10, 65, 195, 169, 255, -1, 0.5, null), { maxLength: 12 }), {
      maxLength: 2,
    }),
    fc.json({ maxDepth: 3 }).map((json) => JSON.parse(json) as unknown),
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
    )
    .chain(renumbered);
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
  return fc.array(fc.oneof({ weight: 2, arbitrary: whole }, damaged, fc.constantFrom("", "x".repeat(500))), {
    maxLength: 6,
  });
}

/** The same JSON, or with some of the characters of its values by their numbers. */
function renumbered(json: string): fc.Arbitrary<string> {
  const numberOf = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return fc
    .constantFrom(/(?!)/g, /(?<=:"[^"\\]*)[^"\\](?=[^"\\]*")/g, /[^ -~]/g, /(?<=:"[^"\\]*)[a-m](?=[^"\\]*")/g)
    .map((which) => json.replace(which, numberOf));
}

test("JournalScan says of an entry what readJournal says, however it is written and cut", () => {
  const lines = anyLines();
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
  fc.assert(property, { numRuns: 2000 });
  assert.ok(cuts > 1000, `${cuts} entries were cut`);
});

test("JournalScan takes more lines than it has room for at once", () => {
  const line = `${JSON.stringify(entry)}\n`;
  const bytes = Buffer.from(`${"\n".repeat(300_000)}${line.repeat(9000)}`);
  assert.deepEqual(told(bytes).map(({ isCut: _, ...rest }) => rest).length, 309_000);
  assert.deepEqual(told(bytes).at(-1)?.says, saidBy(readJournal(line)));
});

test("Gate finds in an entry what stands in what readJournal says, and nothing else", () => {
  const property = fc.property(
    anyLines(),
    fc.array(fc.nat(400), { maxLength: 3 }),
    fc.boolean(),
    (lines, at, foreign) => {
      const bytes = Buffer.from(lines.join("\n"));
      const all = expected(bytes);
      const texts = all.flatMap(({ says }, index) => {
        const pieces = says?.line.match(/[ -~]{2,}/g) ?? [];
        const piece = pieces[(at[index] ?? 0) % pieces.length];
        return piece === undefined ? [] : piece.slice((at[index] ?? 0) % (piece.length - 1)).slice(0, 8);
      });
      const sought = texts.filter((_, index) => index % 2 === 0);
      const found = new Set(told(bytes, [], seeking(sought, foreign)).map(({ offset }) => offset));
      const left = new Set(told(bytes, [], seeking([])).map(({ offset }) => offset));
      for (const { says, offset } of all) {
        const line = says?.line ?? "";
        const isSought = sought.some((text) => line.includes(text)) || (foreign && /[^\0-\x7f]/.test(line));
        assert.equal(found.has(offset), left.has(offset) || isSought, `${sought} in ${line}`);
        assert.ok(says !== undefined || left.has(offset), "what is no entry is left to JSON.parse");
      }
    },
  );
  fc.assert(property, { numRuns: 1500 });
});
