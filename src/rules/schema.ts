import * as z from "zod";
import { formatNetwork, type Network, parseNetwork, unmap } from "../shared/address.ts";
import { suggestion } from "../shared/did-you-mean.ts";
import { DURATION_UNITS, parseDuration } from "../shared/duration.ts";
import { PROTOCOLS } from "../shared/limits.ts";
import { parseJournalMatch, splitJournalMatch, writableFields } from "./journalmatch.ts";
import { type JournalMatch, MAX_MAXRETRY } from "./rule.ts";
import { parsePort } from "./services.ts";

/** Longest duration, in milliseconds: the end of a ban stays a valid date. */
const LONGEST = 100 * 31_557_600_000;

/** A message `expected …, got …` for a check of zod's. */
const wanted = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => `expected ${what}, got ${shown(input)}`,
});

/** A value that `read` converts; it returns undefined for a wrong one. */
function value<T>(what: string, read: (value: unknown) => T | undefined, hint?: string) {
  return z.unknown().transform((input, context) => {
    const result = read(input);
    if (result !== undefined) return result;
    const message = `expected ${what}, got ${shown(input)}`;
    context.addIssue({ code: "custom", message, params: { hint } });
    return z.NEVER;
  });
}

const text = z.string(wanted("text")).min(1, wanted("text"));
const flag = z.boolean(wanted("true or false"));
const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words, wanted(words.map((word) => JSON.stringify(word)).join(" or ")));

function wholeNumber(min: number, max: number) {
  const message = wanted(`a whole number from ${min} to ${max}`);
  return z.int(message).min(min, message).max(max, message);
}

/** A list, or its only item. */
function list<T extends z.ZodType>(item: T) {
  return z.preprocess((input) => (Array.isArray(input) ? input : [input]), z.array(item));
}

/** A list, or text that is split at blanks and commas, as fail2ban's lists are. */
function wordList<T extends z.ZodType>(item: T) {
  const split = (input: unknown) => (typeof input === "string" ? (input.match(/[^\s,]+/g) ?? []) : input);
  return z.preprocess(split, list(item));
}

/** A list, or text with one item on each line. */
function lineList<T extends z.ZodType>(item: T) {
  const split = (input: unknown) => (typeof input === "string" ? (input.match(/\S(?:.*\S)?/g) ?? []) : input);
  return z.preprocess(split, list(item));
}

/** Patterns; their places in the file are found later. An empty text is no pattern. */
const patterns = z.union([z.string(), z.array(text, wanted("a pattern or a list of patterns"))]);

const durationHint = `units are ${DURATION_UNITS}`;
const anyDuration = value('a duration such as "10m"', readDuration, durationHint);
const duration = value('a duration such as "10m"', (input) => readDuration(input) || undefined, durationHint);
const bantime = value(
  'a duration such as "10m", or -1 (for ever)',
  (input) => (String(input).trim() === "-1" ? null : readDuration(input) || undefined),
  durationHint,
);

const port = value(
  'a port number, a range such as "10000:10100" or a service name',
  (input) => (typeof input === "number" || typeof input === "string" ? parsePort(String(input)) : undefined),
  "service names are those of /etc/services",
);

/** Ports; every way to write all ports gives an empty list. */
const ports = z.preprocess(
  (input) => (input === "all" || input === "any" ? [] : input),
  wordList(port).transform((list) =>
    list.includes("0:65535") || list.includes("1:65535") ? [] : [...new Set(list)],
  ),
);

const protocols = wordList(oneOf(PROTOCOLS))
  .refine((list) => list.length > 0, "expected a protocol, got an empty list")
  .refine((list) => list.length === 1 || !list.includes("all"), '"all" must be the only protocol');

