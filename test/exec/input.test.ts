import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Report } from "../../src/cli/report.ts";
import { CommandReader } from "../../src/exec/input.ts";
import { type Command, MAX_COMMAND_BYTES } from "../../src/protocol/command.ts";

const NOW = Date.parse("2026-11-21T20:00:00.000Z");
const BAN = '{"cmd":"ban","ip":"192.0.2.7"}';

async function read(chunks: readonly (string | Buffer)[]) {
  const commands: Command[] = [];
  const told: string[] = [];
  const report = new Report("f2b-exec", (line) => told.push(line.trimEnd()));
  const reader = new CommandReader(
    report,
    (command) => commands.push(command),
    () => NOW,
  );
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  await reader.end();
  return { commands, told, bad: reader.bad };
}

const CASES = [
  { name: "a command", input: `${BAN}\n`, commands: 1, told: [] },
  { name: "a last line without newline", input: BAN, commands: 1, told: [] },
  { name: "heartbeats", input: `\n\n${BAN}\n\r\n`, commands: 1, told: [] },
  { name: "nothing", input: "", commands: 0, told: [] },
  {
    name: "a bad line between good ones",
    input: `${BAN}\n\n{"cmd":"ban","ip":"example.org"}\n${BAN}\n`,
    commands: 2,
    told: ['warning: line 3: ip: expected an address or a network, got "example.org"'],
  },
  {
    name: "control characters, which are not shown raw",
    input: '{"cmd":"ban","ip":"\\u001b[2J"}\n',
    commands: 0,
    told: ['warning: line 1: ip: expected an address or a network, got "\\u001b[2J"'],
  },
  {
    name: "a torn line",
    input: `${BAN}\n{"cmd":"ban","ip":"192.0.`,
    commands: 1,
    told: ["warning: line 2: the input ends within the line: expected a JSON object on one line"],
  },
  {
    name: "a complete line that is too long",
    input: `{"cmd":"ban","ip":"192.0.2.7","x":"${"y".repeat(MAX_COMMAND_BYTES)}"}\n${BAN}\n`,
    commands: 1,
    told: ["warning: line 1: longer than 65536 bytes"],
  },
];

for (const { name, input, commands, told } of CASES) {
  test(`CommandReader reads ${name}`, async () => {
    const result = await read([input]);
    assert.equal(result.commands.length, commands);
    assert.deepEqual(
      result.told,
      told.map((line) => `f2b-exec: ${line}`),
    );
    assert.equal(result.bad, told.length);
  });
}

test("CommandReader skips unknown commands with one warning, not as errors", async () => {
  const { told, bad } = await read(['{"cmd":"x"}\n{"cmd":"y"}\n', `${BAN}\n`]);
  assert.deepEqual(told, ['f2b-exec: warning: line 1: cmd: unknown command "x", skipped']);
  assert.equal(bad, 0);
});

test("CommandReader counts a line without end once, and continues after it", async () => {
  const chunk = "x".repeat(65536);
  const { told, bad, commands } = await read([
    `${BAN}\n`,
    ...Array<string>(20).fill(chunk),
    `\nbad\n${BAN}\n`,
  ]);
  assert.deepEqual(told, [
    "f2b-exec: warning: line 2: longer than 65536 bytes",
    "f2b-exec: warning: line 3: expected a JSON object on one line",
  ]);
  assert.deepEqual([bad, commands.length], [2, 2]);
});

test("CommandReader reports an input that is one line without end once", async () => {
  const { told } = await read(Array<string>(20).fill("x".repeat(65536)));
  assert.deepEqual(told, ["f2b-exec: warning: line 1: longer than 65536 bytes"]);
});

test("CommandReader reports the first bad lines one by one, then fewer and fewer", async () => {
  const { told, bad } = await read(["bad\n".repeat(1000)]);
  assert.equal(bad, 1000);
  assert.ok(told.length < 30, `${told.length} lines`);
});

test("CommandReader reads the same however the bytes are cut", async () => {
  const text = Buffer.from(`${BAN}\n{"cmd":"ban","id":"ä€😀"}\nbad\n\n${BAN}`);
  const whole = await read([text]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 8 }), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const chunks = places.slice(1).map((end, i) => text.subarray(places[i], end));
      assert.deepEqual(await read(chunks), whole);
    }),
  );
});
