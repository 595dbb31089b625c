import { Matcher, type MatcherClock, type MatcherLine } from "../../filter/matcher.ts";
import type { Verdict } from "../../filter/verdict.ts";
import type { PythonPattern } from "../../python/pattern.ts";
import type { Jail } from "../../rules/rule.ts";
import type { Settle } from "../../shared/time.ts";
import { DateCarryover } from "../input/date-carryover.ts";
import type { Entry, EntryAt } from "../input/entry.ts";
import type { RecentInput } from "../input/recent-input.ts";
import type { Evidence } from "../window/evidence.ts";
import { FindWindow } from "../window/window.ts";
import type { CompiledJail } from "./compile-jails.ts";
import { type IgnoreHost, IgnoreList } from "./ignore.ts";
import { fieldsOfMatch, hasIdentifier, lineFor, passesJournalMatch, viewOf } from "./jail-view.ts";

/** What a jail counts, for `--stats` and `--metrics`. */
export interface JailCounts {
  failures: number;
  ignored: number;
  bans: number;
  /** Bans said again, since a banned address was still logging. */
  repeats: number;
  unbans: number;
}

/** What a jail at work needs of its surroundings. */
export interface JailHost extends IgnoreHost {
  /** Most addresses remembered. */
  readonly maxKeys: number;
  /** The lines of all jails' windows. */
  readonly evidence: Evidence;
  /** Told of each search that was given up, since it would have taken too long. */
  readonly onGiveUp: (jail: Jail, pattern: PythonPattern) => void;
  /**
   * Told of the first entry that has the look of a failure and is not what the jail's journalmatch asks for, with the fields that it asks
   * for as the entry has them: `_UID=1000`.
   */
  readonly onRefused: (jail: Jail, fields: readonly string[]) => void;
}

/** One jail at work: which entries it sees, what its filter says of them, how often is too often, who is spared. */
export class RunningJail {
  readonly window: FindWindow;
  readonly counts: JailCounts = { failures: 0, ignored: 0, bans: 0, repeats: 0, unbans: 0 };
  readonly #host: JailHost;
  readonly #carryover = new DateCarryover();
  /** Where the next line begins that a multi-line filter has not seen. */
  #seen = 0;
  #compiled: CompiledJail;
  #ignore: IgnoreList;
  #matcher: Matcher;
  /** What would be a failure, of entries that journalmatch does not take: with sessions of its own, until there was one. */
  #refused: Matcher | undefined;
  #hasRefused = false;

  constructor(compiled: CompiledJail, host: JailHost) {
    this.#host = host;
    this.#compiled = compiled;
    this.window = new FindWindow({ ...compiled.jail, maxKeys: host.maxKeys }, host.evidence);
    this.#ignore = new IgnoreList(compiled.jail.ignore, host);
    this.#matcher = this.#newMatcher();
  }

  /** Goes on with rules that were read again: windows stay, sessions begin anew. */
  reload(compiled: CompiledJail): void {
    this.#compiled = compiled;
    this.window.reload({ ...compiled.jail, maxKeys: this.#host.maxKeys });
    this.#ignore = new IgnoreList(compiled.jail.ignore, this.#host);
    this.#matcher = this.#newMatcher();
    this.#refused = undefined;
    this.#hasRefused = false;
  }

  get jail(): Jail {
    return this.#compiled.jail;
  }

  get ignore(): IgnoreList {
    return this.#ignore;
  }

  /** The filter's verdict; undefined: the entry is none of this jail's. */
  judge(entry: Entry, clock: MatcherClock, at: Position, patterns: number): Verdict | undefined {
    if (this.#compiled.filter.maxlines > 1) this.#catchUp(clock, at);
    if (!hasIdentifier(this.jail, entry)) return undefined;
    const line = viewOf(this.jail, entry, at.offset);
    if (passesJournalMatch(this.jail, entry)) return this.#matcher.match(line, clock, patterns);
    this.#refuse(line, entry, clock);
    return undefined;
  }

  /** Tells of the first entry that would be a failure if journalmatch took it. */
  #refuse(line: MatcherLine, entry: Entry, clock: MatcherClock): void {
    if (this.#hasRefused) return;
    this.#refused ??= this.#newMatcher();
    if (!this.#refused.match(line, clock).match) return;
    this.#hasRefused = true;
    this.#refused = undefined;
    this.#host.onRefused(this.jail, fieldsOfMatch(this.jail, entry));
  }

  /** Shows a multi-line filter the lines before this one that it was spared: none of them could complete a match. */
  #catchUp(clock: MatcherClock, { offset, end, before }: Position): void {
    const { maxlines } = this.#compiled.filter;
    const missed: EntryAt[] = [];
    if (offset > this.#seen) {
      for (const each of before()) {
        if (each.offset < this.#seen || missed.length === maxlines - 1) break;
        missed.push(each);
      }
    }
    this.#seen = end + 1;
    for (const { entry, offset } of missed.reverse()) {
      const line = entry && lineFor(this.jail, entry, offset);
      if (line) this.#matcher.fill(line, clock);
    }
  }

  /** The date that the jail finds in a line, in epoch milliseconds. */
  dateOf(line: string, now: number, settle?: Settle): number | undefined {
    return this.#matcher.dateOf(line, now, settle);
  }

  /**
   * The time of a line that has none of its own, if the jail looks for dates: that of the last line before it.
   *
   * @param offset where the line begins, in bytes from the beginning of the input
   * @param dateOf the time of a line, in epoch milliseconds
   */
  timeBefore(
    offset: number,
    tail: RecentInput,
    dateOf: (line: Buffer) => number | undefined,
  ): number | undefined {
    if (this.jail.identifier !== undefined) return undefined;
    return this.#carryover.timeBefore(offset, tail, dateOf);
  }

  #newMatcher(): Matcher {
    const { jail, filter } = this.#compiled;
    return new Matcher(filter, {
      inherits: false,
      onGiveUp: (pattern) => this.#host.onGiveUp(jail, pattern),
    });
  }
}

/** Where a line stands in the input, in bytes from its beginning. */
export interface Position {
  readonly offset: number;
  /** Where it ends, without its newline. */
  readonly end: number;
  /** The lines before it, the nearest first, as far as they are still there. */
  readonly before: () => Iterable<EntryAt>;
}
