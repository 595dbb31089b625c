import type { PatternMatch, PythonPattern } from "../python/pattern.ts";
import { MEDIUM, SearchBudget } from "../python/search/budget.ts";
import { isAscii } from "../python/search/compile-pattern.ts";
import { DATE_CARRYOVER } from "../shared/limits.ts";
import { flat } from "../shared/text.ts";
import type { Settle } from "../shared/time.ts";
import type { CompiledFilter, FilterPattern } from "./compile-filter.ts";
import type { FoundDate } from "./date/date.ts";
import { idOf, type MatchGroups, matchGroupsOf, SaidBehind, timesOf } from "./match-groups.ts";
import { type BufferedLine, joinLines, splitBuffer } from "./multiline.ts";
import type { OneLineSession } from "./session/one-line-sessions.ts";
import { mergeGroups, type SessionLine, type SessionState, Sessions } from "./session/sessions.ts";
import type { Failure, Groups, NoFailure, Verdict } from "./verdict.ts";

/** A line as a jail sees it. */
export interface MatcherLine {
  /** What patterns see, with its newline. */
  readonly text: string;
  /** The line as it was written, without its newline: evidence. */
  readonly whole: string;
  /** True: the date is looked for in `whole`, of which `text` then is all, and cut out. */
  readonly hasDate: boolean;
  /** Epoch milliseconds, when the input's format gives the time. Not used where `hasDate`. */
  readonly time: number | undefined;
  /** The process whose lines are one session, as `host pid`; undefined: only `<F-MLFID>` makes sessions. */
  readonly process?: string | undefined;
  /** Where the line begins, in bytes from the beginning of the input. */
  readonly offset?: number;
  /** Whether `text` is ASCII alone, where that is known. */
  readonly ascii?: boolean | undefined;
}

/** How far back the lines of one match may begin, in bytes. */
const MULTILINE_BYTES = 65_536;

/** A line after its date was taken. */
interface Dated {
  /** With its newline. */
  readonly text: string;
  readonly time: number | undefined;
  /** Where the text begins in the line; -1: it is not the line's end. */
  readonly start: number;
}

/** What a matcher may know of time: epoch milliseconds. */
export interface MatcherClock {
  /** Decides the year of a date that has none. */
  readonly now: number;
  /** Settles what dates leave open; undefined: they mean what fail2ban takes them for. */
  readonly settle?: Settle | undefined;
  /** What "recent" is measured against: `now` when live, the log's own clock in a replay. */
  readonly clock: number;
}

export interface MatcherOptions {
  /**
   * Whether a line without a date takes the time of the last line that had one, as in fail2ban. False for who does not show
   * it every line: such a line then has no time, and who feeds the lines knows better.
   */
  readonly inherits?: boolean;
  /** Told of each search that was given up, since it would have taken too long; the line counts as one that does not match. */
  readonly onGiveUp?: (pattern: PythonPattern) => void;
}

/** A line on its way through the patterns. */
interface Look {
  /** The failregexes to try, as bits. */
  readonly patterns: number;
  /** The buffer of a multi-line filter, this line the last. */
  readonly lines: readonly BufferedLine[] | undefined;
  readonly whole: string;
  readonly process: string | undefined;
  readonly time: number | undefined;
  readonly clock: number;
  /** Where the text begins in the line; -1: it is not the line's end, or not one line, or not ASCII alone. */
  readonly start: number;
  /** What patterns see, with its newline. */
  text: string;
  ascii: boolean;
  /** What the prefregex said. */
  base: MatchGroups | undefined;
}

/** A line of ASCII that is looked at for itself. */
const NO_LOOK: Look = {
  patterns: 0,
  lines: undefined,
  whole: "",
  process: undefined,
  time: undefined,
  clock: 0,
  start: -1,
  text: "",
  ascii: true,
  base: undefined,
};

/** Evidence keeps this much of a line, in characters. */
const MAX_EVIDENCE_LINE = 1024;

/** The filter of one jail: text in, failure out. Remembers sessions, the lines of a multi-line pattern and the last date. */
export class Matcher {
  readonly #filter: CompiledFilter;
  readonly #sessions = new Sessions((single) => this.#reread(single));
  /** The last `maxlines` lines, less what matches took. */
  #buffer: readonly BufferedLine[] = [];
  /** Time of the last line that had one. */
  #lastTime: number | undefined;

  readonly #inherits: boolean;
  readonly #budget: SearchBudget;

  constructor(filter: CompiledFilter, { inherits = true, onGiveUp }: MatcherOptions = {}) {
    this.#filter = filter;
    this.#inherits = inherits;
    this.#budget = new SearchBudget(onGiveUp && { onGiveUp });
  }

