import { RecentMap } from "../recent.ts";
import { type Named, type Said, saidByGroups } from "./said.ts";
import type { Groups } from "./verdict.ts";

/** What one line says of its session. */
export interface SessionLine {
  readonly said: Said;
  /** The line, whole; in a multi-line jail the lines. */
  readonly lines: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
}

/** What is known of a session once its new line is counted in. */
export interface SessionState {
  readonly named: Named;
  /** All that its lines said: `groupsOf` makes one of it. */
  readonly said: Chain;
  readonly lines: readonly string[];
  /** True: nothing failed so far, nothing is to be reported. */
  readonly nofail: boolean;
  readonly session: Session;
}

export interface SessionOptions {
  /** Most sessions remembered; the one idle longest goes first. */
  readonly maxSessions: number;
  /** How long a session is remembered after its last line, in milliseconds. */
  readonly memory: number;
  /** Most lines kept of one session; the oldest go first. */
  readonly maxLines: number;
}

/** fail2ban keeps 100 sessions for 5 minutes; a busy server has more than 100 open connections. */
const SESSION_BOUNDS: SessionOptions = { maxSessions: 4_000, memory: 300_000, maxLines: 100 };

/** Lines of one connection (`<F-MLFID>`), merged into one record, as fail2ban's Filter._mergeFailure does. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #sessions: RecentMap<string, Session>;

  constructor(options: SessionOptions = SESSION_BOUNDS) {
    this.#options = options;
    this.#sessions = new RecentMap(options.maxSessions);
  }

  merge(id: string, line: SessionLine): SessionState {
    const { user, mlfforget } = line.said;
    const known = this.#recall(id, line.time);
    const session = known ?? new Session();
    if (user && (known || !mlfforget)) session.nameUser(user);
    if (!mlfforget && !known) this.#sessions.set(id, session);
    else if (mlfforget && known) this.#sessions.delete(id);
    return session.add(line, this.#options.maxLines);
  }

  #recall(id: string, time: number): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || time - session.time <= this.#options.memory) return session;
    this.#sessions.delete(id);
    return undefined;
  }
}

/** What a line said, and before that. */
export interface Chain {
  readonly said: Said;
  readonly before: Chain | undefined;
  readonly length: number;
}

/** The groups of all lines, of one that several have that of the newest; the marks are no part of it. */
export function groupsOf(chain: Chain): Groups {
  const links: Chain[] = [];
  for (let link: Chain | undefined = chain; link; link = link.before) links.unshift(link);
  const groups: Record<string, string> = {};
  for (const { said } of links) {
    for (const [name, value] of Object.entries(said.groups)) {
      if (value !== undefined && !MARKS.has(name)) groups[name] = value;
    }
  }
  return groups;
}

const MARKS: ReadonlySet<string> = new Set(["mlfforget", "mlfgained", "nofail"]);

const NO_LINES: readonly string[] = [];

/** One connection. */
export class Session {
  time = 0;
  #said: Chain | undefined;
  #named: Named | undefined;
  /** Undefined: none was named so far. */
  #user: string | undefined;
  #hasSeveralUsers = false;
  #nofail = false;
  #gained = false;
  #pending = false;
  #lines = NO_LINES;
  #nofailLines = NO_LINES;

  nameUser(user: string): void {
    this.#user ??= user;
    if (this.#user !== user) this.#hasSeveralUsers = true;
  }

  add({ said, lines, time }: SessionLine, maxLines: number): SessionState {
    const gained = Boolean(said.mlfgained);
    if (this.#said) this.#carryOver(gained);
    const all = chained(said, this.#said, maxLines);
    const named = this.#named ? updated(this.#named, said) : said;
    this.time = time;
    this.#said = all;
    this.#named = named;

    const isFailure = this.#pending || this.#hasSeveralUsers;
    this.#pending = false;
    this.#nofail = !isFailure && (gained || Boolean(said.nofail));
    this.#gained = gained && !isFailure;
    this.#collect(lines, Boolean(said.mlfforget), maxLines);
    const state = { named, said: all, lines: this.#lines, nofail: this.#nofail, session: this };
    // Lines that are reported now would be dropped with the session's next line.
    if (!this.#nofail) this.#lines = NO_LINES;
    return state;
  }

  /** To be called when the line brought no failure id: the failure waits for a line that names one. */
  wait({ lines }: SessionState): void {
    this.#pending = true;
    this.#lines = lines;
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
function chained(said: Said, before: Chain | undefined, max: number): Chain {
  const chain = { said, before, length: (before?.length ?? 0) + 1 };
  if (chain.length <= max) return chain;
  return { said: saidByGroups(groupsOf(chain)), before: undefined, length: 1 };
}

function updated(named: Named, said: Named): Named {
  return {
    fid: said.fid ?? named.fid,
    ip4: said.ip4 ?? named.ip4,
    ip6: said.ip6 ?? named.ip6,
    dns: said.dns ?? named.dns,
    cidr: said.cidr ?? named.cidr,
  };
}
