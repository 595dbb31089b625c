/** Limits that several parts of the programs share, and that must agree. Times are in milliseconds. */

/** Longest failure id or host name that can be banned, in characters. */
export const MAX_ID_LENGTH = 1024;

/** How far ahead of the clock a live line keeps its own time. */
export const MAX_AHEAD = 60_000;

/** How long a line without a date takes the time of the last line that had one, as in fail2ban. */
export const DATE_CARRYOVER = 60_000;

/** How long a filter remembers the lines of a session, as in fail2ban. */
export const SESSION_MEMORY = 300_000;

/** How long the addresses of the machine's interfaces are taken as unchanged. */
export const OWN_ADDRESSES_FRESH = 10_000;

/** Protocols that a jail may name; `all` stands alone. */
export const PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp", "dccp", "udplite", "icmp", "all"];
