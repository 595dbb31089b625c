import { readSync } from "node:fs";

// What any reader of the journal's JSON has to do at least, if it parses each entry: split stdin into lines, call
// JSON.parse, look at the message. Says how many entries tell of a failed password.

const buffer = Buffer.allocUnsafe(1 << 20);
let rest = "";
let failed = 0;
for (let size = readSync(0, buffer); size > 0; size = readSync(0, buffer)) {
  const lines = (rest + buffer.toString("latin1", 0, size)).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) if (JSON.parse(line).MESSAGE.startsWith("Failed password")) failed++;
}
process.stdout.write(`${failed}\n`);