  /**
   * Judges the next line, as fail2ban's Filter.processLine and findFailure do.
   *
   * @param patterns the failregexes that may match, as bits by their index; the last bit is for all from 31 on
   */
  match(line: MatcherLine, clock: MatcherClock, patterns = -1): Verdict {
    const { text, time, start } = this.#cutDate(line, clock);
    const lines = this.#filter.maxlines > 1 ? this.#keep(text, line) : undefined;
    const seen = lines ? joinLines(lines) : text;
    const ascii = (lines ? undefined : line.ascii) ?? isAscii(seen);
    return this.#search({
      patterns,
      lines,
      whole: line.whole,
      process: line.process,
      time,
      clock: clock.clock,
      start: line.ascii && lines === undefined ? start : -1,
      text: seen,
      ascii,
      base: undefined,
    });
  }

  /** Takes a line into the multi-line buffer, without a search: one that cannot complete a match. */
  fill(line: MatcherLine, clock: MatcherClock): void {
    this.#keep(this.#cutDate(line, clock).text, line);
  }

  /** The date in a line, in epoch milliseconds; changes nothing. */
  dateOf(text: string, now: number, settle?: Settle): number | undefined {
    this.#budget.nextLine();
    const found = this.#filter.dates.find(text, now, undefined, this.#budget);
    return found?.inherits ? undefined : found && settled(found, settle);
  }

  /** The text that patterns see, and the line's time: its own, or that of the last line that had one. */
  #cutDate({ text, whole, hasDate, time, ascii }: MatcherLine, { now, clock, settle }: MatcherClock): Dated {
    this.#budget.nextLine();
    if (!hasDate) {
      this.#lastTime = time ?? this.#lastTime;
      return { text, time, start: whole.length + 1 - text.length };
    }
    const found = this.#filter.dates.find(whole, now, ascii, this.#budget);
    if (found?.time !== undefined && !found.inherits) {
      this.#lastTime = settled(found, settle);
      return without(text, found, this.#lastTime);
    }
    if (this.#inherits && this.#lastTime !== undefined && this.#lastTime > clock - DATE_CARRYOVER)
      return { text, time: this.#lastTime, start: 0 };
    if (found?.inherits) return { text, time: this.#inherits ? clock : undefined, start: 0 };
    return found ? without(text, found, undefined) : { text, time: undefined, start: 0 };
  }

  /** The multi-line buffer with one line more. */
  #keep(text: string, { whole, offset = 0 }: MatcherLine): readonly BufferedLine[] {
    const oneLine = { text: text.slice(0, -1).replaceAll("\n", " "), whole: evidenceOf(whole), offset };
    const isNear = (line: BufferedLine) => (line.offset ?? 0) >= offset - MULTILINE_BYTES;
    this.#buffer = [...this.#buffer, oneLine].filter(isNear).slice(-this.#filter.maxlines);
    return this.#buffer;
  }

  #search(look: Look): Verdict {
    const { prefregex, failregex, ignoreregex } = this.#filter;
    const { time } = look;
    if (
      ignoreregex.length > 0 &&
      ignoreregex.length < failregex.length - 2 &&
      this.#isIgnored(look.text, look.ascii)
    ) {
      return none("ignoreregex", time);
    }
    if (prefregex && !this.#narrow(look, prefregex)) return none("no-prefregex", time);
    if (look.text.length > MEDIUM) return this.#searchLong(look);
    for (let index = 0; index < failregex.length; index++) {
      if (!isWanted(look, index)) continue;
      const { pattern } = failregex[index] as FilterPattern;
      const match = this.#budget.search(pattern, look.text, 0, look.ascii);
      const verdict = match && this.#matched(look, match, index);
      if (verdict) return verdict;
    }
    return none("no-failregex", time);
  }

  #searchLong(look: Look): Verdict {
    const { failregex } = this.#filter;
    const wanted = [...failregex.keys()].filter((index) => isWanted(look, index));
    const patterns = wanted.map((index) => (failregex[index] as FilterPattern).pattern);
    for (const { index, match } of this.#budget.matches(patterns, look.text, look.ascii)) {
      const verdict = this.#matched(look, match, wanted[index] as number);
      if (verdict) return verdict;
    }
    return none("no-failregex", look.time);
  }

  /** Applies the prefregex: its groups are the base of the failregex's, its `content` is what failregexes see. */
  #narrow(look: Look, { pattern, read }: FilterPattern): boolean {
    const match = this.#budget.search(pattern, look.text, 0, look.ascii);
    if (!match) return false;
    look.base = read(match);
    const { content } = look.base;
    if (content) {
      look.text = `${content}\n`;
      if (!look.ascii) look.ascii = isAscii(content);
      const last = look.lines?.at(-1);
      if (last) this.#buffer = [{ ...last, text: content, whole: evidenceOf(content) }];
    }
    return true;
  }

  /** What the match of a failregex says; undefined: it names nobody, the next one's turn. */
  #matched(look: Look, match: PatternMatch, index: number): Verdict | undefined {
    const { text, ascii, time, lines } = look;
    const { read } = this.#filter.failregex[index] as FilterPattern;
    const split = lines && splitBuffer(lines, text, match);
    const isIgnored = split ? this.#isIgnored(joinLines(split.matched)) : this.#isIgnored(text, ascii);
    if (split) this.#buffer = split.rest;
    if (isIgnored) return none("ignoreregex", time);
    const said = joinedTo(look, read(match));
    const evidence = split ? split.matched.map(({ whole }) => whole) : [evidenceOf(look.whole)];
    const session = sessionOf(look, said);
    if (session !== undefined) return this.#inSession(session, look, said, evidence, index);
    if (said.nofail) return none("nofail", time);
    return failure({ named: said, times: timesOf(said), lines: evidence }, () => said.groups, index, time);
  }

  #inSession(id: string, look: Look, said: MatchGroups, lines: readonly string[], index: number): Verdict {
    const { time, clock } = look;
    const when = time ?? (this.#inherits ? this.#lastTime : undefined) ?? Math.max(clock, 0);
    const { start, whole } = look;
    const single = start < 0 ? undefined : { whole, start, regex: index, time: when };
    const size = id.length + look.text.length + lengthOf(lines);
    const state = this.#sessions.merge(id, { said, lines, time: when, size, single });
    if (state.nofail) return none("nofail", time);
    const failed = failure(state, () => mergeGroups(state.said), index, time);
    return failed ?? none("pending", time);
  }

  /** What a session's only line said. */
  #reread({ whole, start, regex, time }: OneLineSession): SessionLine | undefined {
    const text = `${whole.slice(start)}\n`;
    const { prefregex, failregex } = this.#filter;
    const look = { ...NO_LOOK, text };
    if (prefregex && !this.#narrow(look, prefregex)) return undefined;
    const { pattern, read } = failregex[regex] as FilterPattern;
    const match = this.#budget.search(pattern, look.text, 0, true);
    return match && { said: joinedTo(look, read(match)), lines: [whole], time, size: 2 * whole.length };
  }

  #isIgnored(text: string, ascii?: boolean): boolean {
    if (this.#filter.ignoreregex.length === 0) return false;
    return this.#filter.ignoreregex.some(
      ({ pattern }) => this.#budget.search(pattern, text, 0, ascii) !== undefined,
    );
  }
}

