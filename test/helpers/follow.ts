import { openSync, readSync, writeSync } from "node:fs";

// Follows a log as `journalctl -f --since=@SECONDS` does: prints its lines from that time on, those that are there and those
// that come. node follow.js FILE @SECONDS. Each line begins with its time.

const [path = "", since = ""] = process.argv.slice(2);
const [, seconds] = /^@(\d+)$/.exec(since) ?? [];
if (seconds === undefined) throw new SyntaxError(`expected @seconds, got ${JSON.stringify(since)}`);
const from = new Date(Number(seconds) * 1000).toISOString();
const file = openSync(path, "r");
const block = Buffer.alloc(1 << 16);
let rest = "";

/** A line at a time: a pipe takes what is so short whole or not at all, so that none is torn when we are killed. */
function print(lines: readonly string[]): void {
  for (const line of lines) if (line.slice(0, from.length) >= from) writeSync(1, `${line}\n`);
}

for (;;) {
  const length = readSync(file, block);
  const lines = (rest + block.toString("utf8", 0, length)).split("\n");
  rest = lines.pop() ?? "";
  print(lines);
  if (length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}
