import { readArgs, readTime, UsageError, wholeNumber } from "../cli/args.ts";
import { parseJournalMatch, splitJournalMatch } from "../rules/journalmatch.ts";
import type { JournalMatch } from "../rules/rule.ts";
import { parseDuration } from "../shared/duration.ts";
import type { Format } from "../stream/input/format.ts";
import { readFormat } from "../stream/input/format.ts";

/** What the command line means. */
export interface Options {
  readonly action: "run" | "help" | "version";
  /** A file, `-` for stdin, `systemd-journal` for the journal, or the line itself. */
  readonly log: string;
  /** A filter's name, file, or a bare pattern. */
  readonly filter: string;
  readonly ignoreregex: string | undefined;
  /** A fail2ban configuration directory, in which names are looked up. */
  readonly config: string | undefined;
  readonly datepattern: string | undefined;
  readonly maxlines: number | undefined;
  /** What is read of the journal, instead of what the filter says. */
  readonly journalmatch: JournalMatch | undefined;
  readonly format: Format | undefined;
  readonly zone: string | undefined;
  /** Epoch milliseconds; undefined: the clock's. */
  readonly now: number | undefined;
  readonly json: boolean;
  readonly bans: boolean;
  /** Whether hostile lines are tried on the filter. */
  readonly check: boolean;
  readonly maxretry: number | undefined;
  /** Milliseconds. */
  readonly findtime: number | undefined;
  readonly verbose: boolean;
  /** Which lines are printed: some of them, all of them, none. */
  readonly print: Readonly<Record<"matched" | "missed" | "ignored", "some" | "all" | "none">>;
}

/**
 * Reads the command line of f2b-regex.
 *
 * @throws UsageError
 */
export function readOptions(argv: readonly string[]): Options {
  const typed = readArgs(argv, {
    flags: [
      "json",
      "bans",
      "check",
      "verbose",
      ...PRINTS.flatMap((kind) => [`print-all-${kind}`, `print-no-${kind}`]),
    ],
    strings: [
      "config",
      "datepattern",
      "maxlines",
      "journalmatch",
      "format",
      "tz",
      "now",
      "maxretry",
      "findtime",
    ],
    alias: { c: "config", d: "datepattern", L: "maxlines", m: "journalmatch", v: "verbose" },
  });
  const action = typed.has("help") ? "help" : typed.has("version") ? "version" : "run";
  const [log = "", filter = "", ignoreregex, extra] = typed.operands;
  if (action === "run" && typed.operands.length < 2) throw new UsageError("expected a log and a filter");
  if (extra !== undefined)
    throw new UsageError(`unexpected ${JSON.stringify(extra)} after LOG, FILTER and IGNOREREGEX`);
  if (typed.has("json") && typed.has("bans"))
    throw new UsageError("options --json and --bans exclude each other");
  const now = typed.value("now");
  const print = (kind: (typeof PRINTS)[number]) =>
    typed.has(`print-all-${kind}`)
      ? "all"
      : typed.has(`print-no-${kind}`) || kind === "matched"
        ? "none"
        : "some";
  return {
    action,
    log,
    filter,
    ignoreregex,
    config: typed.value("config"),
    datepattern: typed.value("datepattern"),
    maxlines: wholeNumber(typed, "maxlines", { min: 1, max: 1000 }),
    journalmatch: readMatch(typed.value("journalmatch")),
    format: readFormat<never>(typed.value("format") ?? "auto"),
    zone: typed.value("tz"),
    now: now === undefined ? undefined : readTime(now),
    json: typed.has("json"),
    bans: typed.has("bans"),
    check: typed.has("check"),
    maxretry: wholeNumber(typed, "maxretry", { min: 1, max: 100_000 }),
    findtime: readDuration(typed.value("findtime")),
    verbose: typed.has("verbose"),
    print: { matched: print("matched"), missed: print("missed"), ignored: print("ignored") },
  };
}

const PRINTS = ["matched", "missed", "ignored"] as const;

function readMatch(text: string | undefined): JournalMatch | undefined {
  if (text === undefined) return undefined;
  try {
    return parseJournalMatch(splitJournalMatch(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`option --journalmatch: ${error.message}`);
  }
}

function readDuration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration !== undefined && duration > 0) return duration;
  throw new UsageError(`option --findtime: expected a duration such as "10m", got ${JSON.stringify(text)}`);
}
