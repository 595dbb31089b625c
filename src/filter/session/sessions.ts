import { SESSION_MEMORY } from "../../shared/limits.ts";
import { LruMap } from "../../shared/lru-map.ts";
import { timesOf } from "../match-groups.ts";
import { MergedSession, type SessionLine, type SessionState } from "./merged-session.ts";
import { type OneLineSession, OneLineSessions } from "./one-line-sessions.ts";

export interface SessionOptions {
  /** Most sessions held; the one idle longest goes first. */
  readonly maxSessions: number;
  /** How long a session is held after its last line, in milliseconds. */
  readonly memory: number;
  /** Most lines held of one session; the oldest go first. */
  readonly maxLines: number;
  /** Most characters that all sessions hold; those idle longest go first. */
  readonly maxCharacters: number;
}

/** fail2ban holds 100 sessions; a busy server has more than 100 open connections. */
const SESSION_BOUNDS: SessionOptions = {
  maxSessions: 4_000,
  memory: SESSION_MEMORY,
  maxLines: 100,
  maxCharacters: 8 * 1024 * 1024,
};

/** Reads the only line of a session again; undefined when that takes too long. */
export type Reread = (stored: OneLineSession) => SessionLine | undefined;

/**
 * The open sessions: lines of one connection (`<F-MLFID>`) are merged into one record, as fail2ban's Filter._mergeFailure does.
 * Until a second line comes, only the line itself is stored.
 */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #reread: Reread;
  readonly #sessions: LruMap<string, MergedSession>;
  #oneLine: OneLineSessions | undefined;

  constructor(reread: Reread, options: SessionOptions = SESSION_BOUNDS) {
    this.#options = options;
    this.#reread = reread;
    this.#sessions = new LruMap(options.maxSessions, {
      max: options.maxCharacters,
      of: ({ size }) => size,
    });
  }

  /** Merges a line into the session with this id, and ends the session if the line says so. */
  merge(id: string, line: SessionLine): SessionState {
    const { user, mlfforget, mlfgained } = line.groups;
    // A login ends a session of one line, whatever the line was: it need not be read again.
    if (mlfforget && mlfgained && !user && this.#oneLine?.take(id)) return stateOf(line);
    const open = this.#recall(id, line.time);
    if (mlfforget && !open) return stateOf(line);
    const session = open ?? new MergedSession();
    if (user) session.nameUser(user);
    if (!open) this.#keep(id, session, line.stored);
    else if (mlfforget) this.#sessions.delete(id);
    const before = session.size;
    const state = session.add(line, this.#options.maxLines);
    if (!mlfforget) this.#sessions.grow(session.size - before);
    return state;
  }

  #keep(id: string, session: MergedSession, stored: OneLineSession | undefined): void {
    if (stored) this.#oneLine ??= new OneLineSessions(this.#options.maxSessions);
    if (!stored || !this.#oneLine?.put(id, stored)) this.#sessions.set(id, session);
  }

  #recall(id: string, time: number): MergedSession | undefined {
    const stored = this.#oneLine?.take(id);
    if (stored) return time - stored.time > this.#options.memory ? undefined : this.#restore(id, stored);
    if (this.#sessions.size === 0) return undefined;
    const session = this.#sessions.get(id);
    if (session === undefined || time - session.time <= this.#options.memory) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  /** Makes a session of its only line. */
  #restore(id: string, stored: OneLineSession): MergedSession | undefined {
    const line = this.#reread(stored);
    if (line === undefined) return undefined;
    const session = new MergedSession();
    if (line.groups.user) session.nameUser(line.groups.user);
    session.add(line, this.#options.maxLines);
    this.#sessions.set(id, session);
    return session;
  }
}

/** The state of a session that consists of its last line alone. */
function stateOf({ groups, lines }: SessionLine): SessionState {
  return {
    ids: groups,
    groups: { groups, before: undefined, length: 1 },
    lines,
    nofail: Boolean(groups.mlfgained || groups.nofail),
    times: timesOf(groups),
  };
}
