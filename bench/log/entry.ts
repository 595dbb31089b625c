/** What one program said, before it is written as one log or another writes it. */
export interface LogEntry {
  /** Epoch milliseconds; never before the entry ahead of it. */
  readonly time: number;
  readonly tag: string;
  /** Undefined: the program gives none, as the kernel does. */
  readonly pid: number | undefined;
  readonly message: string;
}
