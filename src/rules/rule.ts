import type { Network } from "../shared/address.ts";

/** The place of a value, for messages: `file:line:column`, line and column from 1; line 0 is the file as a whole. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A pattern of the filter language (Python's `re` with fail2ban's tags), as written. */
export interface Pattern {
  readonly source: string;
  readonly place: Place;
}

/** The patterns of a jail, in fail2ban's filter language. */
export interface FilterRule {
  readonly prefregex: Pattern | undefined;
  readonly failregex: readonly Pattern[];
  readonly ignoreregex: readonly Pattern[];
  /** A successful login: an address or id, and no failure. */
  readonly success: readonly Pattern[];
  readonly maxlines: number;
  /** Undefined: fail2ban's default date templates. */
  readonly datepattern: Pattern | undefined;
  /** `fail2ban`: dates are found, and lines of containers shown, exactly as fail2ban does it. */
  readonly compat?: "fail2ban" | undefined;
}

/** Longer bans for repeated offences: fail2ban's `bantime.*`. Durations in milliseconds. */
export interface Escalation {
  readonly increment: boolean;
  readonly factor: number;
  /** Undefined: each ban is twice as long as the one before. */
  readonly multipliers: readonly number[] | undefined;
  readonly maxtime: number | undefined;
  /** At most this much is added, by a hash of jail, address and count. */
  readonly rndtime: number;
  readonly overalljails: boolean;
  /** How long after its end a ban is remembered. */
  readonly memory: number;
}

/** The addresses that a jail never bans. */
export interface IgnoreRule {
  readonly networks: readonly Network[];
  /** Lists of addresses and networks, a line each; read again when changed. */
  readonly files: readonly string[];
  /** Host names, resolved in the background. */
  readonly hosts: readonly string[];
  /** The machine's own addresses. */
  readonly self: boolean;
  /** An argv with tags; exit status 0 means: ignore the address. */
  readonly command: readonly string[] | undefined;
}

/** `FIELD=VALUE` terms: an outer list of alternatives, each a list of conditions by field, each with its allowed values. */
export type JournalMatch = readonly ReadonlyMap<string, ReadonlySet<string>>[];

/** The highest `maxretry`: the most failures of one address that a window holds. */
export const MAX_MAXRETRY = 100_000;

/** What the failure or success of a sample must name; empty: anything. */
interface ExpectedId {
  readonly ip?: string;
  readonly id?: string;
  readonly user?: string;
}

/** A sample: lines, and what the last of them must be. */
export interface RuleTest {
  readonly lines: readonly string[];
  /** The failure that it completes; false: none. */
  readonly match: false | ExpectedId;
  /** The successful login that it is; false: none. Undefined: not checked. */
  readonly success?: false | ExpectedId;
  readonly place: Place;
}

/** One jail, checked and resolved: all that the engine needs to know. Durations in milliseconds. */
export interface Jail {
  readonly name: string;
  readonly description: string | undefined;
  readonly enabled: boolean;
  readonly place: Place;
  /** Syslog tags whose messages the jail sees; undefined: every line, raw. */
  readonly identifier: readonly string[] | undefined;
  /** `pid`: the lines of one process are a session; undefined: only `<F-MLFID>` makes sessions. */
  readonly session: "pid" | undefined;
  readonly journalmatch: JournalMatch | undefined;
  /** Globs, compared with `--source`. */
  readonly logpath: readonly string[] | undefined;
  /**
   * Who can write line feeds. `message`: each record is one line, or one entry, whatever clients send; `file`: a client may write a line
   * feed into a record, and then all of the next line is the client's.
   */
  readonly framing: "file" | "message";
  readonly filter: FilterRule;
  readonly maxretry: number;
  readonly findtime: number;
  /** null: permanent. */
  readonly bantime: number | null;
  readonly escalation: Escalation;
  /** Prefix lengths that count, and are banned, as one. */
  readonly count: { readonly ipv4: number; readonly ipv6: number };
  readonly ignore: IgnoreRule;
  readonly usedns: "no" | "yes" | "warn" | "raw";
  /** Numbers, or ranges `"10000:10100"`; undefined: all ports. */
  readonly port: readonly (number | string)[] | undefined;
  readonly protocol: readonly string[];
  readonly mode: "enforce" | "shadow";
  readonly on: "log" | "ban";
  readonly maxmatches: number;
  readonly tests: readonly RuleTest[];
}

/** A mistake in a rule, with its place. */
export class RuleError extends SyntaxError {
  readonly code: RuleErrorCode;
  readonly place: Place;
  readonly hint: string | undefined;

  constructor(code: RuleErrorCode, place: Place, message: string, hint?: string) {
    super(message);
    this.name = "RuleError";
    this.code = code;
    this.place = place;
    this.hint = hint;
  }
}

export type RuleErrorCode =
  /** The file cannot be read, or is not YAML. */
  | "ERR_RULE_SYNTAX"
  /** A key that does not exist. */
  | "ERR_RULE_KEY"
  /** A value of the wrong type or form. */
  | "ERR_RULE_VALUE"
  /** A pattern that cannot be compiled. */
  | "ERR_RULE_REGEX"
  /** A sample line without the expected result. */
  | "ERR_RULE_TEST"
  /** A pattern that text from a client can mislead. */
  | "ERR_RULE_INJECTION"
  /** A pattern that a long line can stop. */
  | "ERR_RULE_BACKTRACKING";

/** `file:line:column`, as compilers print it; `file` alone for line 0. */
export function formatPlace({ file, line, column }: Place): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}
