import { EXIT } from "./exit.ts";

/**
 * Runs a program's `main` and sets the exit status. What is thrown past it is our own bug: its stack goes to stderr and the
 * status is 70.
 */
export async function runProgram(
  program: string,
  main: (argv: readonly string[]) => Promise<number>,
): Promise<void> {
  process.on("uncaughtException", (error) => {
    process.stderr.write(`${program}: internal error: ${error.stack ?? error}\n`);
    process.exit(EXIT.SOFTWARE);
  });
  process.exitCode = await main(process.argv.slice(2));
}
