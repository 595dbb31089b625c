import type { PatternMatch, PythonPattern } from "../python/pattern.ts";
import { MEDIUM, SearchBudget } from "../python/search/budget.ts";
import { isAscii } from "../python/search/compile-pattern.ts";
import { flat } from "../shared/text.ts";
import type { Settle } from "../shared/time.ts";
import type { CompiledFilter, FilterPattern } from "./compile-filter.ts";
import { evidenceOf, isLong } from "./evidence-text.ts";
import { LineDates, type MatcherClock, type MatcherLine } from "./line-date.ts";
import { allGroups, idOf, type MatchGroups, matchGroupsOf, timesOf } from "./match-groups.ts";
import { type BufferedLine, joinLines, LineBuffer, splitBuffer } from "./multiline.ts";
import { mergeGroups, type SessionLine, type SessionState } from "./session/merged-session.ts";
import type { OneLineSession } from "./session/one-line-sessions.ts";
import { Sessions } from "./session/sessions.ts";
import type { Failure, Groups, NoFailure, Verdict } from "./verdict.ts";

export type { MatcherClock, MatcherLine } from "./line-date.ts";

export interface MatcherOptions {
  /**
   * Whether a line without a date takes the time of the last line that had one, as in fail2ban. False for a caller that does not
   * show the matcher every line: such a line then has no time, and the caller finds one.
   */
  readonly inherits?: boolean;
  /** True: searches have no time limits, for a caller that stops the whole by itself. */
  readonly isUnlimited?: boolean;
  /** Called for each search that took too long and was given up; the line counts as one that does not match. */
  readonly onGiveUp?: (pattern: PythonPattern) => void;
}

/** A line and the text that is searched in it. */
interface LineSearch {
  /** The failregexes to try, as bits. */
  readonly patterns: number;
  /** The buffer of a multi-line filter, this line the last. */
  readonly lines: readonly BufferedLine[] | undefined;
  readonly whole: string;
  readonly process: string | undefined;
  readonly time: number | undefined;
  readonly clock: number;
  /** Where the text begins in the line; -1: it is not the end of the line, or several lines, or not ASCII. */
  readonly start: number;
  /** What patterns see, with its newline. */
  readonly text: string;
  readonly ascii: boolean;
  /** What the prefregex matched. */
  readonly prefregex: MatchGroups | undefined;
}

/** A line of ASCII by itself. */
const BARE_SEARCH: LineSearch = {
  patterns: 0,
  lines: undefined,
  whole: "",
  process: undefined,
  time: undefined,
  clock: 0,
  start: -1,
  text: "",
  ascii: true,
  prefregex: undefined,
};

/** The filter of one jail: line in, verdict out. Remembers sessions, the lines of a multi-line pattern and the last date. */
export class Matcher {
  readonly #filter: CompiledFilter;
  readonly #budget: SearchBudget;
  readonly #dates: LineDates;
  readonly #sessions = new Sessions((stored) => this.#reread(stored));
  readonly #buffer: LineBuffer;
  #joined: readonly BufferedLine[] = [];

  constructor(
    filter: CompiledFilter,
    { inherits = true, isUnlimited = false, onGiveUp }: MatcherOptions = {},
  ) {
    this.#filter = filter;
    this.#budget = new SearchBudget({ isUnlimited, ...(onGiveUp && { onGiveUp }) });
    this.#dates = new LineDates(filter.dates, this.#budget, inherits);
    this.#buffer = new LineBuffer(filter.maxlines);
  }

  /** The lines before the last one that its match spanned, as they were written. */
  get joined(): readonly string[] {
    return this.#joined.map(({ whole }) => whole);
  }

