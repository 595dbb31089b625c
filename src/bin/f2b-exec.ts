#!/usr/bin/env node
import { EXIT } from "../cli/exit.ts";
import { printable } from "../cli/report.ts";
import { main } from "../exec/main.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

process.on("uncaughtException", (error) => {
  const lines = (error.stack ?? String(error)).split("\n").map((line) => printable(line, 1000));
  process.stderr.write(`f2b-exec: bug: ${lines.join("\n")}\n`);
  process.exit(EXIT.SOFTWARE);
});

// To the f2b-stream before us it means to read the rules again; when a terminal closes, the end of input follows.
process.on("SIGHUP", () => undefined);

process.exitCode = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  onSignal,
});

/** The first asks us to stop, the second does not ask. */
function onSignal(stop: () => void): void {
  let isAsked = false;
  for (const [signal, status] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isAsked) process.exit(status);
      isAsked = true;
      stop();
    });
  }
}
