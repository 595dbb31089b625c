import { fstatSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../cli/exit.ts";
import { Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { useZone } from "../cli/zone.ts";
import { tellMistake } from "../rules/report-mistakes.ts";
import { systemClock } from "../shared/clock.ts";
import { HELP } from "./help.ts";
import type { CompiledJail } from "./jail/compile-jails.ts";
import { readsSource, sourceNamed } from "./jail/jail-view.ts";
import { type Options, readOptions } from "./options.ts";
import { checkRules } from "./program/check-rules.ts";
import { enabledJails, readRules } from "./program/load-jails.ts";
import { streamLog } from "./program/stream-log.ts";
import { lookbackOf } from "./state/lookback.ts";
import { StateError } from "./state/state-error.ts";

const PROGRAM = "f2b-stream";

/** Milliseconds between reporting a mistake and ending, where a daemon would start us again at once. */
const PAUSE = 3000;

/** f2b-stream: log lines on stdin, commands on stdout. Gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const report = new Report(PROGRAM);
  let isRun = true;
  try {
    const options = readOptions(argv);
    isRun = options.action === "run";
    report.verbosity = options.verbosity;
    return await act(options, report);
  } catch (error) {
    const status =
      error instanceof StateError ? reportStateError(error, report) : tellMistake(error, PROGRAM, report);
    if (isRun && isRunByDaemon()) await sleep(PAUSE);
    return status;
  }
}

function reportStateError({ code, message }: StateError, report: Report): number {
  report.error(message);
  const statuses = {
    ERR_STATE_ACCESS: EXIT.IO,
    ERR_STATE_BUSY: EXIT.TEMPFAIL,
    ERR_STATE_FORMAT: EXIT.CONFIG,
  };
  return statuses[code];
}

/** syslog-ng restarts a program that has ended at once, hundreds of times a second: it runs us between pipes, without a terminal. */
function isRunByDaemon(): boolean {
  return fstatSync(0).isFIFO() && fstatSync(1).isFIFO() && !process.stderr.isTTY;
}

async function act(options: Options, report: Report): Promise<number> {
  const { action, zone } = options;
  if (action === "help") return print(HELP);
  if (action === "version") return print(`${PROGRAM} ${version()}\n`);
  if (zone !== undefined) useZone(zone);
  const loaded = await readRules(options, report);
  if (action === "dump") {
    const { dumpRules } = await import("../rules/dump.ts");
    return print(dumpRules(loaded.jails));
  }
  if (action === "dump-exec") {
    const { dumpExec } = await import("../rules/fail2ban/dump-exec.ts");
    return print(dumpExec(loaded.exec));
  }
  const now = options.now ?? Date.now();
  if (action === "check") {
    await checkRules(loaded, now, report);
    return EXIT.OK;
  }
  const jails = enabledJails(loaded, report);
  if (action === "resume") return print(`${await resumePoint(options, jails, Date.now())}\n`);
  return streamLog(options, jails, {
    report,
    clock: {
      ...systemClock,
      ...(!options.isLive && { now: () => now }),
      monotonic: () => performance.now(),
    },
    started: Math.round(Date.now() - process.uptime() * 1000),
    onSignals,
  });
}

/** From when the log is to be read, for what the last run knew of it to be known again: `@seconds`. */
async function resumePoint(
  { state = "", source }: Options,
  jails: readonly CompiledJail[],
  now: number,
): Promise<string> {
  const { readSeen } = await import("./state/resume.ts");
  const reading = jails.filter(({ jail }) => readsSource(jail, sourceNamed(source)));
  const seen = Math.min(readSeen(state) ?? now, now);
  return `@${Math.max(0, Math.floor((seen - lookbackOf(reading)) / 1000))}`;
}

/** A second SIGTERM or SIGINT ends the process at once; a SIGHUP does so when it is not asked for any more. */
function onSignals(stop: () => void, hangup: () => void): () => void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
  process.on("SIGHUP", hangup);
  return () => process.off("SIGHUP", hangup);
}

/** Gives the exit status: the reader may be gone. */
function print(text: string): Promise<number> {
  return new Promise((resolve) => {
    process.stdout.once("error", () => resolve(EXIT.PIPE));
    process.stdout.write(text, (error) => resolve(error ? EXIT.PIPE : EXIT.OK));
  });
}
