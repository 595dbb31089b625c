/** One log record, with the fields of its format. */
export interface Entry {
  /** The line as it was written; of a journal entry `host ident[pid]: message`. */
  readonly line: string;
  /** The same with a newline at its end. */
  readonly text: string;
  /** Epoch milliseconds; undefined: the format has none, a jail looks for a date in the line. */
  readonly time: number | undefined;
  /** Syslog tag without its process id. */
  readonly identifier: string | undefined;
  /** Which process wrote it, as `host pid`; undefined: unknown. */
  readonly process: string | undefined;
  /** The message, without the header of the log daemon, with a newline; the whole text where there is no header. */
  readonly message: string;
  /** True when `line` holds no date, since the time of the format is outside of it. */
  readonly isDateless: boolean;
  /** True for a journal entry whose message journalctl left out because it was long: it needs `--all`. */
  readonly isCut: boolean;
  /** A journal entry's fields; an empty object for a line among journal entries that is not one. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /**
   * What a program in a container wrote, where the line is one of a container's log: jails see it in place of the line, save those that
   * are fail2ban's. `text` has a newline; undefined: it is a piece of a line that is not complete.
   */
  readonly contained?: { readonly text: string | undefined } | undefined;
  /** Whether a field has one of these values: what `fields` would say, without reading all of them. */
  readonly has?: (field: string, values: ReadonlySet<string>) => boolean;
  /** Whether `line` is ASCII alone, where that is known. */
  readonly ascii: boolean | undefined;
}

/** An entry and where its line begins, in bytes from the beginning of the input; undefined: the line holds no entry. */
export interface EntryAt {
  readonly entry: Entry | undefined;
  readonly offset: number;
}