  /**
   * Judges the next line, as fail2ban's Filter.processLine and findFailure do.
   *
   * @param patterns the failregexes that may match, as bits by their index; the last bit is for all from 31 on
   */
  match(line: MatcherLine, clock: MatcherClock, patterns = -1): Verdict {
    this.#budget.nextLine();
    const { text, time, start } = this.#dates.cut(line, clock);
    const lines = this.#filter.maxlines > 1 ? this.#buffer.add(text, line) : undefined;
    if (this.#joined.length > 0) this.#joined = [];
    const seen = lines ? joinLines(lines) : text;
    const ascii = (lines ? undefined : line.ascii) ?? isAscii(seen);
    return this.#judge({
      patterns,
      lines,
      whole: line.whole,
      process: line.process,
      time,
      clock: clock.clock,
      start: line.ascii && lines === undefined ? start : -1,
      text: seen,
      ascii,
      prefregex: undefined,
    });
  }

  /** Adds a line to the multi-line buffer without searching it: a line that cannot complete a match. */
  fill(line: MatcherLine, clock: MatcherClock): void {
    this.#budget.nextLine();
    this.#buffer.add(this.#dates.cut(line, clock).text, line);
  }

  /** The date in a line, in epoch milliseconds; changes nothing. */
  dateOf(text: string, now: number, settle?: Settle): number | undefined {
    this.#budget.nextLine();
    return this.#dates.dateOf(text, now, settle);
  }

  #judge(line: LineSearch): Verdict {
    const { prefregex } = this.#filter;
    if (ignoresFirst(this.#filter) && this.#isIgnored(line.text, line.ascii))
      return none("ignoreregex", line.time);
    const search = prefregex ? this.#applyPrefregex(line, prefregex) : line;
    if (search === undefined) return none("no-prefregex", line.time);
    const verdict = search.text.length > MEDIUM ? this.#searchLong(search) : this.#search(search);
    return verdict ?? none("no-failregex", line.time);
  }

  #search(line: LineSearch): Verdict | undefined {
    const { failregex } = this.#filter;
    for (let index = 0; index < failregex.length; index++) {
      if (!isWanted(line, index)) continue;
      const { pattern } = failregex[index] as FilterPattern;
      const match = this.#budget.search(pattern, line.text, 0, line.ascii);
      const verdict = match && this.#matched(line, match, index);
      if (verdict) return verdict;
    }
    return undefined;
  }

  #searchLong(line: LineSearch): Verdict | undefined {
    const { failregex } = this.#filter;
    const wanted = [...failregex.keys()].filter((index) => isWanted(line, index));
    const patterns = wanted.map((index) => (failregex[index] as FilterPattern).pattern);
    for (const { index, match } of this.#budget.matches(patterns, line.text, line.ascii)) {
      const verdict = this.#matched(line, match, wanted[index] as number);
      if (verdict) return verdict;
    }
    return undefined;
  }

  /** What failregexes see of a line: the `content` of the prefregex, if it has that group. Undefined: the prefregex does not match. */
  #applyPrefregex(line: LineSearch, { pattern, read }: FilterPattern): LineSearch | undefined {
    const match = this.#budget.search(pattern, line.text, 0, line.ascii);
    if (!match) return undefined;
    const prefregex = read(match);
    const { content } = prefregex;
    if (!content) return { ...line, prefregex };
    const last = line.lines?.at(-1);
    if (last) this.#buffer.replace([{ ...last, text: content, whole: evidenceOf(content) }]);
    return { ...line, prefregex, text: `${content}\n`, ascii: line.ascii || isAscii(content) };
  }

  /** The verdict that the match of a failregex leads to; undefined: there is no id in it, so the next failregex is tried. */
  #matched(line: LineSearch, match: PatternMatch, index: number): Verdict | undefined {
    const { text, ascii, time, lines } = line;
    const { read } = this.#filter.failregex[index] as FilterPattern;
    const split = lines && splitBuffer(lines, text, match);
    const isIgnored = split ? this.#isIgnored(joinLines(split.matched)) : this.#isIgnored(text, ascii);
    if (split) {
      this.#buffer.replace(split.rest);
      this.#joined = split.matched.filter((each) => each !== lines.at(-1));
    }
    if (isIgnored) return none("ignoreregex", time);
    const groups = copiedOf(line, read(match, line.prefregex));
    const evidence = split ? split.matched.map(({ whole }) => whole) : [evidenceOf(line.whole)];
    const session = sessionOf(line, groups);
    if (session !== undefined) return this.#inSession(session, line, groups, evidence, index);
    if (groups.nofail) return none("nofail", time, index);
    const failed = { ids: groups, times: timesOf(groups), lines: evidence };
    return failure(failed, () => allGroups(groups), index, time);
  }

  #inSession(
    id: string,
    line: LineSearch,
    groups: MatchGroups,
    lines: readonly string[],
    index: number,
  ): Verdict {
    const { time, clock, start, whole } = line;
    const when = time ?? this.#dates.carriedOver ?? Math.max(clock, 0);
    const stored = start < 0 ? undefined : { whole, start, regex: index, time: when };
    const size = id.length + line.text.length + lengthOf(lines);
    const state = this.#sessions.merge(id, { groups, lines, time: when, size, stored });
    if (state.nofail) return none("nofail", time, index);
    const failed = failure(state, () => mergeGroups(state.groups), index, time);
    return failed ?? none("pending", time, index);
  }

  /** Reads the only line of a session again. */
  #reread({ whole, start, regex, time }: OneLineSession): SessionLine | undefined {
    const { prefregex, failregex } = this.#filter;
    const line = { ...BARE_SEARCH, text: `${whole.slice(start)}\n` };
    const search = prefregex ? this.#applyPrefregex(line, prefregex) : line;
    if (search === undefined) return undefined;
    const { pattern, read } = failregex[regex] as FilterPattern;
    const match = this.#budget.search(pattern, search.text, 0, true);
    return (
      match && {
        groups: copiedOf(search, read(match, search.prefregex)),
        lines: [whole],
        time,
        size: 2 * whole.length,
      }
    );
  }

  #isIgnored(text: string, ascii?: boolean): boolean {
    if (this.#filter.ignoreregex.length === 0) return false;
    return this.#filter.ignoreregex.some(
      ({ pattern }) => this.#budget.search(pattern, text, 0, ascii) !== undefined,
    );
  }
}

