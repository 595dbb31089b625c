import { createReadStream, existsSync, fstatSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { UsageError } from "../cli/args.ts";
import { printable } from "../cli/report.ts";
import type { Format } from "../stream/input/format.ts";
import type { CompiledJail } from "../stream/jail/compile-jails.ts";
import { isJournal, journalArgs, readJournal } from "./journal-log.ts";

/** Longest line shown, in characters. */
const SHOWN = 1024;

/** What LOG names. */
export interface Log {
  /** The lines, where LOG is the text itself; else there is an input. */
  readonly lines?: readonly string[];
  readonly input?: Readable;
  /** Undefined: the lines show it, or an option says it. */
  readonly format?: Format;
  /** How the report names it. */
  readonly shown: string;
  /** Resolves when whoever wrote the input is done; rejects if that failed. */
  readonly ended?: Promise<void>;
}

/**
 * Opens a file, stdin (`-`) or the journal (`systemd-journal`); any other text is the line itself.
 *
 * @throws UsageError for a path without a file, RuleError for brackets that journalctl has no option for
 */
export function openLog(log: string, jails: readonly CompiledJail[]): Log {
  if (isJournal(log)) {
    const args = journalArgs(
      log,
      jails.map(({ jail }) => jail),
    );
    const { output, ended } = readJournal(args);
    const shown = `Use     journal : journalctl ${printable(args.join(" "), SHOWN)}`;
    return { input: output, ended, format: "journal", shown };
  }
  if (log === "-" || existsSync(log)) {
    const name = log === "-" ? "stdin" : log;
    if ((log === "-" ? fstatSync(0) : statSync(log)).isDirectory()) {
      throw new LogError(`${name}: is a directory, expected a log`);
    }
    const input = log === "-" ? process.stdin : createReadStream(log, { highWaterMark: 1 << 20 });
    return { input, shown: `Use    log file : ${name}` };
  }
  if (/^\S*\/\S*$/.test(log)) throw new UsageError(`${log}: no such file`);
  return { lines: log.split("\n"), shown: `Use single line : ${printable(log, SHOWN)}` };
}

/** A log that cannot be read. */
class LogError extends Error {
  readonly syscall = "read";
}
