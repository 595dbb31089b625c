import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Contrary, FirstLines } from "../../../src/stream/input/first-lines.ts";
import { FormatDetector } from "../../../src/stream/input/format.ts";

before(() => {
  process.env.TZ = "UTC";
});

const NOW = Date.UTC(2026, 10, 21, 12);
const bsd = "Nov 21 10:00:00 web1 sshd[1]: hello";
const entry = '{"__REALTIME_TIMESTAMP":"1795251600123456","MESSAGE":"x"}';

/** By first line: what most of the others must be for somebody to be told. */
const compared: readonly {
  name: string;
  lines: readonly string[];
  contrary: Contrary | undefined;
}[] = [
  { name: "a line", lines: [bsd], contrary: undefined },
  { name: "syslog alone", lines: Array<string>(20).fill(bsd), contrary: undefined },
  { name: "a plain log", lines: Array<string>(20).fill("hello"), contrary: undefined },
  { name: "too few others", lines: ["hello", bsd, bsd], contrary: undefined },
  {
    name: "a torn line before syslog",
    lines: ["p[1]: hello", bsd, bsd, bsd],
    contrary: { format: "plain", alike: "syslog", count: 3, others: 3 },
  },
  {
    name: "a stranger's entry before a plain log",
    lines: ['{"__REALTIME_TIMESTAMP":"1"}', "hello", bsd, "hello"],
    contrary: { format: "journal", alike: "plain", count: 2, others: 3 },
  },
  { name: "half of them", lines: [bsd, "hello", bsd, "hello", bsd], contrary: undefined },
  {
    name: "no more than nine others",
    lines: ["hello", ...Array<string>(4).fill("hello"), ...Array<string>(20).fill(bsd)],
    contrary: { format: "plain", alike: "syslog", count: 5, others: 9 },
  },
  {
    name: "entries without a time in a journal",
    lines: [entry, ...Array<string>(9).fill('{"MESSAGE":"x"}')],
    contrary: undefined,
  },
];

for (const { name, lines, contrary } of compared) {
  test(`FirstLines compares ${name}`, () => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    const format = new FormatDetector().formatOf(`${lines[0]}\n`, NOW);
    for (const size of [1, 7, 1000]) {
      const first = new FirstLines();
      for (let at = 0; at < bytes.length; at += size) first.push(bytes.subarray(at, at + size), format, NOW);
      assert.deepEqual(first.contraryTo(format), contrary, `in pieces of ${size}`);
    }
  });
}

test("FirstLines looks past what stands between records, and past long lines", () => {
  const first = new FirstLines();
  const lines = ["-- No entries --", "", "hello", "", "==> a <==", "x".repeat(5000), bsd, bsd, bsd];
  first.push(Buffer.from(lines.map((line) => `${line}\n`).join("")), "plain", NOW);
  assert.deepEqual(first.contraryTo("plain"), { format: "plain", alike: "syslog", count: 3, others: 3 });
});
