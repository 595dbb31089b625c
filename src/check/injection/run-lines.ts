import { Matcher } from "../../filter/matcher.ts";
import type { Failure, Verdict } from "../../filter/verdict.ts";
import { runWithin } from "../../python/time-limit.ts";
import { FormatDetector } from "../../stream/input/format.ts";
import { readEntry } from "../../stream/input/read-entry.ts";
import type { CompiledJail } from "../../stream/jail/compile-jails.ts";
import { judge } from "../../stream/jail/jail-view.ts";

/** The result of some lines. */
export interface LinesResult {
  readonly failures: readonly Failure[];
  /** The verdict on the last line; undefined: the jail does not read it. */
  readonly last: Verdict | undefined;
  /** A search took too long and was given up: there is no result for these lines. */
  readonly gaveUp: boolean;
}

/** The time for all that runs in one go, in milliseconds. */
const LIMIT = 1000;

/** Whether one limit holds for all lines that run now. */
let isEnclosed = false;

/**
 * Runs what runs lines, under one time limit for all of it instead of one for each search, of which each takes longer than most searches.
 * If it takes longer, it runs again from its beginning, with a limit for each search.
 *
 * @param task to be repeated without harm
 */
export function inOneGo<Result>(task: () => Result): Result {
  if (isEnclosed) return task();
  isEnclosed = true;
  try {
    const ended = runWithin(LIMIT, task);
    if (ended) return ended.result;
  } finally {
    isEnclosed = false;
  }
  return task();
}

/**
 * Runs lines through a new filter of a jail. For jails that see only messages, a line without a header is a message.
 *
 * @param now epoch milliseconds, for years that lines leave out
 */
export function runLines({ jail, filter }: CompiledJail, lines: readonly string[], now: number): LinesResult {
  let gaveUp = false;
  const onGiveUp = () => {
    gaveUp = true;
  };
  const matcher = new Matcher(filter, { isUnlimited: isEnclosed, onGiveUp });
  const detector = new FormatDetector();
  const clock = { now, clock: now };
  const verdicts = lines.map((line) => {
    const text = `${line}\n`;
    const entry = readEntry(text, detector.formatOf(text, now), now);
    const isMessage = jail.identifier !== undefined && entry?.identifier === undefined;
    if (isMessage) return matcher.match({ text, whole: line, hasDate: false, time: now }, clock);
    return entry && judge(jail, matcher, entry, clock);
  });
  const failures = verdicts.filter((verdict) => verdict?.match === true);
  return { failures, last: verdicts.at(-1), gaveUp };
}

/** True when the filter matched lines that are no failure yet. */
export function isSilent({ failures, last }: LinesResult): boolean {
  return failures.length === 0 && last?.match === false && (last.why === "nofail" || last.why === "pending");
}
