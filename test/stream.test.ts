import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { type Ended, program, runProgram, start } from "./helpers/program.ts";
import { ROOT } from "./helpers/root.ts";
import { RulesFolder } from "./helpers/rules.ts";

const rules = ["-r", "test/fixtures/rules/app.yaml", "--set", "app-watch.enabled=false"];

/** A failure that happened `ago` milliseconds ago. */
function failure(address: string, ago = 0): string {
  return `${new Date(Date.now() - ago).toISOString()} web1 app[7]: login failed from ${address}\n`;
}

test("f2b-stream live writes the unban on time with no input arriving", async () => {
  const running = start("f2b-stream", [...rules, "--set", "app.bantime=2s", "--set", "app.maxretry=1"]);
  running.write(failure("192.0.2.1"));
  await running.until(({ stdout }) => stdout.includes('"cmd":"unban"'));
  const late = Date.now() - Date.parse(/"until":"([^"]+)"/.exec(running.stdout())?.[1] ?? "");
  assert.ok(late >= 0, `unban came ${-late} ms before its time`);
  running.child.stdin?.end();
  assert.equal((await running.ended).status, 0);
});

test("f2b-stream ends with 0 at SIGTERM and writes what it has", async () => {
  const running = start("f2b-stream", rules);
  running.write(failure("192.0.2.1").repeat(3));
  await running.until(({ stdout }) => stdout.includes('"cmd":"ban"'));
  running.write("2026-11-21T10:00:00Z web1 app[7]: login failed from 192.0.2.2");
  running.child.kill("SIGTERM");
  const { status, stderr } = await running.ended;
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

test("f2b-stream leaves quietly with 141 when the reader is gone", async () => {
  const running = start("f2b-stream", [...rules, "--set", "app.maxretry=1"]);
  running.child.stdout?.destroy();
  running.write(failure("192.0.2.1"));
  running.write(failure("192.0.2.2"));
  const { status, stderr } = await running.ended;
  assert.deepEqual({ status, stderr }, { status: 141, stderr: "" });
});

test("f2b-stream finds by its heartbeat that the reader is gone", async () => {
  const running = start("f2b-stream", [...rules, "--heartbeat", "1"]);
  await running.until(({ stdout }) => stdout === "\n");
  running.child.stdout?.destroy();
  assert.equal((await running.ended).status, 141);
});

test("f2b-stream tells that no input came, once, until some comes", async () => {
  const running = start("f2b-stream", [...rules, "--silence", "1", "--stats"]);
  await running.until(({ stderr }) => stderr.includes("warning: no input for 1 s"));
  running.write(failure("192.0.2.1"));
  running.child.stdin?.end();
  const { status, stderr } = await running.ended;
  assert.equal(status, 0);
  assert.match(stderr, /^f2b-stream: alerts: silence 1$/m);
});

test("f2b-stream reads no more than its reader takes", async () => {
  const running = start("f2b-stream", [...rules, "--set", "app.maxretry=1"]);
  running.child.stdout?.pause();
  const chunk = Array.from({ length: 1000 }, (_, i) => failure(`192.0.2.${i % 250}`)).join("");
  const stdin = running.child.stdin;
  assert.ok(stdin);
  let written = 0;
  for (; written < 400 && stdin.writableLength < 1 << 20; written++) {
    stdin.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(written < 400, "the pipe filled up");
  running.child.stdout?.resume();
  stdin.end();
  const { status, stdout } = await running.ended;
  assert.equal(status, 0);
  assert.equal(
    stdout
      .trimEnd()
      .split("\n")
      .filter((line) => line !== "").length >=
      written * 1000,
    true,
    "nothing was lost",
  );
});

/** One failure that brings a ban unless a command, which takes so many seconds, answers yes. */
function asking(seconds: number): Promise<Ended> {
  const command = `app.ignorecommand=[sh, -c, "sleep ${seconds}; exit 1"]`;
  const args = [...rules, "--set", "app.maxretry=1", "--set", command];
  return runProgram("f2b-stream", args, failure("192.0.2.1"));
}

test("f2b-stream waits at the end of its input for answers about the last lines", async () => {
  const { status, stdout, stderr } = await asking(0.2);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.match(stdout, /^\{"cmd":"ban","jail":"app","ip":"192\.0\.2\.1"[^\n]*\n$/);
});

test("f2b-stream waits five seconds for them, and tells what it could not find out", async () => {
  const { status, stdout, stderr } = await asking(5.5);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: "" });
  assert.equal(
    stderr,
    "f2b-stream: warning: 1 failure at the end of the log not counted: a lookup took too long\n",
  );
});

test("f2b-stream ends with 78 when all enabled jails were left out, and keeps the old ones at SIGHUP", async () => {
  const folder = new RulesFolder();
  const jail = (filter: string) => `[a]\nenabled = true\nfilter = ${filter}\naction = iptables\n`;
  const write = (filter: string) => folder.write("jail.conf", jail(filter));
  const path = dirname(write("none"));
  mkdirSync(folder.path("filter.d"));
  folder.write("filter.d/f.conf", "[Definition]\nfailregex = ^from <HOST>$\n");
  folder.write("filter.d/wrong.conf", "[Definition]\nfailregex = ^from (<HOST>$\n");
  try {
    for (const filter of ["none", "wrong"]) {
      write(filter);
      for (const args of [[], ["--check"]]) {
        const { status, stderr } = await runProgram("f2b-stream", ["-r", path, ...args], "");
        assert.match(stderr, /warning: jail a: left out: /);
        assert.match(stderr, /error: .*: 1 jail is enabled and was left out\n/);
        assert.doesNotMatch(stderr, /no jail is enabled/);
        assert.equal(status, 78);
      }
    }
    write("f");
    const running = start("f2b-stream", ["-r", path, "--set", "a.maxretry=1"]);
    running.write("from 192.0.2.1\n");
    await running.until(({ stdout }) => stdout.includes('"cmd":"ban"'));
    write("wrong");
    running.child.kill("SIGHUP");
    await running.until(({ stderr }) => stderr.includes("reload failed, keeping the previous rules"));
    running.child.stdin?.end();
    assert.equal((await running.ended).status, 0);
  } finally {
    folder.remove();
  }
});

test("f2b-stream reads the rules again at SIGHUP and keeps the old ones when they are broken", async () => {
  const running = start("f2b-stream", rules);
  running.write(failure("192.0.2.1").repeat(3));
  await running.until(({ stdout }) => stdout.includes('"cmd":"ban"'));
  running.child.kill("SIGHUP");
  await running.until(({ stdout }) => stdout.includes('"phase":"end"'));
  assert.match(
    running.stdout(),
    /"cmd":"sync".*"phase":"begin","jails":\["app","app-again"\]}\n.*"repeat":true}\n.*"phase":"end"/s,
  );
  running.child.stdin?.end();
  assert.equal((await running.ended).status, 0);
});

