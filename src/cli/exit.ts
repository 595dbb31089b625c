/** Exit statuses, named as sysexits.h does, so that systemd knows them. */
export const EXIT = {
  /** End of input, or asked to stop. */
  OK: 0,
  /** Wrong usage of the command line. */
  USAGE: 64,
  /** Some input command was none (f2b-exec, at the end of input); a request was refused (f2b-client). */
  DATA: 65,
  /** What is needed is not there: the firewall at start, the control socket. */
  UNAVAILABLE: 69,
  /** Our own bug. */
  SOFTWARE: 70,
  /** Reading or writing failed: a full disk, a folder as input. */
  IO: 74,
  /** Something is used by another process: later it may work. */
  TEMPFAIL: 75,
  /** Rules or configuration. */
  CONFIG: 78,
  /** The reader of stdout is gone: 128 + SIGPIPE, as C filters end. */
  PIPE: 141,
} as const;
