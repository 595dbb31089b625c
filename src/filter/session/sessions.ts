import { SESSION_MEMORY } from "../../shared/limits.ts";
import { RecentMap } from "../../shared/lru-map.ts";
import { flat } from "../../shared/text.ts";
import { type IdGroups, idOf, type MatchGroups, matchGroupsOf, timesOf } from "../match-groups.ts";
import type { Groups } from "../verdict.ts";
import { type OneLineSession, OneLineSessions } from "./one-line-sessions.ts";

/** What one line says of its session. */
export interface SessionLine {
  readonly said: MatchGroups;
  /** The line, whole; in a multi-line jail the lines. */
  readonly lines: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
  /** How many characters all that holds in memory. */
  readonly size: number;
  /** How the line can be read again; undefined: it cannot. */
  readonly single?: OneLineSession | undefined;
}

/** What is known of a session once its new line is counted in. */
export interface SessionState {
  readonly named: IdGroups;
  /** All that its lines said: `mergeGroups` makes one of it. */
  readonly said: SessionGroups;
  readonly lines: readonly string[];
  /** True: nothing failed so far, nothing is to be reported. */
  readonly nofail: boolean;
  /** How many attempts this reports: those of its line, and of lines before it that named nobody. */
  readonly times: number;
}

export interface SessionOptions {
  /** Most sessions remembered; the one idle longest goes first. */
  readonly maxSessions: number;
  /** How long a session is remembered after its last line, in milliseconds. */
  readonly memory: number;
  /** Most lines kept of one session; the oldest go first. */
  readonly maxLines: number;
  /** Most characters that all sessions hold; those idle longest go first. */
  readonly maxCharacters: number;
}

/** fail2ban keeps 100 sessions for 5 minutes; a busy server has more than 100 open connections. */
const SESSION_BOUNDS: SessionOptions = {
  maxSessions: 4_000,
  memory: SESSION_MEMORY,
  maxLines: 100,
  maxCharacters: 8 * 1024 * 1024,
};

/** A session that holds more characters than this keeps what its lines said, and the newest of them. */
const LARGE = 65_536;
const LINES_OF_LARGE = 10;

/** Reads the only line of a session again; undefined when that takes too long. */
export type Reread = (single: OneLineSession) => SessionLine | undefined;

