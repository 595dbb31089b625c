import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ban, type Command, decode, encode, MAX_COMMAND_BYTES } from "../../src/protocol/command.ts";
import { CommandError } from "../../src/protocol/json-fields.ts";

const NOW = Date.UTC(2026, 10, 21, 19, 40);

const ban: Ban = {
  cmd: "ban",
  jail: "smtp-auth",
  ip: "192.0.2.7",
  time: NOW,
  until: NOW + 600_000,
  port: [25, "10000:10100"],
  protocol: ["tcp"],
  failures: 3,
  bancount: 1,
  matches: ["Nov 21 20:39:59 mx sendmail[1]: AUTH failure"],
};

const lines: readonly { name: string; command: Command; line: string }[] = [
  {
    name: "a ban, its keys in the order of the manual",
    command: ban,
    line:
      '{"cmd":"ban","jail":"smtp-auth","ip":"192.0.2.7","time":"2026-11-21T19:40:00.000Z",' +
      '"until":"2026-11-21T19:50:00.000Z","port":[25,"10000:10100"],"protocol":["tcp"],"failures":3,"bancount":1,' +
      '"matches":["Nov 21 20:39:59 mx sendmail[1]: AUTH failure"]}\n',
  },
  {
    name: "a ban for ever of an id",
    command: { cmd: "would-ban", jail: "web", id: "session 5\n", time: NOW, until: null },
    line: '{"cmd":"would-ban","jail":"web","id":"session 5\\n","time":"2026-11-21T19:40:00.000Z","until":null}\n',
  },
  {
    name: "an unban",
    command: { cmd: "unban", jail: "web", ip: "2001:db8::/64", time: NOW, reason: "expired" },
    line: '{"cmd":"unban","jail":"web","ip":"2001:db8::/64","time":"2026-11-21T19:40:00.000Z","reason":"expired"}\n',
  },
  {
    name: "the begin of a sync",
    command: { cmd: "sync", time: NOW, phase: "begin", jails: ["web", "sshd"] },
    line: '{"cmd":"sync","time":"2026-11-21T19:40:00.000Z","phase":"begin","jails":["web","sshd"]}\n',
  },
];

for (const { name, command, line } of lines) {
  test(`encode and decode ${name}`, () => {
    assert.equal(encode(command), line);
    assert.deepEqual(decode(line, 0), command);
  });
}

