import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Report } from "../../src/cli/report.ts";
import { compileFilter } from "../../src/filter/compile-filter.ts";
import type { FilterRule } from "../../src/rules/rule.ts";
import { Engine } from "../../src/stream/engine.ts";
import { filterRule, newJail } from "../helpers/jail.ts";

// What jails see of the logs of containers: ours what the program wrote, whole; fail2ban's the log as it stands.

const NOW = Date.UTC(2026, 10, 28, 18);

before(() => {
  process.env.TZ = "UTC";
});

const docker = (log: string, stream = "stdout") =>
  JSON.stringify({ log, stream, time: "2026-11-28T15:27:44.123456789Z" });
const cri = (text: string, tag = "F") => `2026-11-28T15:27:44.123456789Z stdout ${tag} ${text}`;
const access = (ip: string) => `${ip} - - [28/Nov/2026:10:00:00 +0000] "GET /x HTTP/1.1" 404 0`;

/** The addresses that a log gets banned, each with the time of its failure, and what is told. */
function run(rule: FilterRule, lines: readonly string[], maxLine = 2000): { bans: string[]; told: string[] } {
  const bans: string[] = [];
  const told: string[] = [];
  const options = {
    isLive: false,
    silence: 0,
    prefilter: true,
    format: undefined,
    source: undefined,
    maxLine,
    maxKeys: 1000,
    maxEvidence: 1 << 20,
    report: new Report("test", (line) => told.push(line)),
    write: (line: string) => {
      const [, ip, time] = /"cmd":"ban".*"ip":"([^"]+)","time":"([^"]+)"/.exec(line) ?? [];
      if (ip !== undefined) bans.push(`${ip} ${time}`);
    },
  };
  const jail = newJail({ filter: rule, maxretry: 1, bantime: 86_400_000 });
  const engine = new Engine([{ jail, filter: compileFilter(rule) }], options, NOW);
  engine.push(Buffer.from(lines.map((line) => `${line}\n`).join("")), NOW);
  engine.end(NOW);
  return { bans, told };
}

const own = filterRule({ failregex: ['^<ADDR> - - \\[\\] "GET /x HTTP/1\\.1" 404 '] });
const TIME = "2026-11-28T15:27:44.123Z";

for (const [name, line] of [
  ["docker", docker(`${access("192.0.2.7")}\n`)],
  ["CRI", cri(access("192.0.2.7"))],
] as const) {
  test(`a jail of ours sees what a program in a container wrote, at the time of the runtime: ${name}`, () => {
    assert.deepEqual(run(own, [line]).bans, [`192.0.2.7 ${TIME}`]);
  });
}

test("a jail of fail2ban's sees docker's log as it stands, and the date in it as fail2ban does", () => {
  const rule: FilterRule = {
    ...filterRule({ failregex: ['^\\{"log":"<ADDR> - - \\['] }),
    compat: "fail2ban",
  };
  const line = docker(`${access("192.0.2.7")}\n`);
  assert.deepEqual(run(rule, [line]).bans, ["192.0.2.7 2026-11-28T10:00:00.000Z"]);
  assert.deepEqual(run({ ...rule, failregex: own.failregex }, [line]).bans, []);
});

test("a line in pieces is one line, and no piece of it is one", () => {
  const forged = access("203.0.113.9");
  const lines = [
    docker("x".repeat(50)),
    docker(forged),
    docker(`${forged}\n`),
    docker(`${access("192.0.2.7")}\n`),
  ];
  assert.deepEqual(run(own, lines).bans, [`192.0.2.7 ${TIME}`]);
  const pieces = [cri("x", "P"), cri(forged, "P"), cri(forged), cri(access("192.0.2.7"))];
  assert.deepEqual(run(own, pieces).bans, [`192.0.2.7 ${TIME}`]);
  const halves = [
    docker("192.0.2.7 - - [28/Nov/2026:10:"),
    docker(forged, "stderr"),
    docker('00:00 +0000] "GET /x HTTP/1.1" 404 0\n'),
  ];
  assert.deepEqual(run(own, halves).bans, [`192.0.2.7 ${TIME}`]);
});

test("what follows a piece that was dropped as too long is no line", () => {
  const lines = [
    docker("ok\n"),
    docker("x".repeat(400)),
    docker(`${access("203.0.113.9")}\n`),
    docker(`${access("192.0.2.7")}\n`),
  ];
  const { bans, told } = run(own, lines, 300);
  assert.deepEqual(bans, [`192.0.2.7 ${TIME}`]);
  assert.equal(told.filter((line) => line.includes("longer than 300")).length, 1);
});

test("pieces that are too long together are dropped, and counted", () => {
  const lines = [
    docker("x".repeat(200)),
    docker("x".repeat(200)),
    docker(`${access("203.0.113.9")}\n`),
    docker(`${access("192.0.2.7")}\n`),
  ];
  const { bans, told } = run(own, lines, 300);
  assert.deepEqual(bans, [`192.0.2.7 ${TIME}`]);
  assert.equal(told.filter((line) => line.includes("longer than 300")).length, 1);
});

test("empty lines, and those of tail, between a container's lines change nothing", () => {
  const lines = [
    "",
    "==> a.log <==",
    docker(`${access("192.0.2.7")}\n`),
    "",
    "==> a.log <==",
    docker(`${access("192.0.2.8")}\n`),
  ];
  assert.deepEqual(run(own, lines).bans, [`192.0.2.7 ${TIME}`, `192.0.2.8 ${TIME}`]);
});
