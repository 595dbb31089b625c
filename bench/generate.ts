import { writeLog } from "./lib/log-folder.ts";
import { LOGS } from "./log/logs.ts";

// usage: node dist/bench/generate.js mixed|flood|access|journal LINES > LOG

const [word, lines] = process.argv.slice(2);
const name = LOGS.find((each) => each === word);
if (name === undefined || !/^\d+$/.test(lines ?? "")) {
  process.stderr.write(`usage: generate.js ${LOGS.join("|")} LINES > LOG\n`);
  process.exitCode = 64;
} else {
  writeLog(1, name, Number(lines));
}
