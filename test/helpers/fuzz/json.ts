import { pick, type Random, upTo } from "../random-pattern.ts";
import type { Damage } from "./damage.ts";

/** Values as JSON texts, most of the wrong kind for any field. */
const VALUES = [
  ...[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1e400",
    "-1e400",
    "1E+5",
    "9007199254740993",
    "0.1",
    "1e-400",
  ],
  ...[
    "99999999999999999999",
    "[]",
    "{}",
    '""',
    '"x"',
    "[null]",
    "[[]]",
    '[["a"]]',
    '["a","b"]',
    "[102,111,111]",
  ],
  ...["[256,-1,1.5]", "[0]", "[195,40]", "[300]", '[1,"a"]', '{"a":1}', '{"__proto__":1}', '"__proto__"'],
  ...[
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\n"',
    '"a\\nb"',
    '"\\u2028"',
    '"\\/"',
    '"\\u0061"',
    '"\x7f"',
  ],
  ...['"\u2028"', '"\u202e"', '"\u0085"', '"é😀"', '"9999-12-31T23:59:59.999Z"', '"0000-01-01T00:00:00Z"'],
  ...['"9999-12-31T23:59:59.999-23:59"', '"0000-01-01T00:00:00+23:59"', '"2026-11-21T19:40:00.000Z"'],
  ...[
    '"2026-02-30T24:00:00Z"',
    '"-271821-04-20T00:00:00Z"',
    '"192.0.2.7"',
    '"192.0.2.0/24"',
    '"::ffff:192.0.2.7"',
  ],
  ...[
    '"64:ff9b::192.0.2.1"',
    '"2001:db8::/32"',
    '"0.0.0.0/0"',
    '"fe80::1%eth0"',
    '"1795290000123456"',
    '"-5"',
  ],
];

const KEYS = [
  ...["MESSAGE", "__REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "_COMM", "SYSLOG_PID", "_PID"],
  ...[
    "_SYSTEMD_UNIT",
    "_UID",
    "PRIORITY",
    "__proto__",
    "constructor",
    "toString",
    "",
    "cmd",
    "jail",
    "ip",
    "id",
  ],
  ...[
    "time",
    "until",
    "port",
    "protocol",
    "failures",
    "bancount",
    "matches",
    "restored",
    "repeat",
    "manual",
    "reason",
  ],
  ...["phase", "jails", "do", "v", "all", "bantime", "seen", "whole", "\\u004dESSAGE", "MESSAGE\\u0000"],
];

/** Where a member of a JSON object stands, at any depth: as text, so that what is no JSON can be changed too. */
const MEMBER = /"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|\[[^\][]*\]|[^\s,}\]]+)/g;

type Edit = (line: string, random: Random, other: () => Buffer) => string;

const member =
  (change: (key: string, value: string, random: Random) => string): Edit =>
  (line, random) => {
    const all = [...line.matchAll(MEMBER)];
    if (all.length === 0) return line;
    const { 0: whole, 1: key = "", 2: value = "", index } = pick(random, all);
    return line.slice(0, index) + change(key, value, random) + line.slice(index + whole.length);
  };

const EDITS: readonly Edit[] = [
  member((key, _, random) => `"${key}":${pick(random, VALUES)}`),
  member((key, _, random) => `"${key}":${pick(random, VALUES)}`),
  member((_, value, random) => `"${pick(random, KEYS)}":${value}`),
  member((key, value, random) => `"${key}":${pick(random, VALUES)},"${key}":${value}`),
  member((key, value, random) => `"${key}":${value},"${key}":${pick(random, VALUES)}`),
  member((key, value, random) => `"${key}":${value},"${pick(random, KEYS)}":${pick(random, VALUES)}`),
  member((key, value, random) => `"${escaped(key, random)}":${value}`),
  member((key, value, random) => `"${key}":${escaped(value, random)}`),
  member((key, value) => `"${key}":${asBytes(value)}`),
  member((key, value, random) => `"${key}":${nested(value, random)}`),
  member(
    (key, value, random) =>
      `${blank(random)}"${key}"${blank(random)}:${blank(random)}${value}${blank(random)}`,
  ),
  member((key, value, random) => `"${key}":${longer(value, random)}`),
  member(() => ""),
  (line, random, other) => {
    const [taken] = other().toString("latin1").matchAll(MEMBER);
    return taken ? line.replace(/\}\s*$/, () => `,${taken[0]}}`) : `${line}${pick(random, VALUES)}`;
  },
  (line, random) => pick(random, ["data: ", "\x1e", "\xef\xbb\xbf", " ", "[", "data:", "{"]) + line,
  (line, random) => line + pick(random, ["\r", " ", "}", "x", "\x00", ",", "]"]),
];

/** Changes a line of JSON as one who knows what JSON is. Bytes stay bytes: it is read as Latin-1 and written so. */
export const jsonDamage: Damage = (line, random, other) =>
  Buffer.from(pick(random, EDITS)(line.toString("latin1"), random, other), "latin1");

/** Some characters inside of quotes by their numbers. */
function escaped(text: string, random: Random): string {
  return text.replace(/[a-zA-Z0-9]/g, (char) =>
    random() < 0.2 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char,
  );
}

/** A text as journalctl writes what is no text. */
function asBytes(value: string): string {
  return value.startsWith('"')
    ? `[${[...Buffer.from(value.slice(1, -1), "latin1")].join(",")}]`
    : `[${value}]`;
}

function nested(value: string, random: Random): string {
  const depth = pick(random, [1, 2, 50, 5000]);
  return random() < 0.5
    ? "[".repeat(depth) + value + "]".repeat(depth)
    : '{"a":'.repeat(depth) + value + "}".repeat(depth);
}

function longer(value: string, random: Random): string {
  const times = pick(random, [2, 20, 300, 5000]);
  return value.startsWith('"')
    ? `"${value.slice(1, -1).repeat(times).slice(0, 100_000)}"`
    : value.repeat(times % 25);
}

function blank(random: Random): string {
  return " ".repeat(upTo(random, 2));
}