const jail = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const time = fc.integer({ min: 0, max: 253_402_300_799_999 });
const target = fc.oneof(
  fc.record({ jail, ip: fc.constantFrom("192.0.2.7", "198.51.100.0/24", "2001:db8::1", "2001:db8::/64") }),
  fc.record({ jail, id: fc.string({ minLength: 1, unit: "binary" }) }),
);
const count = fc.nat();
const port = fc.oneof(fc.nat(65535), fc.constantFrom("1:2", "10000:10100"));
const anyBan = fc
  .tuple(
    fc.constantFrom("ban" as const, "would-ban" as const),
    target,
    fc.record({ time, until: fc.option(time) }),
    fc.record(
      {
        port: fc.array(port),
        protocol: fc.array(fc.constantFrom("tcp", "udp")),
        failures: count,
        bancount: count,
        matches: fc.array(fc.string({ unit: "binary" })),
        restored: fc.constant(true as const),
        repeat: fc.constant(true as const),
        manual: fc.constant(true as const),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([cmd, whom, when, rest]): Command => ({ cmd, ...whom, ...when, ...rest }));
const anyUnban = fc
  .tuple(
    fc.constantFrom("unban" as const, "would-unban" as const),
    target,
    fc.record(
      { time, reason: fc.constantFrom("expired", "manual", "reload", "ignored") },
      { requiredKeys: ["time"] },
    ),
  )
  .map(([cmd, whom, rest]) => ({ cmd, ...whom, ...rest }) as Command);
const anySync = fc.tuple(time, fc.option(fc.array(jail))).map(([time, jails]): Command => {
  return jails ? { cmd: "sync", time, phase: "begin", jails } : { cmd: "sync", time, phase: "end" };
});

test("decode returns what was encoded, one line per command", () => {
  fc.assert(
    fc.property(fc.oneof(anyBan, anyUnban, anySync), (command) => {
      const line = encode(command);
      assert.deepEqual(decode(line, 0), command);
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.doesNotMatch(line, /\p{Cs}/u, "UTF-8 can hold it");
    }),
  );
});

const large: readonly { name: string; matches: readonly string[]; kept: number }[] = [
  { name: "ASCII", matches: lined(100, "x".repeat(1021)), kept: 63 },
  { name: "characters of three bytes", matches: lined(100, "漢".repeat(1021)), kept: 21 },
  { name: "characters that JSON escapes", matches: lined(100, "\0".repeat(1021)), kept: 10 },
  { name: "one line that is too long by itself", matches: ["x".repeat(70_000)], kept: 0 },
];

/** Lines that tell which they are. */
function lined(count: number, text: string): string[] {
  return Array.from({ length: count }, (_, index) => `${String(index).padStart(3, "0")}${text}`);
}

for (const { name, matches, kept } of large) {
  test(`encode drops the oldest evidence until the line fits: ${name}`, () => {
    const line = encode({ ...ban, matches });
    assert.ok(Buffer.byteLength(line) <= MAX_COMMAND_BYTES);
    const decoded = decode(line, 0);
    assert.ok("matches" in decoded);
    assert.deepEqual(decoded.matches, matches.slice(matches.length - kept));
  });
}

test("encode keeps evidence that fits to the byte", () => {
  const room = MAX_COMMAND_BYTES - Buffer.byteLength(encode({ ...ban, matches: [""] }));
  const fits = { ...ban, matches: ["x".repeat(room)] };
  assert.equal(Buffer.byteLength(encode(fits)), MAX_COMMAND_BYTES);
  const two = encode({ ...ban, matches: ["xx", "x".repeat(room)] });
  assert.equal(Buffer.byteLength(two), MAX_COMMAND_BYTES, "the older line and its comma are gone");
  const tooLong = encode({ ...ban, matches: ["x".repeat(room + 1)] });
  assert.match(tooLong, /"matches":\[\]/);
});

const accepted: readonly { name: string; line: string; command: Command }[] = [
  {
    name: "a ban that says the least",
    line: '{"cmd":"ban","ip":"192.0.2.7"}',
    command: { cmd: "ban", jail: "manual", ip: "192.0.2.7", time: NOW, until: null },
  },
  {
    name: "unknown fields",
    line: '{"cmd":"unban","ip":"192.0.2.7","why":{"not":[1]},"__proto__":{"ip":"198.51.100.1"},"reason":"mood"}',
    command: { cmd: "unban", jail: "manual", ip: "192.0.2.7", time: NOW },
  },
  {
    name: "an address that is not in canonical text",
    line: '{"cmd":"ban","ip":"2001:DB8:0::0001"}',
    command: { cmd: "ban", jail: "manual", ip: "2001:db8::1", time: NOW, until: null },
  },
  {
    name: "a mapped address, as the one inside",
    line: '{"cmd":"ban","ip":"::ffff:192.0.2.7"}',
    command: { cmd: "ban", jail: "manual", ip: "192.0.2.7", time: NOW, until: null },
  },
  {
    name: "a time with an offset",
    line: '{"cmd":"unban","ip":"192.0.2.7","time":"2026-11-21T20:40:00+01:00"}',
    command: { cmd: "unban", jail: "manual", ip: "192.0.2.7", time: NOW },
  },
  {
    name: "an empty line of evidence",
    line: '{"cmd":"ban","ip":"192.0.2.7","matches":[""]}',
    command: { cmd: "ban", jail: "manual", ip: "192.0.2.7", time: NOW, until: null, matches: [""] },
  },
];

for (const { name, line, command } of accepted) {
  test(`decode accepts ${name}`, () => {
    assert.deepEqual(decode(line, NOW), command);
  });
}

const refused: readonly (readonly [line: string, message: RegExp])[] = [
  ["", /^expected a JSON object/],
  ["null", /^expected a JSON object/],
  ["[]", /^expected a JSON object/],
  ['"ban"', /^expected a JSON object/],
  ['{"cmd":"ban"', /^expected a JSON object/],
  ["{}", /^cmd: missing/],
  ['{"cmd":1}', /^cmd: expected a string/],
  ['{"cmd":"ban"}', /^expected exactly one of ip and id/],
  ['{"cmd":"ban","ip":"192.0.2.1","id":"x"}', /^expected exactly one of ip and id/],
  ['{"cmd":"ban","ip":3221225985}', /^ip: expected a string/],
  ['{"cmd":"ban","ip":["192.0.2.1"]}', /^ip: expected a string/],
  ['{"cmd":"ban","ip":"192.0.2.1; reboot"}', /^ip: expected an address or a network/],
  ['{"cmd":"ban","ip":"0.0.0.0/0"}', /^ip: "0.0.0.0\/0" holds all addresses/],
  ['{"cmd":"ban","ip":"::/0"}', /^ip: "::\/0" holds all addresses/],
  ['{"cmd":"ban","ip":"::ffff:0.0.0.0/96"}', /^ip: "::ffff:0.0.0.0\/96" holds all addresses/],
  ['{"cmd":"ban","id":""}', /^id: expected a string/],
  ['{"cmd":"ban","ip":"192.0.2.1","jail":"a b"}', /^jail: expected 1 to 64/],
  ['{"cmd":"ban","ip":"192.0.2.1","jail":"sshd\\n"}', /^jail: expected 1 to 64/],
  ['{"cmd":"ban","ip":"192.0.2.1","jail":""}', /^jail: expected 1 to 64/],
  ['{"cmd":"ban","ip":"192.0.2.1","jail":null}', /^jail: expected 1 to 64/],
  [`{"cmd":"ban","ip":"192.0.2.1","jail":"${"x".repeat(65)}"}`, /^jail: expected 1 to 64/],
  ['{"cmd":"ban","ip":"192.0.2.1","time":1}', /^time: expected a time/],
  ['{"cmd":"ban","ip":"192.0.2.1","time":"2026-11-21T19:40:00"}', /^time: expected a time/],
  ['{"cmd":"ban","ip":"192.0.2.1","time":"2026-13-21T19:40:00Z"}', /^time: expected a time/],
  ['{"cmd":"ban","ip":"192.0.2.1","time":"9999-12-31T23:59:59.999-23:59"}', /^time: expected a time/],
  ['{"cmd":"ban","ip":"192.0.2.1","time":"0000-01-01T00:00:00+00:01"}', /^time: expected a time/],
  ['{"cmd":"ban","ip":"192.0.2.1","until":"never"}', /^until: expected a time/],
  ['{"cmd":"ban","ip":"192.0.2.1","port":22}', /^port: expected a list/],
  ['{"cmd":"ban","ip":"192.0.2.1","port":["ssh"]}', /^port: expected numbers/],
  ['{"cmd":"ban","ip":"192.0.2.1","port":[65536]}', /^port: expected numbers/],
  ['{"cmd":"ban","ip":"192.0.2.1","port":["2:1"]}', /^port: expected numbers/],
  ['{"cmd":"ban","ip":"192.0.2.1","protocol":["tcp; reboot"]}', /^protocol: expected names/],
  ['{"cmd":"ban","ip":"192.0.2.1","failures":1.5}', /^failures: expected a whole number/],
  ['{"cmd":"ban","ip":"192.0.2.1","bancount":-1}', /^bancount: expected a whole number/],
  ['{"cmd":"ban","ip":"192.0.2.1","matches":[1]}', /^matches: expected a string/],
  ['{"cmd":"ban","ip":"192.0.2.1","repeat":1}', /^repeat: expected true or false/],
  ['{"cmd":"sync"}', /^phase: expected "begin" or "end"/],
  ['{"cmd":"sync","phase":"begin"}', /^jails: missing/],
  ['{"cmd":"sync","phase":"begin","jails":["a b"]}', /^jails: expected 1 to 64/],
];

for (const [line, message] of refused) {
  test(`decode refuses ${line.slice(0, 70)}`, () => {
    assert.throws(() => decode(line, NOW), { name: "CommandError", code: "ERR_COMMAND_INVALID", message });
  });
}

test("decode tells an unknown command from a line that is not a command", () => {
  assert.throws(() => decode('{"cmd":"flush"}', NOW), { code: "ERR_COMMAND_UNKNOWN", message: /"flush"$/ });
});

test("decode throws nothing but CommandError", () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom("192.0.2.1", "ban", "sync", "begin", [], {}));
  const keys = fc.constantFrom("cmd", "jail", "ip", "id", "time", "until", "port", "protocol", "matches");
  const objects = fc.dictionary(keys, value).map((object) => JSON.stringify({ cmd: "ban", ...object }));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), objects), (line) => {
      try {
        decode(line, NOW);
      } catch (error) {
        assert.ok(error instanceof CommandError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
