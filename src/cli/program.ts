import { EXIT } from "./exit.ts";
import { printable } from "./report.ts";
import { version } from "./version.ts";

/** Longest line of a stack trace that is shown, in characters. */
const MAX_STACK_LINE = 1000;

/**
 * Runs a program's `main` and sets the exit status to what it returns. An exception that nothing catches is a bug of ours: its
 * stack goes to stderr, and the program exits with status 70.
 */
export async function runProgram(
  program: string,
  main: (argv: readonly string[]) => Promise<number>,
): Promise<void> {
  process.on("uncaughtException", (error: unknown) => {
    process.stderr.write(internalError(program, version(), error));
    process.exit(EXIT.SOFTWARE);
  });
  process.exitCode = await main(process.argv.slice(2));
}

/** The message for an exception that nothing caught, as lines with their newlines. It may quote log text, so it is escaped. */
export function internalError(program: string, version: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = stack.split("\n").map((line) => printable(line, MAX_STACK_LINE));
  return [
    `${program}: internal error: ${lines.join("\n")}`,
    `${program}: hint: this is a bug in ${program}: please report these lines with the version, ${version}`,
    "",
  ].join("\n");
}