/**
 * Whether ignoreregexes are tried before the prefregex, on the whole line, and not only on what a failregex matched. fail2ban does so
 * where there are at least three failregexes more than ignoreregexes.
 */
function ignoresFirst({ ignoreregex, failregex }: CompiledFilter): boolean {
  return ignoreregex.length > 0 && failregex.length - ignoreregex.length >= 3;
}

/** Whether a failregex is to be tried. */
function isWanted({ patterns }: LineSearch, index: number): boolean {
  return ((patterns >>> Math.min(index, 31)) & 1) !== 0;
}

function lengthOf(lines: readonly string[]): number {
  let length = 0;
  for (const line of lines) length += line.length;
  return length;
}

function none(why: NoFailure["why"], time: number | undefined, regex?: number): NoFailure {
  return regex === undefined ? { match: false, why, time } : { match: false, why, time, regex };
}

/** The groups of a line; copied where the line is long, which they would hold in memory. */
function copiedOf({ text, whole }: LineSearch, groups: MatchGroups): MatchGroups {
  return isLong(text) || isLong(whole) ? matchGroupsOf(copied(allGroups(groups))) : groups;
}

function copied(groups: Groups): Groups {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, value && flat(value)]));
}

/** The session of a line. Where each process is one, `<F-MLFID>` is the pid of another process of the same host. */
function sessionOf({ process }: LineSearch, { mlfid }: MatchGroups): string | undefined {
  if (process === undefined || mlfid === undefined) return mlfid ?? process;
  return process.slice(0, process.lastIndexOf(" ") + 1) + mlfid;
}

/** A failure with the id that the groups name; undefined when they name none. */
function failure(
  { ids, times, lines }: Pick<SessionState, "ids" | "times" | "lines">,
  groups: () => Groups,
  regex: number,
  time: number | undefined,
): Failure | undefined {
  const id = idOf(ids);
  if (id === undefined) return undefined;
  const { fid, ip4, ip6, cidr } = ids;
  const address = ip4 ?? ip6;
  const kind = fid !== undefined && fid !== address ? "id" : address !== undefined ? "address" : "host";
  return { match: true, id, kind, cidr, time, regex, lines, groups, ...(times > 1 && { times }) };
}
