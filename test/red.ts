import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AttackResult, attack } from "./red/attack.ts";
import { TARGETS } from "./red/daemons.ts";
import { faults, table } from "./red/table.ts";

// make red: hostile texts in every field that a client of a daemon can write, sent to the real daemons; whom f2b-stream then bans.
// F2B_RED picks daemons, F2B_RED_FIELDS fields of them; F2B_RED_LOGS keeps the logs in a folder.

const {
  F2B_RED = "",
  F2B_RED_FIELDS,
  F2B_RED_TEXTS = "2000",
  F2B_RED_SEED = "20261121",
  F2B_RED_LOGS,
  F2B_RED_RAW,
} = process.env;

const picked = F2B_RED.split(/\s+/).filter((word) => word !== "");
const unknown = picked.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0) {
  tell(`no such daemon: ${unknown.join(", ")}; there are ${TARGETS.map(({ name }) => name).join(", ")}`);
  process.exit(64);
}
const fields = F2B_RED_FIELDS === undefined ? undefined : new RegExp(F2B_RED_FIELDS);

const results: AttackResult[] = [];
for (const target of TARGETS) {
  if (picked.length > 0 && !picked.includes(target.name)) continue;
  const absent = target.skip();
  if (absent !== false) {
    tell(`${target.name}: skipped: ${absent}`);
    continue;
  }
  const result = await attack(target, {
    texts: Number(F2B_RED_TEXTS),
    seed: Number(F2B_RED_SEED),
    ...(fields && { fields: (name) => fields.test(name) }),
    ...(F2B_RED_RAW && { rsyslog: "$EscapeControlCharactersOnReceive off" }),
    progress: tell,
    ...(F2B_RED_LOGS !== undefined && { keep: keepIn(F2B_RED_LOGS) }),
  });
  results.push(result);
}
process.stdout.write(table(results));
const wrong = faults(results);
for (const line of wrong) tell(line);
if (wrong.length > 0 || results.length === 0) process.exitCode = 1;

function keepIn(folder: string): (daemon: string, logs: ReadonlyMap<string, Buffer>) => void {
  mkdirSync(folder, { recursive: true });
  return (daemon, logs) => {
    for (const [path, log] of logs)
      writeFileSync(join(folder, `${daemon}-${path.replace(/^.*\//, "")}`), log);
  };
}

function tell(line: string): void {
  process.stderr.write(`red: ${line}\n`);
}
