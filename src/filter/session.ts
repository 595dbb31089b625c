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
export const SESSION_BOUNDS: SessionOptions = { maxSessions: 10_000, memory: 300_000, maxLines: 100 };

interface Session {
  groups: Record<string, string | undefined>;
  /** One, or two for "several". */
  readonly users: Set<string>;
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
  /** By id, the one idle longest first. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionOptions = SESSION_BOUNDS) {
    this.#options = options;
  }

  merge(id: string, { groups, lines, time }: SessionLine): SessionState {
    const gained = Boolean(groups.mlfgained);
    let nofail = gained || Boolean(groups.nofail);
    const forget = Boolean(groups.mlfforget);
    const known = this.#recall(id, time);
    const session = known ?? emptySession();
    if (known) this.#carryOver(known, gained);
    Object.assign(session.groups, ofLine(groups));
    session.time = time;
    if (forget) this.#sessions.delete(id);
    else this.#remember(id, session);
    if ((known || !forget) && groups.user && session.users.size < 2) session.users.add(groups.user);

    const isFailure = session.pending || session.users.size > 1;
    session.pending = false;
    if (isFailure) nofail = false;
    session.nofail = nofail;
    session.gained = gained && !isFailure;
    this.#collect(session, lines, forget);
    return {
      groups: { ...session.groups },
      lines: session.lines,
      nofail,
      markPending: () => {
        session.pending = true;
      },
    };
  }

  /** What the earlier lines leave to this one. Lines that were reported are dropped. */
  #carryOver(session: Session, gained: boolean): void {
    if (gained) session.pending = false;
    if (!session.nofail && !session.gained && !session.pending) session.lines = [];
  }

  #collect(session: Session, lines: readonly string[], forget: boolean): void {
    const bounded = (all: readonly string[]) => all.slice(-this.#options.maxLines);
    if (!session.nofail) {
      session.lines = bounded([...session.nofailLines, ...session.lines, ...lines]);
      session.nofailLines = [];
    } else if (!forget) {
      session.nofailLines = bounded([...session.nofailLines, ...lines]);
    }
  }

  #recall(id: string, time: number): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || time - session.time <= this.#options.memory) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  #remember(id: string, session: Session): void {
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#sessions.size <= this.#options.maxSessions) return;
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }
}

function emptySession(): Session {
  const session = { users: new Set<string>(), nofail: false, gained: false, pending: false, time: 0 };
  return { ...session, groups: {}, lines: [], nofailLines: [] };
}

/** A line's groups as far as they took part; the marks are no part of the record. */
function ofLine({ mlfforget: _forget, mlfgained: _gained, nofail: _nofail, ...groups }: Groups): Groups {
  return Object.fromEntries(Object.entries(groups).filter(([, value]) => value !== undefined));
}
