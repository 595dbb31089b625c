import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatGreeting,
  formatTaggedHeader,
  type LinesOf,
  type Source,
  type TaggedHeader,
} from "../../../src/protocol/tagged.ts";
import { TaggedInput } from "../../../src/stream/input/tagged-input.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const AUTH = "/var/log/auth.log";

/** What comes out of an input: the lines of each source, whole ones alone. */
class Taken {
  readonly lines = new Map<string, string[]>();
  readonly #unfinished = new Map<string, string>();
  plain = "";
  readonly sources: (readonly Source[])[] = [];
  readonly errors: string[] = [];
  readonly input: TaggedInput;

  constructor(isTagged?: boolean) {
    this.input = new TaggedInput(
      {
        onTagged: () => undefined,
        onPlain: (bytes) => {
          this.plain += bytes.toString();
        },
        onSources: (sources) => this.sources.push(sources),
        onLines: (source, bytes) => {
          const lines = ((this.#unfinished.get(source) ?? "") + bytes.toString()).split("\n");
          this.#unfinished.set(source, lines.pop() ?? "");
          this.lines.set(source, [...(this.lines.get(source) ?? []), ...lines]);
        },
        onCut: (source) => this.#unfinished.delete(source),
        onError: (message) => this.errors.push(message),
      },
      isTagged,
    );
  }

  /** Takes a text in pieces of these lengths, over and over. */
  take(text: string, lengths: readonly number[] = [text.length || 1]): this {
    const bytes = Buffer.from(text);
    for (let at = 0, n = 0; at < bytes.length; n++) {
      const length = lengths[n % lengths.length] as number;
      // A reader's buffer is used again.
      const chunk = Buffer.from(bytes.subarray(at, at + length));
      this.input.push(chunk);
      chunk.fill(0x78);
      at += length;
    }
    return this;
  }
}

function header(content: TaggedHeader): string {
  return formatTaggedHeader(TOKEN, content);
}

const greeting = formatGreeting(TOKEN);

test("TaggedInput gives each source its lines", () => {
  const sources: Source[] = [
    { name: AUTH, kind: "file" },
    { name: "journal", kind: "journal" },
  ];
  const taken = new Taken().take(
    [
      greeting,
      header({ sources }),
      header({ source: AUTH, place: "1", offset: 0 }),
      "one\ntwo\n",
      header({ source: "journal" }),
      "{}\n",
      header({ source: AUTH, place: "1", offset: 8 }),
      "three\n",
    ].join(""),
  );
  assert.deepEqual(
    [...taken.lines],
    [
      [AUTH, ["one", "two", "three"]],
      ["journal", ["{}"]],
    ],
  );
  assert.deepEqual(taken.sources, [sources]);
  assert.deepEqual(taken.errors, []);
});

test("TaggedInput passes an input on as it is that does not begin with a greeting", () => {
  const texts = [
    "Nov 21 19:40:02 mail1 sshd[1]: a\n",
    "\x1e",
    "\x1e\n",
    `\x1e${TOKEN}\n`,
    ` ${greeting}`,
    `${greeting.slice(0, -1)}`,
    `\x1e${TOKEN.toUpperCase()} f2b-tail 1\nx\n`,
  ];
  for (const text of texts)
    for (const lengths of [[1], [text.length], [3, 40]]) {
      const taken = new Taken();
      taken.take(text, lengths).input.end();
      assert.equal(taken.plain, text);
      assert.equal(taken.input.isTagged, false);
    }
  assert.equal(new Taken(false).take(greeting).plain, greeting);
});

test("TaggedInput tells of an input that should be tagged and is not, and of another version", () => {
  assert.deepEqual(new Taken(true).take("a\n").errors, [
    "the input does not begin as f2b-tail's does, and is read as lines of one log",
  ]);
  assert.deepEqual(new Taken().take(greeting.replace("tail 1", "tail 2")).errors, [
    "a stream of f2b-tail in version 2: expected version 1",
  ]);
});

test("TaggedInput takes no line for a header, whoever wrote it", () => {
  const lines = [
    `\x1e${"0".repeat(32)} {"source":"/etc/passwd"}`,
    `${TOKEN} {"source":"x"}`,
    `\x1e${TOKEN}`,
    `\x1e${TOKEN.slice(0, -1)}`,
    "\x1e",
    `x\x1e${TOKEN}{"source":"x"}`,
  ];
  const text = `${greeting}${header({ source: AUTH })}${lines.join("\n")}\n`;
  for (const length of [1, 2, 33, 34, 35, text.length])
    assert.deepEqual(new Taken().take(text, [length]).lines.get(AUTH), lines);
});

test("TaggedInput leaves out the lines after a header that it cannot read, and says so", () => {
  const text = `${greeting}\x1e${TOKEN} {"source":1}\nlost\n${header({ source: AUTH })}kept\n`;
  const taken = new Taken().take(text);
  assert.deepEqual([...taken.lines], [[AUTH, ["kept"]]]);
  assert.deepEqual(taken.errors, ["source: expected a string"]);
});

test("TaggedInput takes up a header after one whose writer was killed inside of it", () => {
  const whole = header({ source: AUTH });
  for (let length = 1; length < whole.length; length++) {
    const taken = new Taken().take(`${greeting}${whole.slice(0, length)}${greeting}${whole}one\n`, [1, 70]);
    assert.deepEqual([...taken.lines], [[AUTH, ["one"]]]);
    assert.deepEqual(taken.errors, []);
  }
});

test("TaggedInput bounds a header", () => {
  const taken = new Taken().take(
    `${greeting}\x1e${TOKEN} {"source":"${"x".repeat(2 << 20)}"}\nlost\n`,
    [65_536],
  );
  assert.deepEqual([...taken.lines], []);
  assert.deepEqual(taken.errors, ["longer than 1048576 bytes"]);
});

test("TaggedInput says so when a second f2b-tail writes into the pipe", () => {
  const taken = new Taken().take(`${greeting}${header({ source: AUTH })}one\n`);
  taken.take(formatGreeting("f".repeat(32))).take(formatGreeting("e".repeat(32)));
  assert.deepEqual(taken.errors, [
    "a second f2b-tail writes into the same pipe, and its lines pass for those of the first one",
  ]);
});

test("TaggedInput remembers the last four places of a source", () => {
  const block = (place: number) => `${header({ source: AUTH, place: `${place}`, offset: 0 })}${place}\n`;
  const places = Array.from({ length: 20 }, (_, n) => n);
  const taken = new Taken().take(greeting + places.map(block).join(""));
  taken.take(places.slice(-4).map(block).join(""));
  assert.deepEqual(taken.lines.get(AUTH), places.map(String));
  taken.take(block(0));
  assert.deepEqual(taken.lines.get(AUTH)?.slice(20), ["0"]);
});

/** What f2b-tail does: writes on, or is killed after some bytes of a block and starts again at what it has noted. */
interface Step {
  readonly source: string;
  readonly lines: readonly string[];
  /** Of the block, how many bytes are written before it is killed; undefined: all. */
  readonly killedAfter: number | undefined;
  /** Whether the block's end was noted. */
  readonly isNoted: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  source: fc.constantFrom("a", "b"),
  lines: fc.array(fc.string({ unit: fc.constantFrom("a", "\x1e", "0", " ", "{"), maxLength: 8 }), {
    minLength: 1,
    maxLength: 4,
  }),
  killedAfter: fc.option(fc.nat(40), { nil: undefined }),
  isNoted: fc.boolean(),
});

test("TaggedInput gives each line once, however often f2b-tail is killed and the text is cut", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (steps, lengths) => {
        const logs = new Map<string, string>();
        const noted = new Map<string, number>();
        let text = greeting;
        const restart = () => {
          text += greeting;
          for (const source of logs.keys()) text += block(source, noted.get(source) ?? 0);
        };
        const block = (source: string, offset: number) => {
          const of: LinesOf = { source, place: `place of ${source}`, offset };
          return header(of) + (logs.get(source) ?? "").slice(offset);
        };
        for (const { source, lines, killedAfter, isNoted } of steps) {
          const offset = (logs.get(source) ?? "").length;
          logs.set(source, (logs.get(source) ?? "") + lines.map((line) => `${line}\n`).join(""));
          const written = block(source, offset);
          text += written.slice(
            0,
            killedAfter === undefined
              ? undefined
              : header({ source, place: `place of ${source}`, offset }).length + killedAfter,
          );
          if (killedAfter === undefined && isNoted) noted.set(source, (logs.get(source) ?? "").length);
          if (killedAfter !== undefined) restart();
        }
        restart();
        const taken = new Taken().take(text, lengths);
        for (const [source, log] of logs)
          assert.deepEqual(taken.lines.get(source), log.split("\n").slice(0, -1));
        assert.deepEqual(taken.errors, []);
      },
    ),
    { numRuns: 2000 },
  );
});
