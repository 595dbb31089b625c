import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { EXIT } from "../cli/exit.ts";
import { Report } from "../cli/report.ts";
import { version } from "../cli/version.ts";
import { useZone } from "../cli/zone.ts";
import { tellMistake } from "../rules/report-mistakes.ts";
import { monotonicClock, systemClock } from "../shared/clock.ts";
import { HELP } from "./help.ts";
import { type Options, readOptions } from "./options.ts";
import { tail } from "./run.ts";
import { StateError } from "./state-file.ts";

const PROGRAM = "f2b-tail";
/** Milliseconds until the process ends whatever it waits for. */
const PATIENCE = 100;

/** f2b-tail: the lines of several logs on stdout. Gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const report = new Report(PROGRAM);
  try {
    const options = readOptions(argv);
    report.verbosity = options.verbosity;
    return await act(options, report);
  } catch (error) {
    if (error instanceof StateError) return reportStateError(error, report);
    return tellMistake(error, PROGRAM, report);
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

async function act(options: Options, report: Report): Promise<number> {
  const { action, zone } = options;
  if (action === "help") return print(HELP);
  if (action === "version") return print(`${PROGRAM} ${version()}\n`);
  if (zone !== undefined) useZone(zone);
  const status = await tail(options, {
    report,
    clock: { now: monotonicClock.now, after: systemClock.after },
    stdin: () => process.stdin,
    stdout: 1,
    // process.stdout would make the descriptor non-blocking.
    isTerminal: isatty(1),
    isPipe: fstatSync(1).isFIFO() || fstatSync(1).isSocket(),
    onSignals: (stop) => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
    },
  });
  // A reader that takes nothing, or a stdin that is open, must not hold up the end.
  setTimeout(() => process.exit(status), PATIENCE).unref();
  return status;
}

/** Gives the exit status: the reader may be gone. */
function print(text: string): Promise<number> {
  return new Promise((resolve) => {
    process.stdout.once("error", () => resolve(EXIT.PIPE));
    process.stdout.write(text, (error) => resolve(error ? EXIT.PIPE : EXIT.OK));
  });
}