const journalmatch = z.unknown().transform((input, context): JournalMatch => {
  try {
    return readJournalMatch(input);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** The items of `ignoreip`, by kind. */
export interface IgnoredAddresses {
  readonly networks: readonly Network[];
  readonly files: readonly string[];
  readonly hosts: readonly string[];
}

type Ignored = { network: Network } | { file: string } | { host: string };

const ignored = value('an address, a network, a host name or "file:/path"', readIgnored);

const ignoreip = wordList(ignored).transform(
  (list): IgnoredAddresses => ({
    networks: list.flatMap((item) => ("network" in item ? item.network : [])),
    files: list.flatMap((item) => ("file" in item ? item.file : [])),
    hosts: list.flatMap((item) => ("host" in item ? item.host : [])),
  }),
);

const argv = 'a list such as ["/usr/local/bin/is-known", "<ip>"], since no shell is run';
const command = z.union([
  z
    .string()
    .regex(/^\S+$/)
    .transform((word) => [word]),
  z.array(text, wanted(argv)).refine(isArgv, wanted("words without a NUL")),
]);

/** No argument of a program can hold a NUL. */
function isArgv(words: readonly string[]): boolean {
  return !words.some((word) => word.includes("\0"));
}

const multiplier = z.number(wanted("a number")).positive(wanted("a number above 0"));
const multipliers = z.preprocess(
  (input) =>
    typeof input === "string"
      ? input
          .trim()
          .split(/[\s,]+/)
          .map(Number)
      : input,
  list(multiplier),
);

const escalation = z.strictObject(
  {
    increment: flag.exactOptional(),
    factor: multiplier.exactOptional(),
    multipliers: multipliers.exactOptional(),
    maxtime: duration.exactOptional(),
    rndtime: anyDuration.exactOptional(),
    overalljails: flag.exactOptional(),
    memory: anyDuration.exactOptional(),
  },
  wanted("a mapping"),
);

/** Not wider than f2b-exec bans. */
const count = z.strictObject(
  { ipv4: wholeNumber(16, 32).exactOptional(), ipv6: wholeNumber(32, 128).exactOptional() },
  wanted("a mapping such as {ipv4: 32, ipv6: 64}"),
);

/** What a sample's failure or success must name; `true`: anything, `false`: there must be none. */
const expectedId = z.union([
  z.literal(false),
  z.preprocess(
    (input) => (input === true ? {} : input),
    z.strictObject(
      {
        ip: value("an address or a network", readCanonical).exactOptional(),
        id: text.exactOptional(),
        user: z.string(wanted("text")).exactOptional(),
      },
      wanted("true, false or a mapping such as {ip: 192.0.2.1}"),
    ),
  ),
]);

const test = z
  .strictObject(
    {
      line: list(z.string(wanted("text"))).refine((lines) => lines.length > 0, "expected a line"),
      match: expectedId.exactOptional(),
      success: expectedId.exactOptional(),
    },
    wanted('a mapping such as {line: "…", match: {ip: 192.0.2.1}}'),
  )
  .refine(
    ({ match, success }) => match !== undefined || success !== undefined,
    "expected match or success beside line",
  );

/**
 * The keys of a jail, each checked and converted by itself; defaults, and keys that depend on each other, come later. In a union the
 * short form comes first: the message of the last form is shown.
 */
const settingsSchema = z.strictObject(
  {
    description: z.string(wanted("text")).exactOptional(),
    enabled: flag.exactOptional(),
    identifier: list(text).exactOptional(),
    session: oneOf(["pid"]).exactOptional(),
    journalmatch: journalmatch.exactOptional(),
    logpath: lineList(text).exactOptional(),
    framing: oneOf(["file", "message"]).exactOptional(),
    prefregex: z
      .string(wanted("a pattern"))
      .refine(isOneLine, "expected one pattern, got several lines")
      .exactOptional(),
    failregex: patterns.exactOptional(),
    ignoreregex: patterns.exactOptional(),
    maxlines: wholeNumber(1, 1000).exactOptional(),
    datepattern: z.string(wanted("a date pattern")).exactOptional(),
    compat: oneOf(["fail2ban"]).exactOptional(),
    maxretry: wholeNumber(1, MAX_MAXRETRY).exactOptional(),
    findtime: duration.exactOptional(),
    bantime: bantime.exactOptional(),
    escalation: escalation.exactOptional(),
    count: count.exactOptional(),
    ignoreip: ignoreip.exactOptional(),
    ignoreself: flag.exactOptional(),
    ignorecommand: command.exactOptional(),
    usedns: oneOf(["no", "yes", "warn", "raw"]).exactOptional(),
    port: ports.exactOptional(),
    protocol: protocols.exactOptional(),
    mode: oneOf(["enforce", "shadow"]).exactOptional(),
    on: oneOf(["log", "ban"]).exactOptional(),
    maxmatches: wholeNumber(0, 1000).exactOptional(),
    success: patterns.exactOptional(),
    tests: z.array(test, wanted("a list of samples")).exactOptional(),
  },
  wanted("a mapping"),
);

/** A jail's keys as the schema gives them. */
export type CheckedSettings = z.output<typeof settingsSchema>;

/** A mistake in a value, at its path; `key`: this key does not exist there. */
export interface ValueIssue {
  readonly path: readonly PropertyKey[];
  readonly key?: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Checks the keys of one jail, or of `defaults`. */
export function checkSettings(input: unknown): CheckedSettings | readonly ValueIssue[] {
  const result = settingsSchema.safeParse(input);
  return result.success ? result.data : result.error.issues.flatMap((issue) => valueIssues(issue, []));
}

/** True for what `checkSettings` found wrong. */
export function isIssues(checked: CheckedSettings | readonly ValueIssue[]): checked is readonly ValueIssue[] {
  return Array.isArray(checked);
}

function valueIssues(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly ValueIssue[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    return (issue.errors.at(-1) ?? []).flatMap((inner) => valueIssues(inner, path));
  }
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(path, key));
  }
  const hint = issue.code === "custom" ? (issue.params?.hint as string | undefined) : undefined;
  return [{ path, message: issue.message, hint }];
}

function unknownKey(path: readonly PropertyKey[], key: string): ValueIssue {
  const nested = /^bantime\.(.+)$/.exec(key)?.[1];
  const hint =
    nested !== undefined && nested in escalation.shape
      ? `write escalation: {${nested}: …}`
      : suggestion(key, knownKeys(path));
  return { path, key, message: `unknown key ${shown(key)}`, hint };
}

/** The keys that are allowed at `path` in a jail. */
function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const shapes: Readonly<Record<string, object>> = {
    "": settingsSchema.shape,
    escalation: escalation.shape,
    count: count.shape,
    tests: test.shape,
  };
  return Object.keys(shapes[String(path[0] ?? "")] ?? {});
}

function isOneLine(pattern: string): boolean {
  return !pattern.trim().includes("\n");
}

function readDuration(input: unknown): number | undefined {
  const isText = typeof input === "string" || (typeof input === "number" && input >= 0);
  const milliseconds = isText ? parseDuration(String(input)) : undefined;
  return milliseconds !== undefined && milliseconds <= LONGEST ? milliseconds : undefined;
}

function readIgnored(input: unknown): Ignored | undefined {
  if (typeof input !== "string") return undefined;
  const file = /^file:(?:\/\/)?(\/.+)$/s.exec(input)?.[1];
  if (file !== undefined) return { file };
  const network = parseNetwork(input);
  if (network !== undefined) return { network: unmap(network) };
  return isHostName(input) ? { host: input } : undefined;
}

/** Letters, digits and hyphens between dots (RFC 1123), the last part not a number: that would be a broken address. */
function isHostName(word: string): boolean {
  return (
    word.length <= 253 &&
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i.test(word)
  );
}

function readCanonical(input: unknown): string | undefined {
  const network = typeof input === "string" ? parseNetwork(input) : undefined;
  return network && formatNetwork(unmap(network));
}

/** Text as on the command line of journalctl, each line an alternative; or a list of its words. */
function readJournalMatch(input: unknown): JournalMatch {
  const isWords = Array.isArray(input) && input.every((word) => typeof word === "string");
  if (typeof input !== "string" && !isWords)
    throw new SyntaxError(`expected FIELD=VALUE, got ${shown(input)}`);
  const match = parseJournalMatch(typeof input === "string" ? splitJournalMatch(input) : (input as string[]));
  const writable = writableFields(match);
  if (writable === undefined) return match;
  const fields = writable.join(" and ");
  throw new SyntaxError(
    `any local user can write ${fields} into the journal; add a field such as _SYSTEMD_UNIT`,
  );
}

/** A value for a message: short, on one line. */
export function shown(input: unknown): string {
  if (input === null || input === undefined) return "nothing";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a mapping";
  if (typeof input !== "string") return String(input);
  return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input);
}
