import { closeSync, openSync, writeSync } from "node:fs";

// usage: node dist/test/helpers/log-writer.js LOG NAME [LINES]
//
// A daemon that logs: numbered lines, `NAME 17 xxxx`, a burst every millisecond or two, some of them with two writes. It opens its log
// again at SIGHUP, ends at SIGTERM or after LINES lines, and then prints how many there were.

const [log = "", name = "", most = "Infinity"] = process.argv.slice(2);
let fd = openSync(log, "a");
let count = 0;

process.on("SIGHUP", () => {
  closeSync(fd);
  fd = openSync(log, "a");
});
process.on("SIGTERM", end);

const timer = setInterval(() => {
  for (let burst = 1 + Math.floor(Math.random() * 20); burst > 0 && count < Number(most); burst--)
    writeLine();
  if (count >= Number(most)) end();
}, 1);

function writeLine(): void {
  const line = `${name} ${count++} ${"x".repeat(Math.floor(Math.random() * 60))}\n`;
  const cut = Math.random() < 0.1 ? Math.floor(line.length / 2) : 0;
  if (cut > 0) writeSync(fd, line.slice(0, cut));
  writeSync(fd, line.slice(cut));
}

function end(): void {
  clearInterval(timer);
  process.stdout.write(`${count}\n`, () => process.exit(0));
}
