import { readArgs, readTime, UsageError, wholeNumber } from "../cli/args.ts";
import type { Format } from "./input/format.ts";
import { readFormat } from "./input/format.ts";

/**
 * Default of `--max-line`, in bytes. A web server writes up to 4 bytes for each of a request's: nginx takes 32 KiB of request line
 * and headers, Apache three fields of 8 KiB into its "combined" log. A longer line is dropped, and with it a failure.
 */
export const MAX_LINE = 160 * 1024;

/** What the command line means. */
export interface Options {
  /** `check` and `dump` look at the rules and read no log, nor does `resume`. */
  readonly action: "run" | "check" | "dump" | "dump-exec" | "resume" | "help" | "version";
  readonly rules: readonly string[];
  /** `JAIL.KEY=VALUE`. */
  readonly sets: readonly string[];
  readonly isLive: boolean;
  /** Whether a ban is written again while its address goes on. */
  readonly repeats: boolean;
  /** Epoch milliseconds; undefined: the clock's. */
  readonly now: number | undefined;
  readonly format: Format | "tagged" | undefined;
  readonly source: string | undefined;
  readonly zone: string | undefined;
  /** Path of the control socket. */
  readonly control: string | undefined;
  /** Path of the state; undefined: decisions are not kept. */
  readonly state: string | undefined;
  readonly stats: boolean;
  /** Path of the metrics; undefined: none are written. */
  readonly metrics: string | undefined;
  /** Warns after this time without input, in milliseconds; 0: never. */
  readonly silence: number;
  readonly verbosity: "quiet" | "normal" | "verbose";
  /** Milliseconds between heartbeats; 0: none. */
  readonly heartbeat: number;
  readonly maxLine: number;
  readonly maxKeys: number;
  readonly maxEvidence: number;
  /** False: every line is looked at in full. */
  readonly prefilter: boolean;
}

/**
 * Reads the command line of f2b-stream.
 *
 * @throws UsageError
 */
export function readOptions(argv: readonly string[]): Options {
  const typed = readArgs(argv, {
    flags: ["replay", "check", "dump", "dump-exec", "resume", "repeats", "stats", "quiet", "verbose"],
    negatable: ["prefilter"],
    strings: [
      "now",
      "format",
      "source",
      "tz",
      "control",
      "state",
      "metrics",
      "silence",
      "heartbeat",
      "max-line",
      "max-keys",
      "max-evidence",
    ],
    lists: ["rules", "set"],
    alias: { r: "rules", q: "quiet", v: "verbose" },
  });
  const [operand] = typed.operands;
  if (operand !== undefined) {
    throw new UsageError(
      `unexpected ${JSON.stringify(operand)}: log lines are read from stdin, rules are given with -r`,
    );
  }
  const isLive = !typed.has("replay");
  const now = typed.value("now");
  if (now !== undefined && isLive && !typed.has("check"))
    throw new UsageError("option --now needs --replay or --check: live, the clock is used");
  const control = typed.value("control");
  if (control !== undefined && !isLive) throw new UsageError("option --control excludes --replay");
  const state = typed.value("state");
  if (state !== undefined && !isLive)
    throw new UsageError(
      "option --state excludes --replay, which starts from nothing so that its output is always the same",
    );
  if (typed.has("resume") && state === undefined)
    throw new UsageError("option --resume needs --state, which holds how far the log was read");
  if (typed.has("quiet") && typed.has("verbose"))
    throw new UsageError("options -q and -v exclude each other");
  const number = (name: string, normal: number, min: number, max: number) =>
    wholeNumber(typed, name, { min, max }) ?? normal;
  return {
    action:
      (["help", "version", "check", "dump", "dump-exec", "resume"] as const).find((action) =>
        typed.has(action),
      ) ?? "run",
    rules: typed.values("rules"),
    sets: typed.values("set"),
    isLive,
    repeats: isLive || typed.has("repeats"),
    now: now === undefined ? undefined : readTime(now),
    format: readFormat(typed.value("format") ?? "auto", "tagged"),
    source: typed.value("source"),
    zone: typed.value("tz"),
    control,
    state,
    stats: typed.has("stats"),
    metrics: typed.value("metrics"),
    silence: number("silence", 7200, 0, 31_536_000) * 1000,
    verbosity: typed.has("quiet") ? "quiet" : typed.has("verbose") ? "verbose" : "normal",
    heartbeat: number("heartbeat", 30, 0, 86_400) * 1000,
    maxLine: number("max-line", MAX_LINE, 64, 16 * 1024 * 1024),
    maxKeys: number("max-keys", 1_000_000, 1, 100_000_000),
    prefilter: typed.has("prefilter"),
    maxEvidence: number("max-evidence", 16 * 1024 * 1024, 0, 2 ** 31 - 1),
  };
}
