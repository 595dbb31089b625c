import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./lib/bench.ts";
import { under } from "./lib/figures.ts";
import { f2bStream } from "./lib/peers.ts";
import { type Contender, race } from "./lib/run.ts";
import { ratio } from "./lib/statistics.ts";
import { Random } from "./log/random.ts";

const FEW = 5;
const MANY = 500;

/** What hundreds of rules cost a log in which they find nothing: each has a word of its own that a line must hold. */
export const literals: Bench = (sizes, logs) => {
  const log = logs.log("mixed", sizes.literals);
  const contenders = [FEW, MANY].map((count): Contender => {
    const path = join(logs.path, `literals-${count}.yaml`);
    writeFileSync(path, rulesWithLiterals(count));
    return {
      name: `f2b-stream, ${count} literals`,
      argv: () => f2bStream([path]),
      log,
      lines: sizes.literals,
    };
  });
  const records = race(contenders, sizes.rounds, logs.path);
  const [few, many] = records.map(({ rates }) => rates);
  const what = `time from first byte to last with ${MANY} literals instead of ${FEW}`;
  return {
    records,
    figures: [{ what, unit: "×", spread: ratio(few ?? [], many ?? []), target: under(1.3) }],
  };
};

/** The first jail is sshd's and finds its failures; the others wait for words that don't come. */
function rulesWithLiterals(count: number): string {
  const random = new Random(4711);
  const jails = ["  sshd:\n    failregex: '^.*Failed password for .* from <ADDR> port \\d+ ssh2$'\n"];
  while (jails.length < count) {
    const name = `app${jails.length}`;
    const words = `${random.word(4 + random.below(8)).toLowerCase()} refused`;
    jails.push(`  ${name}:\n    failregex: '^.*${words} \\S+ from <ADDR>$'\n`);
  }
  return `jails:\n${jails.join("")}`;
}
