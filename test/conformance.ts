import { printable } from "../src/cli/report.ts";
import { absent, readGroups, scoreGroup } from "./helpers/conformance.ts";

// make conformance: our verdicts against fail2ban's, a line a group, every difference, and the sum.

let agreed = 0;
let all = 0;
for (const group of readGroups()) {
  const differences = await scoreGroup(group);
  const total = group.cases.length;
  all += total;
  agreed += total - differences.length;
  process.stdout.write(
    `${String(total - differences.length).padStart(5)} of ${String(total).padStart(4)}  ${group.group}\n`,
  );
  for (const { n, line, got, wanted } of differences) {
    process.stdout.write(
      `       line ${n}: ${printable(line, 300)}\n         ours     ${got}\n         fail2ban ${wanted}\n`,
    );
  }
}
process.stdout.write(absent === undefined ? `${agreed} of ${all} agree\n` : `skipped: ${absent}\n`);
if (agreed < all) process.exitCode = 1;
