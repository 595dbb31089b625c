import { pick, type Random, upTo } from "./random-pattern.ts";

/** What may stand where a host belongs: addresses of every make, impossible ones, names. */
export const HOSTS = [
  "192.0.2.1",
  "198.51.100.77",
  "203.0.113.9",
  "2001:db8::1",
  "2001:DB8:0:0:0:0:0:9",
  "2001:db8:1:2:3:4:5:6",
  "::ffff:192.0.2.5",
  "::ffff:c000:205",
  "[2001:db8::7]",
  "[192.0.2.7]",
  "fe80::1%eth0",
  "::",
  "::1",
  "999.1.2.300",
  "192.0.2.01",
  "192.0.2",
  "192.0.2.1.5",
  "192.0.2.1/24",
  "2001:db8:::1",
  "1:2:3:4:5:6:7:8:9",
  "host.example.org",
  "192.0.2.1.example.org",
  "a-b_c.example",
  "bücher.example",
  "localhost",
  "-",
  "",
];

/** User names as an attacker would choose them. */
export const USERS = [
  "root",
  "admin",
  "alice",
  "x",
  "a b",
  "root from 203.0.113.9 port 1",
  "x from 203.0.113.9 port 1 ssh2",
  "invalid user root",
  "' or 1=1",
  '"quoted"',
  "<b>",
  "[x]",
  "(y)",
  "a:b",
  "zoë",
  "İstanbul",
  "ſtraße",
  "用户",
  "𝒜lice",
  "user@example.org",
  "DOMAIN\\bob",
  "",
];

/** Blanks that Python and others see differently, controls, characters of two UTF-16 units, digits of other scripts. */
const CHARS = [
  ..." \t\r\"'<>[](){}:;,.=-_/\\|^$*+?#%@!0aZ",
  "\u0000",
  "\u000b",
  "\f",
  "\u001c",
  "\u001f",
  "\u0085",
  "\u00a0",
  "\u2003",
  "\u2028",
  "\ufeff",
  "\u00e9",
  "\u017f",
  "\u212a",
  "\u0130",
  "\u0663",
  "\u{1d7d9}",
  "\u{1f600}",
];

type Mutation = (line: string, random: Random) => string;

const MUTATIONS: readonly Mutation[] = [
  (line, random) => replaceOne(line, ADDRESS, random, () => pick(random, HOSTS)),
  (line, random) => replaceOne(line, ADDRESS, random, () => pick(random, HOSTS)),
  (line, random) =>
    replaceOne(line, /\b(?:root|admin|user|test|alice|x)\b/g, random, () => pick(random, USERS)),
  (line, random) => replaceOne(line, /[^ ]+/g, random, () => pick(random, USERS)),
  (line, random) => replaceOne(line, /[^ ]+/g, random, () => pick(random, HOSTS)),
  (line, random) => replaceOne(line, / ?[^ ]+/g, random, () => ""),
  (line, random) => replaceOne(line, / ?[^ ]+/g, random, (token) => token + token),
  (line, random) => replaceOne(line, /[^ ]+ +[^ ]+/g, random, (pair) => pair.split(/ +/).reverse().join(" ")),
  (line, random) => replaceOne(line, /[A-Za-z]+/g, random, (word) => word.toUpperCase()),
  (line, random) => replaceOne(line, /[A-Za-z]+/g, random, (word) => word.toLowerCase()),
  (line, random) => replaceOne(line, /\d/g, random, () => String(upTo(random, 10))),
  (line, random) => replaceOne(line, /\d+/g, random, (digits) => digits + upTo(random, 100)),
  (line, random) => replaceOne(line, / /g, random, () => pick(random, ["  ", "\t", "", "\u00a0"])),
  (line, random) => replaceOne(line, /[^A-Za-z0-9 ]/gu, random, () => pick(random, CHARS)),
  (line, random) => cut(line, random, (chars, at) => chars.slice(0, at)),
  (line, random) => cut(line, random, (chars, at) => chars.slice(at)),
  (line, random) => cut(line, random, (chars, at) => chars.toSpliced(at, 1 + upTo(random, 8))),
  (line, random) => insertAt(line, random, pick(random, CHARS)),
  (line, random) => cut(line, random, (chars, at) => chars.toSpliced(at, 1, pick(random, CHARS))),
  (line, random) => insertAt(line, random, ` ${pick(random, USERS)} `),
  (line, random) => line + pick(random, [" ", "\t", "\r", ".", " 203.0.113.9", " [preauth]", " ssh2"]),
  (line, random) => pick(random, [" ", "[", "<", "x ", "203.0.113.9 "]) + line,
];

const ADDRESS = /\[?(?:::ffff:)?\d{1,3}(?:\.\d{1,3}){3}\]?|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F]*/g;

/** Changes a line in one place. */
export function mutate(line: string, random: Random): string {
  return pick(random, MUTATIONS)(line, random);
}

/** Puts a text anywhere in a line. */
export function insertAt(line: string, random: Random, text: string): string {
  return cut(line, random, (chars, at) => chars.toSpliced(at, 0, text));
}

function replaceOne(line: string, what: RegExp, random: Random, by: (found: string) => string): string {
  const all = [...line.matchAll(what)];
  if (all.length === 0) return line;
  const { 0: text, index } = pick(random, all);
  return line.slice(0, index) + by(text) + line.slice(index + text.length);
}

/** Cuts between code points, as nothing else can arrive in a line of UTF-8. */
function cut(line: string, random: Random, edit: (chars: string[], at: number) => string[]): string {
  const chars = [...line];
  return edit(chars, upTo(random, chars.length + 1)).join("");
}
