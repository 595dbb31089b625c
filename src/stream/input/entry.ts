/** One log record, as far as its format tells. */
export interface Entry {
  /** The line as it was written; of a journal entry `host ident[pid]: message`. */
  readonly line: string;
  /** The same with a newline at its end. */
  readonly text: string;
  /** Epoch milliseconds; undefined: the format does not say, a jail looks for a date in the line. */
  readonly time: number | undefined;
  /** Syslog tag without its process id. */
  readonly identifier: string | undefined;
  /** Which process wrote it, as `host pid`; undefined: the format does not say. */
  readonly process: string | undefined;
  /** What the program said, without the daemon's header, with a newline; the whole text where there is no header. */
  readonly message: string;
  /** True when `line` holds no date, since the format's time stands outside of it. */
  readonly isDateless: boolean;
  /** True for a journal entry whose message journalctl left out because it was long: it wants `--all`. */
  readonly isCut: boolean;
  /** A journal entry's own fields; none, of a line among journal entries that is no entry. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** Whether `line` is ASCII alone, where that is known. */
  readonly ascii: boolean | undefined;
}

/** An entry and where its line begins, in bytes from the beginning of the input; undefined: the line holds no entry. */
export interface EntryAt {
  readonly entry: Entry | undefined;
  readonly offset: number;
}
