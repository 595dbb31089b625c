import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type CompiledFilter, compileFilter } from "../../src/filter/compile-filter.ts";
import { Matcher } from "../../src/filter/matcher.ts";
import type { Groups, Verdict } from "../../src/filter/verdict.ts";
import { readFilter } from "../../src/rules/fail2ban/resolve-filter.ts";
import { formatNetwork, parseNetwork, unmap } from "../../src/shared/address.ts";
import { setZone } from "../../src/shared/time.ts";
import { LineMaker } from "../helpers/differential-lines.ts";
import { askFail2ban, fail2banTests, type PeerAnswer, type PeerRequest } from "../helpers/fail2ban-peer.ts";
import { seededRandom } from "../helpers/random-pattern.ts";
import { ROOT } from "../helpers/root.ts";

/** More of them: F2B_DIFF_LINES=200000 node --test …; another F2B_DIFF_SEED gives others. */
const LINES = Number(process.env.F2B_DIFF_LINES ?? 20_000);
const SEED = Number(process.env.F2B_DIFF_SEED ?? 1);

/** Most lines for one instance of a filter. */
const STRETCH = 150;

/** Most differences that are printed. */
const MAX_TOLD = 50;

/** The filters that Debian installs, and some of ours for what those leave out. */
const CONFIGS = ["/etc/fail2ban", join(ROOT, "test/fixtures/differential")];

const ZONE = "Europe/Zurich";

/** When fail2ban is started: decides which years it takes for years. Epoch seconds. */
const STARTED = Date.UTC(2025, 5, 15) / 1000;

/** What time it is, instance by instance, in epoch seconds. */
const NOWS = [
  "2025-06-15T10:00:00Z",
  "2024-12-31T23:30:00Z",
  "2025-10-26T00:30:00Z",
  "2025-10-26T01:30:00Z",
  "2025-03-30T01:10:00Z",
  "2024-02-29T12:00:00Z",
  "2025-03-01T00:00:10Z",
  "2026-02-28T23:30:00Z",
].map((text) => Date.parse(text) / 1000);

type Options = Readonly<Record<string, string>>;

/** Variants that a filter's text does not show by its `mdre-…` or `mdpr-…`. */
const VARIANTS: Readonly<Record<string, readonly Options[]>> = {
  "apache-auth": [{ mode: "aggressive" }, { logging: "syslog" }],
  guacamole: [{ logging: "webapp" }],
  sshd: [
    { publickey: "invalid" },
    { publickey: "any" },
    { logtype: "short" },
    { logtype: "journal", mode: "aggressive" },
  ],
};

interface Case {
  readonly request: PeerRequest;
  readonly ours: readonly Verdict[];
}

const tests = fail2banTests();

const skip = tests === undefined && "needs the Debian package fail2ban";

test("Matcher says what fail2ban says, line by line", { skip }, async (t) => {
  setZone(ZONE);
  const cases = makeCases(tests ?? "");
  const verdicts = cases.flatMap(({ ours }) => ours);
  const differences: string[] = [];
  let answered = 0;
  const requests = cases.map(({ request }) => request);
  for await (const answers of askFail2ban(requests, ZONE, STARTED)) {
    const asked = cases[answered++] as Case;
    assert.equal(answers.length, asked.ours.length);
    answers.forEach((theirs, i) => {
      differences.push(...compare(asked, i, theirs));
    });
  }
  assert.equal(answered, cases.length);
  const matched = verdicts.filter(({ match }) => match).length;
  t.diagnostic(`seed ${SEED}: ${verdicts.length} lines for ${cases.length} filters, ${matched} failures`);
  assert.ok(verdicts.length >= LINES);
  // What generator and damage leave of it: with none of them the two would agree on anything.
  assert.ok(matched > LINES / 4, `only ${matched} lines match`);
  const told = differences.slice(0, MAX_TOLD).join("\n\n");
  assert.equal(differences.length, 0, `${differences.length} of ${verdicts.length} lines differ\n\n${told}`);
});

/** Filters with more patterns get more lines, and those without samples. */
function makeCases(tests: string): Case[] {
  const kinds = CONFIGS.flatMap((config) =>
    readdirSync(join(config, "filter.d"))
      .filter((file) => file.endsWith(".conf") && !file.endsWith("common.conf"))
      .sort()
      .flatMap((file) => readKinds(config, file.slice(0, -".conf".length), tests)),
  );
  const weightOf = ({ filter, samples }: Kind) =>
    (3 + filter.failregex.length) * (samples.length > 0 ? 1 : 2);
  const total = kinds.reduce((sum, kind) => sum + weightOf(kind), 0);
  const instances = kinds.flatMap((kind) => {
    const lines = Math.ceil((LINES * weightOf(kind)) / total);
    const count = Math.ceil(lines / STRETCH);
    return Array.from({ length: count }, () => ({ kind, lines: Math.ceil(lines / count) }));
  });
  return instances.map(({ kind, lines }, index) => makeCase(kind, lines, index));
}

