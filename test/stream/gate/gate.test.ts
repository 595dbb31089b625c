import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ALL_PATTERNS,
  type Candidates,
  type EmitLine,
  type GatePlan,
  type LineBytes,
} from "../../../src/stream/gate/candidates.ts";
import { Gate } from "../../../src/stream/gate/gate.ts";
import type { Texts } from "../../../src/stream/gate/scan.ts";

function textOf({ bytes, start, end }: LineBytes): string {
  return bytes.toString("latin1", start, end);
}

/** Feeds the chunks and gives the lines, and how many were dropped. */
function frame(chunks: readonly Buffer[], maxLine = 100): { lines: string[]; dropped: number } {
  const lines: string[] = [];
  let dropped = 0;
  const framer = new Gate({ maxLine, onOverflow: () => dropped++ });
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    framer.push(copy, (line) => lines.push(textOf(line)));
    copy.fill(0x2a);
  }
  framer.end((line) => lines.push(textOf(line)));
  return { lines, dropped };
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

const cases = [
  { name: "cuts at newlines", input: "a\nb\n", lines: ["a", "b"], dropped: 0 },
  { name: "gives a last line without newline", input: "a\nb", lines: ["a", "b"], dropped: 0 },
  { name: "gives empty lines", input: "\n\na\n", lines: ["", "", "a"], dropped: 0 },
  { name: "keeps a line of exactly the longest length", input: "12345\n", lines: ["12345"], dropped: 0 },
  { name: "drops a longer line whole and goes on", input: "123456\nab\n", lines: ["ab"], dropped: 1 },
  { name: "drops a longer last line without newline", input: "ab\n123456", lines: ["ab"], dropped: 1 },
  { name: "leaves carriage returns and NUL alone", input: "a\r\0\n", lines: ["a\r\0"], dropped: 0 },
];

for (const { name, input, lines, dropped } of cases) {
  test(`Gate ${name}, wherever the chunks end`, () => {
    const bytes = Buffer.from(input, "latin1");
    assert.deepEqual(frame([bytes], 5), { lines, dropped });
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(frame([bytes.subarray(0, at), bytes.subarray(at)], 5), { lines, dropped });
    }
  });
}

test("Gate gives the same lines however the bytes are cut, inside a character too", () => {
  const text = fc.array(fc.constantFrom("a", "é", "漢", "\n", "\r\n", "😀", "\0"), { maxLength: 80 });
  const property = fc.property(text, fc.array(fc.nat(400), { maxLength: 20 }), (parts, places) => {
    const bytes = Buffer.from(parts.join(""));
    assert.deepEqual(frame(cut(bytes, places), 20), frame([bytes], 20));
  });
  fc.assert(property, { numRuns: 1000 });
});

/** Filters, each with its patterns. */
function shown(candidates: Candidates): string {
  if (candidates === "all") return candidates;
  return candidates.filters.map((filter) => `${filter}.${candidates.patterns[filter]}`).join();
}

/** What a gate with this plan lets pass, as `line: filters`. */
function passed(plan: GatePlan, chunks: readonly Buffer[], maxLine = 100): string[] {
  const out: string[] = [];
  const gate = new Gate({ maxLine, onOverflow: () => out.push("overlong") });
  gate.arm(plan);
  const take: EmitLine = (line, candidates) => out.push(`${textOf(line)}: ${shown(candidates)}`);
  for (const chunk of chunks) gate.push(chunk, take);
  gate.end(take);
  return out;
}

