import { RecentMap } from "../recent.ts";
import type { Groups } from "./verdict.ts";

/** What one line says of its session: the groups of its patterns, `mlfid` among them, and the line itself. */
export interface SessionLine {
  readonly groups: Groups;
  /** The line, whole; in a multi-line jail the lines. */
  readonly lines: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
}

/** What is known of a session once its new line is counted in. */
export interface SessionState {
  readonly groups: Groups;
  readonly lines: readonly string[];
  /** True: nothing failed so far, nothing is to be reported. */
  readonly nofail: boolean;
  /** To be called when the line brought no failure id: the failure waits for a line that names one. */
  markPending(): void;
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

interface Session {
  readonly groups: Record<string, string | undefined>;
  /** Undefined: none was named so far. */
  user: string | undefined;
  hasSeveralUsers: boolean;
  nofail: boolean;
  gained: boolean;
  pending: boolean;
  lines: readonly string[];
  nofailLines: readonly string[];
  time: number;
}

/** Lines of one connection (`<F-MLFID>`), merged into one record, as fail2ban's Filter._mergeFailure does. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #sessions: RecentMap<string, Session>;

  constructor(options: SessionOptions = SESSION_BOUNDS) {
    this.#options = options;
    this.#sessions = new RecentMap(options.maxSessions);
  }

  merge(id: string, { groups, lines, time }: SessionLine): SessionState {
    const gained = Boolean(groups.mlfgained);
    const forget = Boolean(groups.mlfforget);
    const known = this.#recall(id, time);
    const session = known ?? newSession();
    if (known) carryOver(known, gained);
    mergeGroups(session.groups, groups);
    session.time = time;
    if (forget) this.#sessions.delete(id);
    else if (!known) this.#sessions.set(id, session);
    if (groups.user && (known || !forget)) nameUser(session, groups.user);

    const isFailure = session.pending || session.hasSeveralUsers;
    session.pending = false;
    session.nofail = !isFailure && (gained || Boolean(groups.nofail));
    session.gained = gained && !isFailure;
    this.#collect(session, lines, forget);
    const collected = session.lines;
    // Lines that are reported now would be dropped with the session's next line.
    if (!session.nofail) session.lines = [];
    return {
      groups: { ...session.groups },
      lines: collected,
      nofail: session.nofail,
      markPending: () => {
        session.pending = true;
        session.lines = collected;
      },
    };
  }

  #collect(session: Session, lines: readonly string[], forget: boolean): void {
    if (!session.nofail) {
      session.lines = this.#joined(this.#joined(session.nofailLines, session.lines), lines);
      session.nofailLines = [];
    } else if (!forget) session.nofailLines = this.#joined(session.nofailLines, lines);
  }

  #joined(lines: readonly string[], more: readonly string[]): readonly string[] {
    if (lines.length === 0) return more;
    return more.length === 0 ? lines : [...lines, ...more].slice(-this.#options.maxLines);
  }

  #recall(id: string, time: number): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || time - session.time <= this.#options.memory) return session;
    this.#sessions.delete(id);
    return undefined;
  }
}

function newSession(): Session {
  return {
    groups: {},
    user: undefined,
    hasSeveralUsers: false,
    nofail: false,
    gained: false,
    pending: false,
    lines: [],
    nofailLines: [],
    time: 0,
  };
}

/** What the earlier lines leave to this one. Lines that were reported are dropped. */
function carryOver(session: Session, gained: boolean): void {
  if (gained) session.pending = false;
  if (!session.nofail && !session.gained && !session.pending) session.lines = [];
}

function nameUser(session: Session, user: string): void {
  session.user ??= user;
  if (session.user !== user) session.hasSeveralUsers = true;
}

/** Takes over a line's groups as far as they took part; the marks are no part of the record. */
function mergeGroups(into: Record<string, string | undefined>, groups: Groups): void {
  for (const name in groups) {
    const value = groups[name];
    if (value !== undefined && name !== "mlfforget" && name !== "mlfgained" && name !== "nofail")
      into[name] = value;
  }
}