/** Whether a failregex is to be tried. */
function isWanted({ patterns }: Look, index: number): boolean {
  return ((patterns >>> Math.min(index, 31)) & 1) !== 0;
}

/** The time of a date that says one. */
function settled({ time, doubt }: FoundDate, settle: Settle | undefined): number | undefined {
  return time === undefined || doubt === undefined || settle === undefined ? time : settle(time, doubt);
}

function lengthOf(lines: readonly string[]): number {
  let length = 0;
  for (const line of lines) length += line.length;
  return length;
}

function none(why: NoFailure["why"], time: number | undefined): NoFailure {
  return { match: false, why, time };
}

function evidenceOf(line: string): string {
  return isLong(line) ? flat(line.slice(0, MAX_EVIDENCE_LINE)) : line;
}

/** Whether what is cut from a line must be copied, so that it does not hold the line in memory. */
function isLong(line: string): boolean {
  return line.length > MAX_EVIDENCE_LINE;
}

/** What a failregex said and before it the prefregex. Of a long line it is copied. */
function joinedTo({ base, text, whole }: Look, said: MatchGroups): MatchGroups {
  const all = base ? new SaidBehind(base, said) : said;
  return isLong(text) || isLong(whole) ? matchGroupsOf(copied(all.groups)) : all;
}

function copied(groups: Groups): Groups {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, value && flat(value)]));
}

/** The text without its date; nothing is trimmed. */
function without(text: string, { start, end }: FoundDate, time: number | undefined): Dated {
  if (start === 0) return { text: text.slice(end), time, start: end };
  return { text: text.slice(0, start) + text.slice(end), time, start: -1 };
}

/** The session that a line belongs to. Where each process is one, `<F-MLFID>` is the pid of another process of that host. */
function sessionOf({ process }: Look, { mlfid }: MatchGroups): string | undefined {
  if (process === undefined || mlfid === undefined) return mlfid ?? process;
  return process.slice(0, process.lastIndexOf(" ") + 1) + mlfid;
}

/** The failure of whom the groups name, or undefined when none of them holds an id. */
function failure(
  { named, times, lines }: Pick<SessionState, "named" | "times" | "lines">,
  groups: () => Groups,
  regex: number,
  time: number | undefined,
): Failure | undefined {
  const id = idOf(named);
  if (id === undefined) return undefined;
  const { fid, ip4, ip6, cidr } = named;
  const address = ip4 ?? ip6;
  const kind = fid !== undefined && fid !== address ? "id" : address !== undefined ? "address" : "host";
  return { match: true, id, kind, cidr, time, regex, lines, groups, ...(times > 1 && { times }) };
}
