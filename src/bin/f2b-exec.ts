#!/usr/bin/env node
import { runProgram } from "../cli/program.ts";
import { main } from "../exec/main.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

// SIGHUP makes the f2b-stream in front of us reload its rules. When a terminal closes, our input ends anyway.
process.on("SIGHUP", () => undefined);

await runProgram("f2b-exec", (argv) =>
  main(argv, { stdin: process.stdin, stdout: process.stdout, onSignal }),
);

/** The first signal asks for an orderly stop, the second ends the process at once. */
function onSignal(stop: () => void): void {
  let isStopping = false;
  for (const [signal, status] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isStopping) process.exit(status);
      isStopping = true;
      stop();
    });
  }
}
