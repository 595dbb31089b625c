import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ContainerLines,
  type ContainerPiece,
  readContainerLine,
} from "../../../src/stream/input/containers.ts";

const TIME = Date.UTC(2026, 10, 28, 15, 27, 44, 123);

function docker(log: unknown, more: object = {}): string {
  return JSON.stringify({ log, stream: "stderr", time: "2026-11-28T15:27:44.123456789Z", ...more });
}

const lines: readonly (readonly [line: string, text: string, isEnd: boolean])[] = [
  [docker("hello\n"), "hello", true],
  [docker("hello\r\n"), "hello", true],
  [docker("hello"), "hello", false],
  [docker("\n"), "", true],
  [docker('a "b" <c> \\ \u001b[0m\n', { attrs: { tag: "x" } }), 'a "b" <c> \\ \u001b[0m', true],
  ['{"log":"\\u003ca\\u003e\\n","stream":"stderr","time":"2026-11-28T15:27:44.123456789Z"}', "<a>", true],
  [docker("one\ntwo\n"), "one\\ntwo", true],
  [docker("one\n\n"), "one\\n", true],
  ["2026-11-28T15:27:44.123456789Z stderr F hello", "hello", true],
  ["2026-11-28T16:27:44.123456789+01:00 stderr P hello", "hello", false],
  ["2026-11-28T15:27:44.123Z stderr F:x:y  hello ", " hello ", true],
  ["2026-11-28T15:27:44.123Z stderr F ", "", true],
];

for (const [line, text, isEnd] of lines) {
  test(`readContainerLine reads ${line}`, () => {
    const piece = readContainerLine(line, line.startsWith("{") ? "json-file" : "cri");
    assert.deepEqual(piece, { time: TIME, stream: "stderr", text, isEnd });
  });
}

const others: readonly string[] = [
  "",
  "{}",
  "hello",
  docker(1),
  docker("x\n", { time: 1 }),
  docker("x\n", { stream: "other" }),
  ` ${docker("x\n")}`,
  docker("x\n").slice(0, -1),
  '{"stream":"stderr","log":"x\\n","time":"2026-11-28T15:27:44Z"}',
  "2026-11-28T15:27:44.123Z stdin F x",
  "2026-11-28T15:27:44.123Z stderr X x",
  "2026-11-28 15:27:44.123Z stderr F x",
  "x 2026-11-28T15:27:44.123Z stderr F x",
];

for (const line of others) {
  test(`readContainerLine refuses ${JSON.stringify(line)}`, () => {
    for (const format of ["json-file", "cri"] as const)
      assert.equal(readContainerLine(line, format), undefined);
  });
}

const piece = (text: string, isEnd = true, stream: ContainerPiece["stream"] = "stdout") => ({
  time: TIME,
  stream,
  text,
  isEnd,
});

test("ContainerLines joins the pieces of each stream", () => {
  const joiner = new ContainerLines(100, () => assert.fail());
  const added = [
    piece("a", false),
    piece("x", true, "stderr"),
    piece("y", false, "stderr"),
    piece("b", false),
    piece("c"),
    piece("z", true, "stderr"),
    piece("d"),
  ].map((each) => joiner.add(each));
  assert.deepEqual(added, [undefined, "x", undefined, undefined, "abc", "yz", "d"]);
});

test("ContainerLines drops a line that is too long, whole, and counts it once", () => {
  let overlong = 0;
  const joiner = new ContainerLines(5, () => overlong++);
  const added = ["abc", "def", "ghi"].map((text) => joiner.add(piece(text, false)));
  assert.deepEqual(
    [...added, joiner.add(piece("Failed")), joiner.add(piece("next"))],
    [undefined, undefined, undefined, undefined, "next"],
  );
  assert.equal(overlong, 1);
});

test("ContainerLines shows nothing of a line whose beginning was left out", () => {
  const joiner = new ContainerLines(100, () => assert.fail());
  joiner.skip();
  assert.deepEqual(
    [piece("Failed", false), piece("Failed"), piece("next"), piece("lost", true, "stderr")].map((each) =>
      joiner.add(each),
    ),
    [undefined, undefined, "next", undefined],
  );
});

test("ContainerLines gives the lines that a program wrote, wherever they are cut", () => {
  const written = fc.array(fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 4 }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(written, (written) => {
      const joiner = new ContainerLines(1000, () => assert.fail());
      const pieces = written.flatMap((parts) =>
        parts.map((part, at) => piece(part, at === parts.length - 1)),
      );
      const lines = pieces.map((each) => joiner.add(each)).filter((line) => line !== undefined);
      assert.deepEqual(
        lines,
        written.map((parts) => parts.join("")),
      );
    }),
  );
});
