import { fileURLToPath } from "node:url";
import type { Bench } from "./lib/bench.ts";
import { atLeast, type Figure, under } from "./lib/figures.ts";
import { f2bStream } from "./lib/peers.ts";
import { type Contender, race } from "./lib/run.ts";
import { ratio } from "./lib/statistics.ts";
import { idle } from "./tail-idle.ts";

const TAIL = fileURLToPath(new URL("../bin/f2b-tail.js", import.meta.url));

/** One file, read by f2b-stream itself, and by way of f2b-tail and a pipe; and what f2b-tail does while nothing happens. */
export const tail: Bench = async ({ mixed, rounds, seconds }, logs) => {
  const log = logs.log("mixed", mixed);
  const [file, pipe, cat] = [
    "f2b-stream -r sshd",
    "f2b-tail into f2b-stream -r sshd",
    "cat into f2b-stream -r sshd",
  ];
  const stream = f2bStream(["sshd"]);
  const piped = (name: string, before: readonly string[]): Contender => ({
    name,
    argv: (path) => [
      "/bin/sh",
      "-c",
      `${[...before, path].map(quote).join(" ")} | ${stream.map(quote).join(" ")}`,
    ],
    log,
    lines: mixed,
  });
  const records = race(
    [
      { name: file, argv: () => stream, log, lines: mixed },
      piped(pipe, [process.execPath, TAIL, "-q", "--no-follow", "--from-start"]),
      piped(cat, ["cat"]),
    ],
    rounds,
    logs.path,
  );
  const rates = (name: string) => records.find(({ contender }) => contender.name === name)?.rates ?? [];
  const wakeUps = await idle(logs.path, seconds);
  const figures: readonly Figure[] = [
    {
      what: `lines/s of ${pipe}, to ${file}`,
      unit: "×",
      spread: ratio(rates(pipe), rates(file)),
      target: atLeast(0.8),
    },
    { what: `lines/s of ${pipe}, to ${cat}`, unit: "×", spread: ratio(rates(pipe), rates(cat)) },
    {
      what: "wake-ups of f2b-tail's main thread with 50 files and nothing to read",
      unit: "/s",
      spread: wakeUps,
      target: under(1),
    },
  ];
  return { records, figures };
};

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