/** The same by the obvious way, line by line. */
function expectedOf(
  { needles, further, always, follow, foreign }: GatePlan,
  text: string,
  maxLine = 100,
): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const left = new Map(follow);
  return lines.flatMap((line) => {
    if (line.length > maxLine) return ["overlong"];
    const hits = new Map<number, number>();
    const hit = ({ filter, patterns }: { filter: number; patterns: number }) =>
      hits.set(filter, (hits.get(filter) ?? 0) | patterns);
    const isForeign = [...line].some((char) => char > "\x7f");
    if (isForeign) foreign.forEach(hit);
    for (const needle of needles) {
      const holds = ({ texts, ignorecase, asciiOnly }: Texts) => {
        const folded = ignorecase ? line.replace(/[A-Z]/g, (char) => char.toLowerCase()) : line;
        return (asciiOnly && isForeign) || texts.some((text) => folded.includes(text));
      };
      if (!holds({ ...needle, texts: [needle.text], asciiOnly: false })) continue;
      for (const each of needle.opens) {
        const also = each.further === undefined ? [] : (further[each.further] ?? []);
        if (also.every(holds)) hit(each);
      }
    }
    const candidates = new Map(hits);
    for (const filter of always) candidates.set(filter, ALL_PATTERNS);
    for (const [filter, lines] of left) {
      if (lines > 0) candidates.set(filter, ALL_PATTERNS);
      left.set(filter, lines - 1);
    }
    for (const filter of hits.keys()) left.set(filter, follow.get(filter) ?? 0);
    const all = [...candidates].sort(([a], [b]) => a - b).map((each) => each.join("."));
    return all.length === 0 ? [] : [`${line}: ${all}`];
  });
}

test("Gate lets pass what its plan says, however the bytes are cut", () => {
  const word = fc.constantFrom(
    "abc",
    "abcd",
    "Bcde",
    "cab",
    "ab",
    "a",
    " ",
    "\n",
    "\n\n",
    "é",
    "\\u",
    "x".repeat(30),
  );
  const text = fc.array(word, { maxLength: 60 }).map((words) => words.join(""));
  const some = fc.subarray([0, 1, 2]);
  const opens = some.chain((filters) =>
    fc.tuple(
      ...filters.map((filter) =>
        fc.record({ filter: fc.constant(filter), patterns: fc.constantFrom(1, 2, 4) }),
      ),
    ),
  );
  const texts = fc.record({
    texts: fc.array(fc.constantFrom("ab", "ca", "bcde", "\\u", "xxxxxxxxxxxxxxxxx"), {
      minLength: 1,
      maxLength: 2,
    }),
    ignorecase: fc.boolean(),
    asciiOnly: fc.boolean(),
  });
  const sets = fc.array(texts, { minLength: 1, maxLength: 3 });
  const plan = fc.record({
    isJournal: fc.constant(false),
    fields: fc.constant([]),
    filters: fc.constant(3),
    needles: fc.array(
      fc.record({
        text: fc.constantFrom("abc", "bcde", "cab", "aba", "\\u"),
        ignorecase: fc.boolean(),
        opens: opens.chain((all) =>
          fc.tuple(
            ...all.map((each) => fc.constantFrom(each, { ...each, further: 0 }, { ...each, further: 1 })),
          ),
        ),
      }),
      { maxLength: 4 },
    ),
    further: fc.tuple(sets, sets),
    always: fc.oneof(fc.constant([]), some),
    follow: fc
      .array(fc.tuple(fc.constantFrom(0, 1, 2), fc.integer({ min: 1, max: 3 })))
      .map((all) => new Map(all)),
    foreign: fc.oneof(fc.constant([]), opens),
  });
  const property = fc.property(
    plan,
    text,
    fc.array(fc.nat(400), { maxLength: 12 }),
    (which, input, places) => {
      const bytes = Buffer.from(input, "latin1");
      const expected = expectedOf(which, input).filter((line) => !line.endsWith(": "));
      const got = passed(which, cut(bytes, places)).filter((line) => !line.endsWith(": "));
      assert.deepEqual(
        got.filter((line) => line !== "overlong"),
        expected.filter((line) => line !== "overlong"),
      );
      assert.equal(got.length, expected.length, "overlong lines are counted");
    },
  );
  fc.assert(property, { numRuns: 3000 });
});
