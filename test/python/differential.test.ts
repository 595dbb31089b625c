import assert from "node:assert/strict";
import { test } from "node:test";
import { exactGroups } from "../../src/python/groups.ts";
import { parsePattern } from "../../src/python/parse/parse.ts";
import {
  PatternError,
  type PatternFlags,
  type PatternMatch,
  type PythonPattern,
} from "../../src/python/pattern.ts";
import { compilePattern } from "../../src/python/search/compile-pattern.ts";
import {
  askPython,
  type PythonAnswer,
  type PythonCase,
  type PythonSpan,
  pythonVersion,
} from "../helpers/python-re.ts";
import { damaged, PatternMaker, randomText, seededRandom } from "../helpers/random-pattern.ts";

/** More of them: PATTERNS=100000 node --test …; another SEED gives others. */
const PATTERNS = Number(process.env.PATTERNS ?? 1000);
const SEED = Number(process.env.SEED ?? 1);
const TEXTS = 8;

const version = pythonVersion();
const skip = version === "3.11" ? false : `needs python3 3.11 on PATH, found ${version ?? "none"}`;

test("compilePattern finds what Python's re finds, in random patterns and texts", { skip }, () => {
  const random = seededRandom(SEED);
  const maker = new PatternMaker(random);
  compareAll(
    Array.from({ length: PATTERNS }, () => ({ source: maker.make(), texts: randomTexts(random) })),
    PATTERNS / 4,
  );
});

test("compilePattern refuses what Python's re refuses, in damaged patterns", { skip }, () => {
  const random = seededRandom(SEED);
  const maker = new PatternMaker(random);
  const flags = ["", "", "x", "i", "ms"];
  const cases = Array.from({ length: PATTERNS * 2 }, (_, i) => ({
    source: damaged(maker.make(), random),
    flags: flags[i % flags.length] ?? "",
    texts: randomTexts(random).slice(0, 2),
  }));
  compareAll(
    cases.filter(({ source }) => !isFail2banSpelling(source)),
    PATTERNS / 2,
  );
});

function randomTexts(random: () => number): string[] {
  return Array.from({ length: TEXTS }, () => randomText(random));
}

/** A group that begins with a flag: fail2ban's spelling, which Python refuses. */
function isFail2banSpelling(source: string): boolean {
  return /\((?:\?:)?\(\?[a-zA-Z]+\)/.test(source);
}

function compareAll(cases: readonly PythonCase[], mostUnsupported: number): void {
  const theirs = askPython(cases);
  let unsupported = 0;
  const differences = cases.flatMap((asked, i) => {
    const ours = answer(asked);
    if (ours === "unsupported") unsupported++;
    return ours === "unsupported" ? [] : compare(asked, ours, theirs[i] as PythonAnswer);
  });
  assert.deepEqual(differences.slice(0, 5), [], `${differences.length} differences`);
  assert.ok(unsupported < mostUnsupported, `${unsupported} patterns were refused as unsupported`);
}

type Spans = readonly PythonSpan[] | null;

function answer({ source, flags, texts }: PythonCase): PythonAnswer | "unsupported" {
  try {
    const pattern = compilePattern(source, flagsOf(flags));
    return { results: texts.map((text) => spansOf(pattern, text)) };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return error.code === "ERR_PATTERN_SYNTAX" ? { error: error.message } : "unsupported";
  }
}

function flagsOf(letters = ""): PatternFlags {
  const has = (letter: string) => letters.includes(letter);
  return { ignorecase: has("i"), multiline: has("m"), dotall: has("s"), verbose: has("x"), ascii: has("a") };
}

function spansOf(pattern: PythonPattern, text: string): Spans {
  const found = pattern.searchSpans(text);
  const plain = pattern.search(text);
  const told = (match: PatternMatch | undefined) =>
    match && [match.start, match.end, pattern.groupNames.map((name) => match.groups[name])];
  assert.deepEqual(told(plain), told(found));
  return found ? found.spans.map((span) => span ?? null) : null;
}

function compare(asked: PythonCase, ours: PythonAnswer, theirs: PythonAnswer): unknown[] {
  const { source, flags, texts } = asked;
  if ("none" in ours || "none" in theirs) return [];
  if ("error" in ours || "error" in theirs) {
    return "error" in ours && "error" in theirs ? [] : [{ source, flags, ours, theirs }];
  }
  const exact = exactGroups(parsePattern(source, flagsOf(flags)));
  const told = (spans: Spans = null) =>
    JSON.stringify(spans?.filter((_, i) => i === 0 || exact.has(i)) ?? null);
  return texts.flatMap((text, i) => {
    const [our, their] = [told(ours.results[i]), told(theirs.results[i])];
    return our === their ? [] : [{ source, flags, text, ours: our, theirs: their }];
  });
}