/**
 * Lines of one connection (`<F-MLFID>`), merged into one record, as fail2ban's Filter._mergeFailure does. A session is its line
 * alone until a second one comes.
 */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #reread: Reread;
  readonly #sessions: RecentMap<string, Session>;
  #singles: OneLineSessions | undefined;

  constructor(reread: Reread, options: SessionOptions = SESSION_BOUNDS) {
    this.#options = options;
    this.#reread = reread;
    this.#sessions = new RecentMap(options.maxSessions, {
      max: options.maxCharacters,
      of: ({ size }) => size,
    });
  }

  merge(id: string, line: SessionLine): SessionState {
    const { user, mlfforget, mlfgained } = line.said;
    // Whoever said one thing is forgiven, whatever it was: it need not be read again.
    if (mlfforget && mlfgained && !user && this.#singles?.take(id)) return stateOf(line);
    const known = this.#recall(id, line.time);
    if (mlfforget && !known) return stateOf(line);
    const session = known ?? new Session();
    if (user) session.nameUser(user);
    if (!known) this.#keep(id, session, line.single);
    else if (mlfforget) this.#sessions.delete(id);
    const before = session.size;
    const state = session.add(line, this.#options.maxLines);
    if (!mlfforget) this.#sessions.grow(session.size - before);
    return state;
  }

  #keep(id: string, session: Session, single: OneLineSession | undefined): void {
    if (single) this.#singles ??= new OneLineSessions(this.#options.maxSessions);
    if (!single || !this.#singles?.put(id, single)) this.#sessions.set(id, session);
  }

  #recall(id: string, time: number): Session | undefined {
    const single = this.#singles?.take(id);
    if (single) return time - single.time > this.#options.memory ? undefined : this.#restore(id, single);
    if (this.#sessions.size === 0) return undefined;
    const session = this.#sessions.get(id);
    if (session === undefined || time - session.time <= this.#options.memory) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  /** Makes a session of its only line. */
  #restore(id: string, single: OneLineSession): Session | undefined {
    const line = this.#reread(single);
    if (line === undefined) return undefined;
    const session = new Session();
    if (line.said.user) session.nameUser(line.said.user);
    session.add(line, this.#options.maxLines);
    this.#sessions.set(id, session);
    return session;
  }
}

/** What is known of a session that is its last line alone. */
function stateOf({ said, lines }: SessionLine): SessionState {
  const nofail = Boolean(said.mlfgained || said.nofail);
  return { named: said, said: { said, before: undefined, length: 1 }, lines, nofail, times: timesOf(said) };
}

/** What a line said, and before that. */
export interface SessionGroups {
  readonly said: MatchGroups;
  readonly before: SessionGroups | undefined;
  readonly length: number;
}

/** The groups of all lines, of one that several have that of the newest; the marks are no part of it. */
export function mergeGroups(chain: SessionGroups): Groups {
  const links: SessionGroups[] = [];
  for (let link: SessionGroups | undefined = chain; link; link = link.before) links.unshift(link);
  const groups: Record<string, string> = {};
  for (const { said } of links) {
    for (const [name, value] of Object.entries(said.groups)) {
      if (value !== undefined && !MARKS.has(name)) groups[name] = value;
    }
  }
  return groups;
}

const MARKS: ReadonlySet<string> = new Set(["mlfforget", "mlfgained", "mlfonce", "nofail", "times"]);

const NO_LINES: readonly string[] = [];

/** One connection. */
class Session {
  time = 0;
  /** Characters that it holds, at most: of lines that were dropped since they are counted until it is large. */
  size = 0;
  #said: SessionGroups | undefined;
  #named: IdGroups | undefined;
  /** Undefined: none was named so far. */
  #user: string | undefined;
  #hasSeveralUsers = false;
  #nofail = false;
  #gained = false;
  #pending = false;
  /** Something was reported. */
  #isReported = false;
  /** Attempts that wait for somebody who is named. */
  #waiting = 0;
  #lines = NO_LINES;
  #nofailLines = NO_LINES;

  nameUser(user: string): void {
    this.#user ??= user;
    if (this.#user !== user) this.#hasSeveralUsers = true;
  }

  add({ said, lines, time, size }: SessionLine, maxLines: number): SessionState {
    const gained = Boolean(said.mlfgained);
    if (this.#said) this.#carryOver(gained);
    const all = chained(said, this.#said, maxLines);
    const named = this.#named ? updated(this.#named, said) : said;
    this.time = time;
    this.#said = all;
    this.#named = named;

    const isFailure = this.#pending || this.#hasSeveralUsers;
    this.#pending = false;
    const isKnown = Boolean(said.mlfonce) && this.#isReported;
    const isSpared = gained || Boolean(said.nofail);
    this.#nofail = isKnown || (!isFailure && isSpared);
    if (!isSpared && !said.mlfonce) this.#waiting += timesOf(said);
    this.#gained = gained && !isFailure;
    this.#collect(lines, Boolean(said.mlfforget), maxLines);
    const times = Math.max(this.#waiting, 1);
    const state = { named, said: all, lines: this.#lines, nofail: this.#nofail, times };
    // A failure of nobody waits for a line that names somebody. Lines that are reported now are dropped.
    this.#pending = !this.#nofail && idOf(named) === undefined;
    if (!this.#pending) this.#waiting = 0;
    if (!this.#nofail && !this.#pending) {
      this.#isReported = true;
      this.#lines = NO_LINES;
    }
    this.size += size;
    if (this.size > LARGE) this.#shrink(all);
    return state;
  }

  /** Makes one record of what all lines said, in texts of its own. */
  #shrink(said: SessionGroups): void {
    const groups = Object.entries(mergeGroups(said)).map(
      ([name, value = ""]) => [name, flat(value)] as const,
    );
    const all = matchGroupsOf(Object.fromEntries(groups));
    this.#said = { said: all, before: undefined, length: 1 };
    this.#named = all;
    this.#lines = this.#lines.slice(-LINES_OF_LARGE);
    this.#nofailLines = this.#nofailLines.slice(-LINES_OF_LARGE);
    const texts = [...groups.map(([, value]) => value), ...this.#lines, ...this.#nofailLines];
    this.size = texts.reduce((sum, text) => sum + text.length, 0);
  }

  /** What the earlier lines leave to this one. Lines that were reported are dropped. */
  #carryOver(gained: boolean): void {
    if (gained) this.#pending = false;
    if (!this.#nofail && !this.#gained && !this.#pending) this.#lines = NO_LINES;
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

/** The longest chain is as long as there are lines kept; from there on it is one link again. */
function chained(said: MatchGroups, before: SessionGroups | undefined, max: number): SessionGroups {
  const chain = { said, before, length: (before?.length ?? 0) + 1 };
  if (chain.length <= max) return chain;
  return { said: matchGroupsOf(mergeGroups(chain)), before: undefined, length: 1 };
}

function updated(named: IdGroups, said: IdGroups): IdGroups {
  return {
    fid: said.fid ?? named.fid,
    ip4: said.ip4 ?? named.ip4,
    ip6: said.ip6 ?? named.ip6,
    dns: said.dns ?? named.dns,
    cidr: said.cidr ?? named.cidr,
  };
}
