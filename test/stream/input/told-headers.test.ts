import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { compileFilter } from "../../../src/filter/compile-filter.ts";
import { Engine } from "../../../src/stream/engine.ts";
import { filterRule, newJail } from "../../helpers/jail.ts";

// Headers that are not read, since a client's text could pass for a tag, or since there is no tag: what the alert says, and that --format helps.

const NOW = Date.UTC(2026, 10, 28, 18);

before(() => {
  process.env.TZ = "UTC";
});

function run(line: string, identifier: string, format?: "relayed" | "host-colon") {
  const told: string[] = [];
  const bans: string[] = [];
  const filter = filterRule({ failregex: ["^Failed password for root from <ADDR>$"] });
  const jail = newJail({ name: "ssh", identifier: [identifier], filter, maxretry: 4, bantime: 86_400_000 });
  const options = {
    isLive: false,
    silence: 0,
    prefilter: true,
    format,
    source: undefined,
    maxLine: 2000,
    maxKeys: 1000,
    maxEvidence: 1 << 20,
    report: new Report("test", (line) => told.push(line.replace("test: ", "").trimEnd())),
    write: (line: string) => bans.push(/"ip":"([^"]+)"/.exec(line)?.[1] ?? ""),
  };
  const engine = new Engine([{ jail, filter: compileFilter(filter) }], options, NOW);
  engine.push(Buffer.from(`${line}Failed password for root from 192.0.2.7\n`.repeat(4)), NOW);
  return { told, bans };
}

const cases: readonly (readonly [name: string, line: string, told: readonly string[]])[] = [
  [
    "a relay's name before the host's",
    "Nov 28 16:27:44 relay gw sshd[7]: ",
    [
      "warning: the log is read as syslog because its first line is, but 3 of the 3 lines after it are relayed",
      "hint: use --format relayed if that is right; lines of another shape are read as plain text",
    ],
  ],
  [
    "a host with a colon",
    "Nov 28 16:27:44 gw: sshd[7]: ",
    [
      "warning: the log is read as syslog because its first line is, but 3 of the 3 lines after it are host-colon",
      "hint: use --format host-colon if that is right; lines of another shape are read as plain text",
    ],
  ],
  [
    "units",
    "Sat 2026-11-28 16:27:44 UTC gw ssh.service[7]: ",
    [
      "warning: the log names units, such as ssh.service, in place of tags, so jails with an identifier do not see its lines: ssh",
      "hint: journalctl -o json or short-iso gives tags; or name the unit under identifier",
    ],
  ],
  [
    "no tag",
    "Nov 28 16:27:44 gw [auth.info] sshd[7]: ",
    [
      "warning: most of the first lines have no tag that can be read after their date, so jails with an identifier do not see them: ssh",
      "hint: a line of syslog begins with date, host and tag[pid]:",
    ],
  ],
  [
    "colours",
    "Nov 28 16:27:44 gw sshd[7]: \u001b[1;31m",
    [
      "warning: 3 of the first 3 lines have colours, which stand in them as escape codes where patterns do not expect them",
      "hint: turn them off in the program, or put sed -u 's/\\x1b\\[[0-9;]*m//g' before f2b-stream",
    ],
  ],
];

for (const [name, line, told] of cases) {
  test(`an alert tells of ${name} in the header`, () => {
    assert.deepEqual(run(line, "sshd"), { told, bans: [] });
  });
}

test("--format reads what is not found out by itself", () => {
  assert.deepEqual(run("Nov 28 16:27:44 relay gw sshd[7]: ", "sshd", "relayed"), {
    told: [],
    bans: ["192.0.2.7"],
  });
  assert.deepEqual(run("Nov 28 16:27:44 gw: sshd[7]: ", "sshd", "host-colon"), {
    told: [],
    bans: ["192.0.2.7"],
  });
});

test("a jail may name a unit", () => {
  assert.deepEqual(run("Sat 2026-11-28 16:27:44 UTC gw ssh.service[7]: ", "ssh.service"), {
    told: [],
    bans: ["192.0.2.7"],
  });
});
