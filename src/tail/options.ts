import { readArgs, readTime, UsageError, wholeNumber } from "../cli/args.ts";
import { parseJournalMatch, splitJournalMatch } from "../rules/journalmatch.ts";
import { MAX_LINE } from "../stream/options.ts";

/** What the command line means. */
export interface Options {
  readonly action: "run" | "help" | "version";
  /** Files, shell patterns, FIFOs, and `-` for stdin. */
  readonly operands: readonly string[];
  /** Words for journalctl, checked; empty: all entries. Undefined: the journal is not read. */
  readonly journal: readonly string[] | undefined;
  readonly rules: readonly string[];
  /** Path of the state; undefined: nothing is kept. */
  readonly state: string | undefined;
  /** What to read first of what no state knows: what comes from now on, everything, or from a time on, in epoch milliseconds. */
  readonly begin: "end" | "start" | number;
  /** False: it ends where the files end. */
  readonly follows: boolean;
  readonly isPlain: boolean;
  /** True: files are looked at every second, without inotify. */
  readonly polls: boolean;
  readonly zone: string | undefined;
  readonly maxLine: number;
  readonly maxFiles: number;
  readonly verbosity: "quiet" | "normal" | "verbose";
}

/**
 * Reads the command line of f2b-tail.
 *
 * @throws UsageError
 */
export function readOptions(argv: readonly string[]): Options {
  const typed = readArgs(argv, {
    flags: ["from-start", "plain", "poll", "quiet", "verbose"],
    negatable: ["follow"],
    strings: ["state", "since", "tz", "max-line", "max-files"],
    lists: ["rules"],
    optional: ["journal"],
    alias: { r: "rules", q: "quiet", v: "verbose" },
  });
  const action = typed.has("help") ? "help" : typed.has("version") ? "version" : "run";
  const { operands } = typed;
  const journal = readMatches(typed.values("journal"));
  const rules = typed.values("rules");
  if (action === "run" && operands.length === 0 && rules.length === 0 && journal === undefined)
    throw new UsageError("nothing to read: expected a file, a pattern, -, --journal or -r RULES");
  const since = typed.value("since");
  if (since !== undefined && typed.has("from-start"))
    throw new UsageError("options --since and --from-start exclude each other");
  if (typed.has("quiet") && typed.has("verbose"))
    throw new UsageError("options -q and -v exclude each other");
  return {
    action,
    operands,
    journal,
    rules,
    state: typed.value("state"),
    begin: typed.has("from-start") ? "start" : since === undefined ? "end" : readTime(since, "since"),
    follows: typed.has("follow"),
    isPlain: typed.has("plain"),
    polls: typed.has("poll"),
    zone: typed.value("tz"),
    maxLine: wholeNumber(typed, "max-line", { min: 64, max: 16 * 1024 * 1024 }) ?? MAX_LINE,
    maxFiles: wholeNumber(typed, "max-files", { min: 1, max: 65_536 }) ?? 1024,
    verbosity: typed.has("quiet") ? "quiet" : typed.has("verbose") ? "verbose" : "normal",
  };
}

/** All values of `--journal` as one list of alternatives; one without a value takes all entries. */
function readMatches(values: readonly string[]): readonly string[] | undefined {
  if (values.length === 0) return undefined;
  const matches = values.map((value) => {
    const words = splitJournalMatch(value);
    try {
      parseJournalMatch(words);
      return words;
    } catch (error) {
      throw new UsageError(`option --journal: ${(error as Error).message}`);
    }
  });
  return unionOf(matches);
}

/** Entries that fit one of several matches; a match without words takes all. */
export function unionOf(matches: readonly (readonly string[])[]): readonly string[] {
  if (matches.some(({ length }) => length === 0)) return [];
  const distinct = [...new Map(matches.map((words) => [words.join(" "), words])).values()];
  return distinct.flatMap((words, index) => (index === 0 ? words : ["+", ...words]));
}
