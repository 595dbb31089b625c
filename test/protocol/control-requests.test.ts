import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { linesOf } from "../../src/protocol/control-lines.ts";
import {
  ControlError,
  decodeRequest,
  encodeRequest,
  type Request,
} from "../../src/protocol/control-requests.ts";

const requests: readonly { line: string; request: Request }[] = [
  { line: '{"v":1,"do":"ping"}', request: { do: "ping" } },
  { line: '{"v":1,"do":"banned"}', request: { do: "banned" } },
  { line: '{"v":1,"do":"reload"}', request: { do: "reload" } },
  { line: '{"v":1,"do":"status"}', request: { do: "status", jail: undefined } },
  { line: '{"v":1,"do":"status","jail":"sshd"}', request: { do: "status", jail: "sshd" } },
  { line: '{"v":1,"do":"explain","id":"x y"}', request: { do: "explain", subject: { id: "x y" } } },
  { line: '{"v":1,"do":"unban","all":true}', request: { do: "unban", subject: "all" } },
  {
    line: '{"v":1,"do":"unban","ip":"2001:db8::/64"}',
    request: { do: "unban", subject: { ip: "2001:db8::/64" } },
  },
  {
    line: '{"v":1,"do":"ban","jail":"sshd","ip":"192.0.2.7","bantime":90.5}',
    request: { do: "ban", jail: "sshd", subject: { ip: "192.0.2.7" }, bantime: 90_500 },
  },
  {
    line: '{"v":1,"do":"ban","jail":"sshd","ip":"192.0.2.7","bantime":-1}',
    request: { do: "ban", jail: "sshd", subject: { ip: "192.0.2.7" }, bantime: null },
  },
  {
    line: '{"v":1,"do":"ban","jail":"sshd","ip":"192.0.2.7"}',
    request: { do: "ban", jail: "sshd", subject: { ip: "192.0.2.7" }, bantime: undefined },
  },
];

for (const { line, request } of requests) {
  test(`encodeRequest writes and decodeRequest reads ${line}`, () => {
    assert.equal(encodeRequest(request), `${line}\n`);
    assert.deepEqual(decodeRequest(line), request);
  });
}

const canonical: readonly (readonly [written: string, ip: string])[] = [
  ["192.0.2.7/24", "192.0.2.0/24"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:DB8:0::7", "2001:db8::7"],
  ["2001:db8::7/128", "2001:db8::7"],
];

for (const [written, ip] of canonical) {
  test(`decodeRequest takes ${written} for ${ip}`, () => {
    assert.deepEqual(decodeRequest(JSON.stringify({ do: "explain", ip: written })), {
      do: "explain",
      subject: { ip },
    });
  });
}

const refused: readonly { name: string; line: string; code?: string; message: RegExp }[] = [
  { name: "no JSON", line: "ping", message: /^expected a JSON object on one line$/ },
  { name: "an empty line", line: "", message: /^expected a JSON object/ },
  { name: "a list", line: '["ping"]', message: /^expected a JSON object/ },
  { name: "null", line: "null", message: /^expected a JSON object/ },
  { name: "nothing to do", line: "{}", message: /^do: expected ping, status, / },
  { name: "something else to do", line: '{"do":"stop"}', message: /^do: expected ping, status, / },
  { name: "a method of objects", line: '{"do":"constructor"}', message: /^do: expected/ },
  { name: "another version", line: '{"v":2,"do":"ping"}', code: "ERR_CONTROL_VERSION", message: /version 1/ },
  { name: "an unknown key", line: '{"do":"ping","jail":"x"}', message: /^unknown key "jail"$/ },
  {
    name: "a key of the prototype",
    line: '{"do":"ping","__proto__":{"x":1}}',
    message: /^unknown key "__proto__"$/,
  },
  { name: "a long key", line: `{"do":"ping","${"k".repeat(999)}":1}`, message: /^unknown key "k{40}"$/ },
  {
    name: "a ban without jail",
    line: '{"do":"ban","ip":"192.0.2.7"}',
    message: /^jail: expected 1 to 64 of/,
  },
  {
    name: "a jail that can't be",
    line: '{"do":"status","jail":"a b"}',
    message: /^jail: expected 1 to 64 of/,
  },
  {
    name: "a ban of nobody",
    line: '{"do":"ban","jail":"x"}',
    message: /^expected exactly one of ip and id$/,
  },
  {
    name: "a ban of two",
    line: '{"do":"explain","ip":"192.0.2.7","id":"x"}',
    message: /^expected exactly one/,
  },
  {
    name: "no address",
    line: '{"do":"explain","ip":"192.0.2.256"}',
    message: /^ip: expected an address or a network/,
  },
  {
    name: "a number for an address",
    line: '{"do":"explain","ip":3221225991}',
    message: /^ip: expected a string$/,
  },
  {
    name: "everybody",
    line: '{"do":"unban","ip":"0.0.0.0/0"}',
    message: /^ip: "0.0.0.0\/0" holds all addresses$/,
  },
  { name: "all and one", line: '{"do":"unban","all":true,"ip":"192.0.2.7"}', message: /^unknown key "ip"$/ },
  { name: "not all", line: '{"do":"unban","all":false}', message: /^expected exactly one of ip and id$/ },
  ...["0", "-2", '"10m"', "1e13", "null", "true", "0.0001"].map((bantime) => ({
    name: `a bantime of ${bantime}`,
    line: `{"do":"ban","jail":"x","ip":"192.0.2.7","bantime":${bantime}}`,
    message: /^bantime: expected seconds up to 1000000000000, or -1 for ever$/,
  })),
];

for (const { name, line, code = "ERR_CONTROL_REQUEST", message } of refused) {
  test(`decodeRequest refuses ${name}`, () => {
    assert.throws(() => decodeRequest(line), { name: "ControlError", code, message });
  });
}

test("decodeRequest throws nothing but ControlError, whatever it is given", () => {
  const value = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom("[".repeat(60_000), `${'{"a":'.repeat(9999)}1`),
  );
  fc.assert(
    fc.property(value, (line) => {
      try {
        decodeRequest(line);
      } catch (error) {
        assert.ok(error instanceof ControlError, `${error}`);
      }
    }),
  );
});

/** What linesOf makes of bytes that come in these pieces. */
async function cut(pieces: readonly Buffer[], maxBytes = 100): Promise<readonly string[]> {
  async function* input() {
    yield* pieces;
  }
  const lines: string[] = [];
  for await (const line of linesOf(input(), maxBytes)) lines.push(line);
  return lines;
}

test("linesOf gives the same lines however the bytes are cut", async () => {
  const text = "one\n\ntwo ü漢😀\r\nlast";
  const bytes = Buffer.from(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
      assert.deepEqual(await cut(pieces), ["one", "", "two ü漢😀\r", "last"]);
    }),
    { numRuns: 50 },
  );
});

test("linesOf takes a line of the longest length and none beyond it, ended or not", async () => {
  const longest = "x".repeat(100);
  assert.deepEqual(await cut([Buffer.from(`${longest}\n${longest}`)]), [longest, longest]);
  for (const text of [`${longest}x\n`, `${longest}x`, `a\n${longest}x\n`]) {
    await assert.rejects(cut([Buffer.from(text)]), RangeError);
    await assert.rejects(cut([...text].map((letter) => Buffer.from(letter))), RangeError);
  }
});
