/** Bytes of input for an executor: good commands among lines of every kind of damage, and what must come of it. */
export interface Damaged {
  readonly bytes: Buffer;
  /** Who is banned at the end, if the damage changed nothing. Sorted. */
  readonly banned: readonly string[];
}

/** `count` lines from a seed: one in five is good. Good commands are about 198.18.0.0/15 alone, damage is about nothing in it. */
export function damagedLines(count: number, seed: number): Damaged {
  const random = mulberry(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const banned = new Set<string>();
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    if (below(5) > 0) {
      parts.push(damage(below), Buffer.from(NEWLINE));
      continue;
    }
    const ip = `198.18.${below(20)}.${below(256)}`;
    const isBan = below(3) > 0;
    if (isBan) banned.add(ip);
    else banned.delete(ip);
    const until = below(2) === 0 ? {} : { until: "2136-01-07T15:09:04.000Z" };
    const command = isBan ? { cmd: "ban", jail: "fuzz", ip, ...until } : { cmd: "unban", jail: "fuzz", ip };
    parts.push(Buffer.from(`${JSON.stringify(command)}\n`));
  }
  return { bytes: Buffer.concat(parts), banned: [...banned].sort() };
}

type Below = (limit: number) => number;

const NEWLINE = "\n";
const GOOD = '{"cmd":"ban","jail":"fuzz","ip":"203.0.113.7","until":"2136-01-07T15:09:04.000Z","port":[25]}';
const COMMANDS = [
  "ban",
  "unban",
  "sync",
  "would-ban",
  "exec",
  "",
  "BAN",
  "ban\u0000",
  "__proto__",
  "constructor",
];
const JAILS = ["fuzz; reboot", "../x", "a b", "", "x".repeat(65), "f2bs-\n", "é", "$(id)", "-x;"];
const TARGETS = [
  ...[
    "localhost",
    "example.org",
    "0.0.0.0",
    "0.0.0.0/0",
    "::/0",
    "127.0.0.1",
    "127.0.0.0/8",
    "::1",
    "::ffff:127.0.0.1",
  ],
  ...[
    "203.0.113.7; reboot",
    "203.0.113.7 -j ACCEPT",
    "203.0.113.300",
    "203.0.113",
    "0x7f000001",
    "203.0.113.07",
  ],
  ...[
    "203.0.113.7/33",
    "203.0.0.0/8",
    "2001::/16",
    "fe80::1%eth0",
    "203.0.113.7\n203.0.113.8",
    "$(id)",
    "`id`",
    " 203.0.113.7",
  ],
  ...[
    "203.0.113.7\u0000",
    "-1",
    "!203.0.113.7",
    "@set",
    "203.0.113.7,203.0.113.8",
    "203.0.113.1-203.0.113.9",
    "}",
    '"',
  ],
];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1e300,
    "",
    "x",
    [],
    {},
    [[]],
    ["25; reboot"],
    [65_536],
    [-1],
    ["1:2:3"],
    [1.5],
    "25",
  ],
  ...["2026-13-45T99:99:99Z", "tomorrow", "9".repeat(400), { toString: "x" }, [null], "\u2028", "\ud800"],
];
/** No value of any key of a command. */
const NEVER: readonly unknown[] = ["x", -1, {}, [[]], [null], true, "9".repeat(400)];

/** A line that is no command, or one that must be refused. It never holds a newline. */
function damage(below: Below): Buffer {
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  switch (below(9)) {
    case 0: // random bytes
      return Buffer.from(Array.from({ length: below(200) }, () => below(256))).map((byte) =>
        byte === 10 ? 0 : byte,
      ) as Buffer;
    case 1: // cut short
      return Buffer.from(GOOD.slice(0, 1 + below(GOOD.length - 1)));
    case 2: // a byte turned over, where no address is
      return flipped(below);
    case 3: // a word that nobody knows
      return Buffer.from(JSON.stringify({ cmd: pick(COMMANDS.slice(4)), jail: "fuzz", ip: "203.0.113.7" }));
    case 4: // a jail that is no name
      return Buffer.from(JSON.stringify({ cmd: "ban", jail: pick(JAILS), ip: "203.0.113.7" }));
    case 5: // an address that is none, or nobody's to ban
      return Buffer.from(JSON.stringify({ cmd: "ban", jail: "fuzz", ip: pick(TARGETS) }));
    case 6: // a value of the wrong kind
      return Buffer.from(
        JSON.stringify({
          ...JSON.parse(GOOD),
          ...(below(2) === 0
            ? { [pick(["cmd", "ip"])]: pick(VALUES) }
            : { [pick(["until", "time", "port", "protocol"])]: pick(NEVER) }),
        }),
      );
    case 7: // a line that is too long
      return below(50) === 0
        ? Buffer.from(`{"cmd":"ban","ip":"203.0.113.7","x":"${"x".repeat(70_000)}"}`)
        : Buffer.from("[]");
    default: // deep, or not JSON at all
      return Buffer.from(
        pick([`${"[".repeat(5000)}`, "null", "NaN", "{}", '{"cmd":', "ban 203.0.113.7", "\ufeff{}", "]"]),
      );
  }
}

/** Breaks a quote, brace or colon, so that it is no JSON any more. */
function flipped(below: Below): Buffer {
  const places = [...GOOD].flatMap((char, index) => ('{}":['.includes(char) ? [index] : []));
  const bytes = Buffer.from(GOOD);
  bytes[places[below(places.length)] ?? 0] = 1 + below(8);
  return bytes;
}

/** Mulberry32: the same numbers for the same seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
