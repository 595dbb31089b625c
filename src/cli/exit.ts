/** Exit statuses, named as in sysexits.h, so that systemd knows them. */
export const EXIT = {
  /** End of input, or a signal to stop. */
  OK: 0,
  /** Wrong usage of the command line. */
  USAGE: 64,
  /** The input had invalid commands (f2b-exec, at its end); a request was refused (f2b-client). */
  DATA: 65,
  /** Something needed is missing: the firewall at start, the control socket. */
  UNAVAILABLE: 69,
  /** An internal error, which is a bug. */
  SOFTWARE: 70,
  /** Reading or writing failed: a full disk, a folder as input. */
  IO: 74,
  /** Another process uses something that we need: it may work later. */
  TEMPFAIL: 75,
  /** Mistakes in rules or configuration. */
  CONFIG: 78,
  /** The reader of stdout is gone: 128 + SIGPIPE, as with filters written in C. */
  PIPE: 141,
} as const;
