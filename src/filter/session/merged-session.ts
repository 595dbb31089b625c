import { flat } from "../../shared/text.ts";
import { allGroups, type IdGroups, idOf, type MatchGroups, matchGroupsOf, timesOf } from "../match-groups.ts";
import type { Groups } from "../verdict.ts";
import type { OneLineSession } from "./one-line-sessions.ts";

/** A line of a session. */
export interface SessionLine {
  readonly groups: MatchGroups;
  /** The whole line; in a multi-line jail the lines. */
  readonly lines: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
  /** How many characters it holds in memory. */
  readonly size: number;
  /** What the line can be read again from; undefined: it cannot. */
  readonly stored?: OneLineSession | undefined;
}

/** A session after its new line was merged into it. */
export interface SessionState {
  readonly ids: IdGroups;
  /** The groups of all its lines: `mergeGroups` makes one record of them. */
  readonly groups: SessionGroups;
  readonly lines: readonly string[];
  /** True: there is no failure to report. */
  readonly nofail: boolean;
  /** How many attempts this reports: those of its line, and of earlier lines that had no id. */
  readonly times: number;
}

/** The groups of a line, and of the lines before it. */
export interface SessionGroups {
  readonly groups: MatchGroups;
  readonly before: SessionGroups | undefined;
  readonly length: number;
}

/** The groups of all lines, the newest value of each; without those that steer the session. */
export function mergeGroups(session: SessionGroups): Groups {
  const links: SessionGroups[] = [];
  for (let link: SessionGroups | undefined = session; link; link = link.before) links.unshift(link);
  const merged: Record<string, string> = {};
  for (const { groups } of links) {
    for (const [name, value] of Object.entries(allGroups(groups))) {
      if (value !== undefined && !MARKS.has(name)) merged[name] = value;
    }
  }
  return merged;
}

const MARKS: ReadonlySet<string> = new Set(["mlfforget", "mlfgained", "mlfonce", "nofail", "times"]);

const NO_LINES: readonly string[] = [];

/** A session that holds more characters than this keeps the groups of its lines, and only the newest lines. */
const LARGE = 65_536;
const LINES_OF_LARGE = 10;

/** The lines of one connection. */
export class MergedSession {
  /** Epoch milliseconds of its last line. */
  time = 0;
  /** Characters that it holds, at most: lines that were dropped count until it is large. */
  size = 0;
  #groups: SessionGroups | undefined;
  #ids: IdGroups | undefined;
  /** Undefined: no line named a user so far. */
  #user: string | undefined;
  #hasSeveralUsers = false;
  #nofail = false;
  #gained = false;
  /** A failure has no id so far. */
  #isPending = false;
  #isReported = false;
  /** Attempts of lines without an id, which count with the first line that has one. */
  #waiting = 0;
  #lines = NO_LINES;
  #nofailLines = NO_LINES;

  nameUser(user: string): void {
    this.#user ??= user;
    if (this.#user !== user) this.#hasSeveralUsers = true;
  }

  /** Merges a line, and tells what is to be reported now. */
  add({ groups, lines, time, size }: SessionLine, maxLines: number): SessionState {
    const gained = Boolean(groups.mlfgained);
    if (this.#groups) this.#carryOver(gained);
    const all = appended(groups, this.#groups, maxLines);
    const ids = this.#ids ? updated(this.#ids, groups) : groups;
    this.time = time;
    this.#groups = all;
    this.#ids = ids;

    const isFailure = this.#isPending || this.#hasSeveralUsers;
    this.#isPending = false;
    const isRepeated = Boolean(groups.mlfonce) && this.#isReported;
    const isForgiven = gained || Boolean(groups.nofail);
    this.#nofail = isRepeated || (!isFailure && isForgiven);
    if (!isForgiven && !groups.mlfonce) this.#waiting += timesOf(groups);
    this.#gained = gained && !isFailure;
    this.#collect(lines, Boolean(groups.mlfforget), maxLines);
    const times = Math.max(this.#waiting, 1);
    const state = { ids, groups: all, lines: this.#lines, nofail: this.#nofail, times };
    // A failure without an id waits for a line that has one. Lines that are reported now are dropped.
    this.#isPending = !this.#nofail && idOf(ids) === undefined;
    if (!this.#isPending) this.#waiting = 0;
    if (!this.#nofail && !this.#isPending) {
      this.#isReported = true;
      this.#lines = NO_LINES;
    }
    this.size += size;
    if (this.size > LARGE) this.#shrink(all);
    return state;
  }

  /** Merges the groups of all lines into one record, as texts of its own. */
  #shrink(session: SessionGroups): void {
    const entries = Object.entries(mergeGroups(session)).map(
      ([name, value = ""]) => [name, flat(value)] as const,
    );
    const groups = matchGroupsOf(Object.fromEntries(entries));
    this.#groups = { groups, before: undefined, length: 1 };
    this.#ids = groups;
    this.#lines = this.#lines.slice(-LINES_OF_LARGE);
    this.#nofailLines = this.#nofailLines.slice(-LINES_OF_LARGE);
    const texts = [...entries.map(([, value]) => value), ...this.#lines, ...this.#nofailLines];
    this.size = texts.reduce((sum, text) => sum + text.length, 0);
  }

  /** Prepares for the next line: drops lines that were reported. */
  #carryOver(gained: boolean): void {
    if (gained) this.#isPending = false;
    if (!this.#nofail && !this.#gained && !this.#isPending) this.#lines = NO_LINES;
  }

  #collect(lines: readonly string[], forget: boolean, max: number): void {
    if (!this.#nofail) {
      this.#lines = joined(joined(this.#nofailLines, this.#lines, max), lines, max);
      this.#nofailLines = NO_LINES;
    } else if (!forget) this.#nofailLines = joined(this.#nofailLines, lines, max);
  }
}

function joined(lines: readonly string[], more: readonly string[], max: number): readonly string[] {
  if (lines.length === 0) return more;
  return more.length === 0 ? lines : [...lines, ...more].slice(-max);
}

/** The list with the groups of one more line. It is at most as long as lines are kept; then it is merged into one record. */
function appended(groups: MatchGroups, before: SessionGroups | undefined, max: number): SessionGroups {
  const list = { groups, before, length: (before?.length ?? 0) + 1 };
  if (list.length <= max) return list;
  return { groups: matchGroupsOf(mergeGroups(list)), before: undefined, length: 1 };
}

function updated(old: IdGroups, { fid, ip4, ip6, dns, cidr }: IdGroups): IdGroups {
  return {
    fid: fid ?? old.fid,
    ip4: ip4 ?? old.ip4,
    ip6: ip6 ?? old.ip6,
    dns: dns ?? old.dns,
    cidr: cidr ?? old.cidr,
  };
}
