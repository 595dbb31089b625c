import { Matcher, type MatcherClock, type MatcherLine } from "../../filter/matcher.ts";
import type { Verdict } from "../../filter/verdict.ts";
import type { PythonPattern } from "../../python/pattern.ts";
import type { Jail } from "../../rules/rule.ts";
import type { Settle } from "../../shared/time.ts";
import { DateCarryover } from "../input/date-carryover.ts";
import type { Entry, EntryAt } from "../input/entry.ts";
import type { RecentInput } from "../input/recent-input.ts";
import type { CompiledJail } from "./compile-jails.ts";
import { fieldsOfMatch, hasIdentifier, lineFor, passesJournalMatch, viewOf } from "./jail-view.ts";

/** What a jail's reader of a source needs of its surroundings. */
export interface ReaderHost {
  /** Called for each search that was given up because it took too long. */
  readonly onGiveUp: (jail: Jail, pattern: PythonPattern) => void;
  /**
   * Called for the first entry that reads like a failure but does not match the jail's journalmatch, with the fields that this names
   * as the entry has them: `_UID=1000`.
   */
  readonly onRefused: (jail: Jail, fields: readonly string[]) => void;
}

/** A jail as a reader of one source: passes the entries that it sees to its filter, and remembers what this needs of earlier ones. */
export class JailReader {
  readonly #compiled: CompiledJail;
  readonly #host: ReaderHost;
  readonly #carryover = new DateCarryover();
  readonly #matcher: Matcher;
  /** Where the next line begins that a multi-line filter has not seen. */
  #seen: number;
  /** For entries that journalmatch refuses, with sessions of its own, until one reads like a failure. */
  #refused: Matcher | undefined;
  #hasRefused = false;

  /** @param seen where the next line begins that a reader before it has not seen */
  constructor(compiled: CompiledJail, host: ReaderHost, seen = 0) {
    this.#compiled = compiled;
    this.#host = host;
    this.#seen = seen;
    this.#matcher = this.#newMatcher();
  }

  get jail(): Jail {
    return this.#compiled.jail;
  }

  get seen(): number {
    return this.#seen;
  }

  /** The filter's verdict on an entry; undefined: the jail does not see it. `patterns`: those that may match, as bits. */
  judge(entry: Entry, clock: MatcherClock, at: Position, patterns: number): Verdict | undefined {
    if (this.#compiled.filter.maxlines > 1) this.#catchUp(clock, at);
    if (!hasIdentifier(this.jail, entry)) return undefined;
    const line = viewOf(this.jail, entry, at.offset);
    if (passesJournalMatch(this.jail, entry)) return this.#matcher.match(line, clock, patterns);
    this.#refuse(line, entry, clock);
    return undefined;
  }

  /** Reports the first entry that would be a failure if journalmatch took it. */
  #refuse(line: MatcherLine, entry: Entry, clock: MatcherClock): void {
    if (this.#hasRefused) return;
    this.#refused ??= this.#newMatcher();
    if (!this.#refused.match(line, clock).match) return;
    this.#hasRefused = true;
    this.#refused = undefined;
    this.#host.onRefused(this.jail, fieldsOfMatch(this.jail, entry));
  }

  /** Shows a multi-line filter the lines before this one that the gate dropped: none of them could complete a match. */
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