/** A filter with some options. */
interface Kind {
  readonly config: string;
  readonly name: string;
  readonly options: Options;
  readonly filter: CompiledFilter;
  readonly datepattern: string | undefined;
  readonly samples: readonly string[];
}

/** A filter as it is, in each of its modes, and as a journal's lines want it. */
function readKinds(config: string, name: string, tests: string): Kind[] {
  const text = readFileSync(join(config, "filter.d", `${name}.conf`), "utf8");
  const modes = new Set([...text.matchAll(/^md(?:re|pr)-(\w+) *=/gm)].map(([, mode = ""]) => mode));
  const journal = /common\.conf|logtype/.test(text) ? [{ logtype: "journal" }] : [];
  const modeOptions = [...modes].map((mode) => ({ mode }));
  const samples = readSamples(tests, name);
  return [{}, ...modeOptions, ...journal, ...(VARIANTS[name] ?? [])].map((options: Options) => {
    const rule = readFilter(config, name, options);
    return {
      config,
      name,
      options,
      filter: compileFilter(rule),
      datepattern: rule.datepattern?.source,
      samples,
    };
  });
}

/** The sample lines of fail2ban's own tests. */
function readSamples(tests: string, filter: string): string[] {
  const path = join(tests, "files/logs", filter);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function makeCase(kind: Kind, count: number, index: number): Case {
  const { config, name, options, filter } = kind;
  const journal = options.logtype === "journal";
  const seconds = NOWS[(SEED + index) % NOWS.length] ?? 0;
  const now = seconds * 1000;
  const lines = new LineMaker({ ...kind, journal, now }, seededRandom(SEED * 100_000 + index)).make(count);
  const matcher = new Matcher(filter);
  // As a jail's view has it: the journal gives the time, a line of a file its own date.
  const time = journal ? now : undefined;
  const ours = lines.map((text) =>
    matcher.match({ text: `${text}\n`, whole: text, hasDate: !journal, time }, { now, clock: now }),
  );
  return { request: { config, filter: name, options, now: seconds, journal, lines }, ours };
}

/**
 * Lines that fail2ban drops with an exception that it did not expect: those with a date in a zone that it does not know, such as
 * ZEST, and empty ones where there is no date to look for, `{NONE}`.
 */
function isDropped(line: string | undefined, error: string): boolean {
  return /^KeyError: '[A-Z]+'$/.test(error) || (line === "" && error.startsWith("IndexError"));
}

function compare({ request, ours }: Case, index: number, theirs: PeerAnswer): string[] {
  if (theirs && "error" in theirs && isDropped(request.lines[index], theirs.error)) return [];
  const verdict = ours[index] as Verdict;
  const our = told(verdict);
  const their = toldBy(theirs, our);
  if (isDeepStrictEqual(our, their)) return [];
  const { filter, options, now, lines } = request;
  const difference = {
    filter,
    options,
    now,
    index,
    line: lines[index],
    ours: our ?? verdict,
    fail2ban: their,
  };
  return [
    Object.entries(difference)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      .join("\n"),
  ];
}

/** What is compared of a failure; null: none. */
type Told = Readonly<Record<string, unknown>> | null;

function told(verdict: Verdict): Told {
  if (!verdict.match) return null;
  const { id, kind, cidr, time = null, lines, regex } = verdict;
  const address = kind === "address" && cidr === undefined ? parseNetwork(id) : undefined;
  const ban = address && formatNetwork(unmap(address));
  return { id, ban, time, attempts: lines.length, regex, groups: captured(verdict.groups()) };
}

function toldBy(answer: PeerAnswer, ours: Told): Told {
  if (answer === null || "error" in answer) return answer;
  const address = ours?.ban === undefined ? undefined : parseNetwork(answer.ban);
  const ban = address && formatNetwork(address);
  return { ...answer, ban, groups: captured(answer.groups) };
}

/** Groups that are no part of a failure: the marks of sessions, of which each side forgets others, and what they are merged from. */
const INNER = /^(?:nofail|mlf(?:gained|forget)|skiplines\d+|(?:alt|tuple)_.*)$/;

function captured(groups: Groups): Groups {
  return Object.fromEntries(
    Object.entries(groups).filter(([name, value]) => value !== undefined && !INNER.test(name)),
  );
}
