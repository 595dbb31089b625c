import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { formatNetwork, parseNetwork, unmap } from "../../src/address.ts";
import { compileFilter } from "../../src/filter/compile.ts";
import { Matcher } from "../../src/filter/matcher.ts";
import type { Verdict } from "../../src/filter/verdict.ts";
import { readFilter } from "../../src/rules/fail2ban/filter.ts";
import { setZone } from "../../src/time.ts";
import { LineMaker } from "../helpers/differential-lines.ts";
import {
  askFail2ban,
  FAIL2BAN_CONFIG,
  fail2banTests,
  type PeerAnswer,
  type PeerRequest,
} from "../helpers/fail2ban-peer.ts";
import { seededRandom } from "../helpers/random-pattern.ts";

/** More of them: F2B_DIFF_LINES=200000 node --test …; another F2B_DIFF_SEED gives others. */
const LINES = Number(process.env.F2B_DIFF_LINES ?? 20_000);
const SEED = Number(process.env.F2B_DIFF_SEED ?? 1);

/** Most lines for one instance of a filter. */
const STRETCH = 150;

/** Most differences that are printed. */
const MAX_TOLD = 50;

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
  sshd: [{ publickey: "invalid" }, { publickey: "any" }, { logtype: "short" }],
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

function makeCases(samples: string): Case[] {
  const kinds = readdirSync(join(FAIL2BAN_CONFIG, "filter.d"))
    .filter((file) => file.endsWith(".conf") && !file.endsWith("common.conf"))
    .sort()
    .flatMap((file) => variantsOf(file.slice(0, -".conf".length)));
  const count = Math.ceil(LINES / STRETCH / kinds.length) * kinds.length;
  const each = Math.ceil(LINES / count);
  return Array.from({ length: count }, (_, index) => {
    const { filter, options } = kinds[index % kinds.length] as (typeof kinds)[number];
    const request = {
      filter,
      options,
      now: NOWS[(SEED + index + Math.floor(index / kinds.length)) % NOWS.length] ?? 0,
      journal: options.logtype === "journal",
    };
    return makeCase(request, each, readSamples(samples, filter), index);
  });
}

interface Kind {
  readonly filter: string;
  readonly options: Options;
}

/** A filter as it is, in each of its modes, and as a journal's lines want it. */
function variantsOf(filter: string): Kind[] {
  const text = readFileSync(join(FAIL2BAN_CONFIG, "filter.d", `${filter}.conf`), "utf8");
  const modes = new Set([...text.matchAll(/^md(?:re|pr)-(\w+) *=/gm)].map(([, mode = ""]) => mode));
  const journal = /common\.conf|logtype/.test(text) ? [{ logtype: "journal" }] : [];
  const options: Options[] = [
    {},
    ...[...modes].map((mode) => ({ mode })),
    ...journal,
    ...(VARIANTS[filter] ?? []),
  ];
  return options.map((each) => ({ filter, options: each }));
}

/** The sample lines of fail2ban's own tests. */
function readSamples(tests: string, filter: string): string[] {
  const path = join(tests, "files/logs", filter);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function makeCase(
  asked: Omit<PeerRequest, "lines">,
  count: number,
  samples: readonly string[],
  index: number,
): Case {
  const rule = readFilter(FAIL2BAN_CONFIG, asked.filter, asked.options);
  const filter = compileFilter(rule);
  const now = asked.now * 1000;
  const source = { filter, datepattern: rule.datepattern?.source, samples, journal: asked.journal, now };
  const lines = new LineMaker(source, seededRandom(SEED * 100_000 + index)).make(count);
  const matcher = new Matcher(filter);
  const ours = lines.map((text) =>
    matcher.match({ text, whole: text, hasDate: !asked.journal, time: now }, { now, clock: now }),
  );
  return { request: { ...asked, lines }, ours };
}

/** fail2ban drops a line whose date has a zone that it does not know, such as ZEST: an exception that it did not expect. */
const UNKNOWN_ZONE = /^KeyError: '[A-Z]+'$/;

function compare({ request, ours }: Case, index: number, theirs: PeerAnswer): string[] {
  if (theirs && "error" in theirs && UNKNOWN_ZONE.test(theirs.error)) return [];
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
  const { id, kind, cidr, time = null, attempts, regex, groups } = verdict;
  const address = kind === "address" && cidr === undefined ? parseNetwork(id) : undefined;
  const ban = address && formatNetwork(unmap(address));
  return { id, ban, time, attempts, regex, user: groups.user ?? null };
}

function toldBy(answer: PeerAnswer, ours: Told): Told {
  if (answer === null || "error" in answer) return answer;
  const { groups: _groups, ...rest } = answer;
  const address = ours?.ban === undefined ? undefined : parseNetwork(answer.ban);
  const ban = address && formatNetwork(address);
  return { ...rest, ban };
}
