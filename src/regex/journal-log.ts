import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { splitWords } from "../rules/fail2ban/calls.ts";
import { parseFilterSpec } from "../rules/fail2ban/resolve-filter.ts";
import { formatJournalMatch } from "../rules/journalmatch.ts";
import { type Jail, RuleError } from "../rules/rule.ts";

/** systemd's SD_JOURNAL_SYSTEM and SD_JOURNAL_CURRENT_USER. */
const SYSTEM = 4;
const CURRENT_USER = 8;

/** Whether LOG is fail2ban-regex's word for the journal, and not a file of that name. */
export function isJournal(log: string): boolean {
  return /^systemd-journal(?:\[.*\])?$/s.test(log) && !existsSync(log);
}

/**
 * The arguments for journalctl: which journal, as `systemd-journal[journalpath=…, journalfiles=…, journalflags=…, namespace=…]` says, and
 * the entries that one of the jails reads. Without a `journalmatch` a jail reads them all.
 *
 * @throws RuleError for anything else in the brackets
 */
export function journalArgs(log: string, jails: readonly Pick<Jail, "journalmatch">[]): readonly string[] {
  const matches = jails.flatMap(({ journalmatch }) =>
    journalmatch ? [formatJournalMatch(journalmatch)] : [],
  );
  const wanted =
    matches.length < jails.length ? [] : matches.flatMap((words, i) => (i > 0 ? ["+", ...words] : words));
  return ["-qao", "json", ...sourceArgs(log), ...wanted];
}

function sourceArgs(log: string): readonly string[] {
  const { journalpath, journalfiles, journalflags, namespace, ...others } = parseFilterSpec(log).options;
  const [other] = Object.keys(others);
  const isNumber = journalflags === undefined || /^\d{1,3}$/.test(journalflags);
  if (other !== undefined || !isNumber) {
    const place = { file: log, line: 0, column: 0 };
    const hint = "systemd-journal[journalpath=DIR, journalfiles=GLOBS, journalflags=NUMBER, namespace=NAME]";
    const message =
      other === undefined ? "journalflags: expected a number" : `unknown option ${JSON.stringify(other)}`;
    throw new RuleError("ERR_RULE_VALUE", place, message, hint);
  }
  const isPlaced = journalpath !== undefined || journalfiles !== undefined;
  const flags = journalflags === undefined ? (isPlaced ? 0 : SYSTEM) : Number(journalflags);
  return [
    ...(journalpath === undefined ? [] : [`--directory=${journalpath}`]),
    ...splitWords(journalfiles ?? "").map((file) => `--file=${file}`),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...(flags & SYSTEM ? ["--system"] : []),
    ...(flags & CURRENT_USER ? ["--user"] : []),
  ];
}

/** A running journalctl. */
export interface JournalReader {
  readonly output: Readable;
  /** Resolves when it has ended. @throws Error when it could not be started, or failed */
  readonly ended: Promise<void>;
}

/** Starts journalctl; what it has to say goes to this program's stderr. */
export function readJournal(args: readonly string[]): JournalReader {
  const child = spawn("journalctl", args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = endOf(child);
  // Awaited after the output was read.
  ended.catch(() => undefined);
  return { output: child.stdout, ended };
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) resolve();
      else reject(new JournalError(`journalctl ended with ${signal ?? `status ${status}`}`));
    });
  });
}

/** journalctl failed. */
class JournalError extends Error {
  readonly syscall = "read";
}