/** Sets a program's clock an hour forwards at SIGUSR2: the machine's own can't be set for a test. */
const CLOCK_SET = `
  const { now } = Date;
  let ahead = 0;
  Date.now = () => now() + ahead;
  process.on("SIGUSR2", () => { ahead += 3_600_000; process.stderr.write("set\\n"); });`;

test("f2b-stream tells that the clock was set, ends what has ended by it, and syncs", async () => {
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(CLOCK_SET)}` };
  const running = start("f2b-stream", rules, env);
  running.write(failure("192.0.2.1").repeat(3));
  await running.until(({ stdout }) => stdout.includes('"cmd":"ban"'));
  running.child.kill("SIGUSR2");
  await running.until(({ stderr }) => stderr.includes("set\n"));
  running.write(failure("192.0.2.2", -3_600_000));
  await running.until(({ stdout }) => stdout.includes('"phase":"end"'));
  assert.match(running.stdout(), /"cmd":"ban".*\n.*"cmd":"unban".*\n.*"phase":"begin".*\n.*"phase":"end"/);
  assert.match(running.stderr(), /^f2b-stream: warning: wall clock jumped by \+3600 s$/m);
  running.child.stdin?.end();
  assert.equal((await running.ended).status, 0);
});

test("f2b-stream drops 10 MB without a newline, says so once and goes on", async () => {
  const input = Buffer.concat([
    Buffer.alloc(10_000_000, 0x61),
    Buffer.from(`\n${failure("192.0.2.1").repeat(3)}`),
  ]);
  const { status, stdout, stderr } = await runProgram("f2b-stream", rules, input);
  assert.equal(status, 0);
  assert.equal(stderr, "f2b-stream: warning: dropped a line longer than 163840 bytes\n");
  assert.match(stdout, /"cmd":"ban"/);
});

test("f2b-stream gives up a line that would take for ever, tells, counts, and goes on", async () => {
  const folder = new RulesFolder();
  const path = folder.write(
    "slow.yaml",
    `jails:
  app:
    identifier: app
    failregex:
      - '^login (?P<name>(?:a|a)*)(?!b) refused for <ADDR>$'
      - '^login (?:\\w+ )?failed from <ADDR>$'
    maxretry: 3
    ignoreself: false
`,
  );
  const line = failure("203.0.113.9").replace("failed from", `${"a".repeat(65_400)}! refused for`);
  assert.ok(line.length > 65_400 && line.length <= 65_536);
  const args = ["-r", path, "--replay", "--stats"];
  const { status, stdout, stderr } = await runProgram(
    "f2b-stream",
    args,
    `${failure("192.0.2.1")}${line}${failure("192.0.2.1")}${line}${failure("192.0.2.1")}`,
  );
  folder.remove();
  assert.equal(status, 0);
  assert.match(stdout, /^\{"cmd":"ban","jail":"app","ip":"192\.0\.2\.1",.*"failures":3,/);
  assert.doesNotMatch(stdout, /203\.0\.113\.9/);
  const told = /^f2b-stream: warning: \[app\] gave up a line that took too long to match: .+$/gm;
  assert.equal(stderr.match(told)?.length, 1, stderr);
  assert.match(stderr, /, 0 overlong lines dropped, 2 searches given up, /);
});

test("f2b-stream --replay gives the same bytes twice", async () => {
  const log = readFileSync(`${ROOT}examples/mixed.log`);
  const args = [
    "-r",
    "sshd",
    "-r",
    "postfix",
    "-r",
    "sendmail",
    "-r",
    "dovecot",
    "-r",
    "recidive",
    "--replay",
    "--now",
    "2026-11-22",
  ];
  const digest = async () => {
    const { status, stdout } = await runProgram("f2b-stream", args, log);
    assert.equal(status, 0);
    assert.match(stdout, /"cmd":"ban".*"cmd":"unban"/s);
    return createHash("sha256").update(stdout).digest("hex");
  };
  assert.equal(await digest(), await digest());
});

test("f2b-stream refuses a folder as its input", () => {
  const { status, stderr } = spawnSync(
    "sh",
    ["-c", 'exec "$0" "$1" -r sshd < .', process.execPath, program("f2b-stream")],
    {
      cwd: ROOT,
      encoding: "utf8",
    },
  );
  assert.equal(status, 74);
  assert.match(stderr, /^f2b-stream: error: stdin: /);
});

const usage: readonly { name: string; args: string[]; status: number; told: RegExp }[] = [
  {
    name: "an operand",
    args: ["x.log"],
    status: 64,
    told: /error: unexpected "x.log": log lines are read from stdin/,
  },
  {
    name: "a zone that is none",
    args: ["-r", "sshd", "--tz", "Mars/Olympus"],
    status: 64,
    told: /error: option --tz: unknown time zone/,
  },
  {
    name: "a format that is none",
    args: ["-r", "sshd", "--format", "xml"],
    status: 64,
    told: /error: option --format: expected one of auto, journal/,
  },
  {
    name: "a number out of range",
    args: ["--max-line", "1"],
    status: 64,
    told: /error: option --max-line: expected a whole number from 64/,
  },
  {
    name: "an option without its value",
    args: ["-r"],
    status: 64,
    told: /error: option --rules needs a value/,
  },
  {
    name: "--now without --replay",
    args: ["-r", "sshd", "--now", "@0"],
    status: 64,
    told: /error: option --now needs --replay/,
  },
  {
    name: "a time that is none",
    args: ["-r", "sshd", "--replay", "--now", "noon"],
    status: 64,
    told: /error: option --now: expected a time/,
  },
  {
    name: "--set of a jail that is not there",
    args: ["-r", "sshd", "--set", "sssd.maxretry=1"],
    status: 78,
    told: /error: --set/,
  },
  {
    name: "a file that is not there",
    args: ["-r", "./nowhere.yaml"],
    status: 78,
    told: /error: .*nowhere\.yaml/,
  },
];

for (const { name, args, status, told } of usage) {
  test(`f2b-stream refuses ${name}`, async () => {
    const ended = await runProgram("f2b-stream", args);
    assert.equal(ended.status, status, ended.stderr);
    assert.match(ended.stderr, told);
    assert.equal(ended.stdout, "");
  });
}

test("f2b-stream --help fits a screen and ends in an example; --version tells the version", async () => {
  const help = await runProgram("f2b-stream", ["--help"]);
  assert.equal(help.status, 0);
  assert.ok(help.stdout.split("\n").length <= 36, "at most 35 lines");
  assert.match(help.stdout, /\| f2b-stream -r sshd \| f2b-exec\n$/);
  const version = await runProgram("f2b-stream", ["--version"]);
  assert.match(version.stdout, /^f2b-stream \d+\.\d+\.\d+\n$/);
});
