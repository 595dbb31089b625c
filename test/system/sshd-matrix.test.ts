import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { DaemonHost, hostSkip } from "../daemons/host.ts";
import { allOptions, playMatrix, type Row, SCENARIOS, type SshdOptions } from "../daemons/sshd-matrix.ts";
import { program } from "../helpers/program.ts";

const exec = promisify(execFile);

/** F2B_SSHD_MATRIX=all takes every combination (`make sshd-matrix`); F2B_SSHD_TABLE=FILE writes the table. */
const { F2B_SSHD_MATRIX, F2B_SSHD_TABLE } = process.env;

/** Some of all, each a pair of them apart. */
const SOME: readonly SshdOptions[] = [
  {},
  { KbdInteractiveAuthentication: "yes" },
  { PasswordAuthentication: "no", KbdInteractiveAuthentication: "yes", LogLevel: "VERBOSE" },
  { PasswordAuthentication: "no", AllowUsers: "alice" },
  { PasswordAuthentication: "no", DenyUsers: "root carol", LogLevel: "VERBOSE" },
  { KbdInteractiveAuthentication: "yes", UseDNS: "yes", AllowGroups: "users" },
  { UsePAM: "no", PubkeyAuthentication: "no", DenyGroups: "games", PermitRootLogin: "yes" },
  { MaxAuthTries: 1, KbdInteractiveAuthentication: "yes" },
];

test("sshd: each guess counts once, whatever sshd's options are", { skip: hostSkip("sshd") }, async () => {
  await using host = await DaemonHost.create();
  const all = F2B_SSHD_MATRIX === "all";
  // Each scenario with some of the options in turn.
  const turn = all ? 4 : 8;
  const pairs = (all ? allOptions() : SOME).map(
    (options, i) => [options, SCENARIOS.filter((_, j) => (i + j) % turn < turn / 4)] as const,
  );
  const rows = await playMatrix(host, pairs);
  const folder = mkdtempSync(join(tmpdir(), "f2bt-matrix-"));
  try {
    const [log, journal] = [join(folder, "auth.log"), join(folder, "journal.json")];
    const text = host.read("/var/log/auth.log");
    writeFileSync(log, text);
    writeFileSync(journal, text.split("\n").slice(0, -1).map(entryOf).join(""));
    const counted = await countedIn(log, "auto");
    const table = {
      plain: counted,
      journal: await countedIn(journal, "journal"),
      banned: await bannedIn(log),
    };
    const peers = { normal: await peerCount(log, "normal"), aggressive: await peerCount(log, "aggressive") };
    if (F2B_SSHD_TABLE) writeFileSync(F2B_SSHD_TABLE, tableOf(rows, counted, peers));
    const wrong = rows.filter(({ from, shown }) => (counted.get(from) ?? 0) !== shown);
    assert.deepEqual(
      wrong.map(
        (row) =>
          `${nameOf(row)} ${row.from}: ${row.made} made, ${row.shown} shown, ${counted.get(row.from) ?? 0} counted`,
      ),
      [],
    );
    assert.deepEqual(table.journal, table.plain);
    for (const row of rows) {
      const isBanned = table.banned.has(row.from);
      assert.equal(isBanned, row.shown >= 5, `${nameOf(row)}: banned`);
      if (row.isLoggedIn) assert.ok(!isBanned, `${nameOf(row)}: an owner is banned`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A line of rsyslog as the journal has its entry. */
function entryOf(line: string): string {
  const [, stamp = "", host, identifier, pid, message] =
    /^(\S+) (\S+) ([^[]+)\[(\d+)\]: (.*)$/.exec(line) ?? [];
  const fields = {
    __REALTIME_TIMESTAMP: `${Date.parse(stamp)}000`,
    _HOSTNAME: host,
    _UID: "0",
    _COMM: "sshd",
    _SYSTEMD_UNIT: "ssh.service",
    _PID: pid,
    SYSLOG_IDENTIFIER: identifier,
    MESSAGE: message,
  };
  return `${JSON.stringify(fields)}\n`;
}

/** How many guesses f2b-regex counts, by address. */
async function countedIn(log: string, format: string): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await run(
    process.execPath,
    program("f2b-regex"),
    "--json",
    "--format",
    format,
    log,
    "sshd[sshd]",
  );
  const counted = new Map<string, number>();
  for (const line of stdout.split("\n").slice(0, -1)) {
    const verdict = JSON.parse(line) as { match: boolean; id: string; times?: number };
    if (verdict.match) counted.set(verdict.id, (counted.get(verdict.id) ?? 0) + (verdict.times ?? 1));
  }
  return counted;
}

/** Whom the jail as it stands bans. */
async function bannedIn(log: string): Promise<ReadonlySet<string>> {
  const { stdout } = await run(
    "sh",
    "-c",
    'exec "$0" "$1" -q -r sshd --replay < "$2"',
    process.execPath,
    program("f2b-stream"),
    log,
  );
  const commands = stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { cmd: string; ip: string });
  return new Set(commands.filter(({ cmd }) => cmd === "ban").map(({ ip }) => ip.replace("::/64", "::7")));
}

/** How many failures fail2ban's filter finds, by address. */
async function peerCount(log: string, mode: string): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const { stdout } = await run(
    "fail2ban-regex",
    "--usedns",
    "no",
    "-o",
    "ip",
    log,
    `/etc/fail2ban/filter.d/sshd.conf[mode=${mode}]`,
  );
  for (const ip of stdout.split("\n")) counted.set(ip, (counted.get(ip) ?? 0) + 1);
  return counted;
}

async function run(file: string, ...args: readonly string[]): Promise<{ readonly stdout: string }> {
  return await exec(file, args, { maxBuffer: 256 * 1024 * 1024, env: { ...process.env, TZ: "UTC" } });
}

function nameOf({ options, scenario }: Row): string {
  return `${shortened(options)}: ${scenario.name}`;
}

function shortened(options: SshdOptions): string {
  return (
    Object.entries(options)
      .map(([name, value]) => `${name}=${value}`)
      .join(" ") || "defaults"
  );
}

function tableOf(
  rows: readonly Row[],
  ours: ReadonlyMap<string, number>,
  { normal, aggressive }: Readonly<Record<"normal" | "aggressive", ReadonlyMap<string, number>>>,
): string {
  const lines = rows.map((row) => {
    const counts = [ours, normal, aggressive].map((counted) => counted.get(row.from) ?? 0);
    return `| ${shortened(row.options)} | ${row.scenario.name} | ${[row.made, row.shown, ...counts].join(" | ")} |\n`;
  });
  const head =
    "| sshd | client | guesses | shown | f2b-stream | fail2ban | aggressive |\n|---|---|---|---|---|---|---|\n";
  return `${head}${lines.join("")}`;
}
