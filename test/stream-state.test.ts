import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Ban, encode, type Unban } from "../src/protocol/command.ts";
import { encodeHeader } from "../src/stream/state/header.ts";
import { eventually } from "./helpers/eventually.ts";
import { newFolder } from "./helpers/folder.ts";
import { runProgram, start } from "./helpers/program.ts";
import { ROOT } from "./helpers/root.ts";
import { ban, linesOf, unban } from "./helpers/state.ts";

const minute = 60_000;
const rules = ["-r", `${ROOT}test/fixtures/rules/app.yaml`];

/** The arguments for a state in a folder of its own, and its path. */
function newState(t: TestContext): { path: string; args: string[] } {
  const path = join(newFolder(t), "state");
  return { path, args: [...rules, "--state", path] };
}

/** A state that an earlier run left. */
function leave(path: string, decisions: readonly (Ban | Unban)[], seen = Date.now()): void {
  writeFileSync(path, encodeHeader({ seen, isWhole: true }) + decisions.map(encode).join(""));
}

function failure(address: string, time = Date.now()): string {
  return `${new Date(time).toISOString()} web1 app[7]: login failed from ${address}\n`;
}

/** What was written, in short. */
function commands(stdout: string): string[] {
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const { cmd, phase, jail, ip, reason, restored, repeat } = JSON.parse(line) as Record<string, string>;
      return [cmd, phase, jail, ip, reason, restored && "restored", repeat && "repeat"]
        .filter(Boolean)
        .join(" ");
    });
}

const app = (last: number, settings: Partial<Ban> = {}) =>
  ban(last, {
    jail: "app",
    time: Date.now() - minute,
    until: Date.now() + 9 * minute,
    bancount: 1,
    ...settings,
  });

test("f2b-stream --state begins with bans that ended meanwhile or have no jail any more, then a sync of the rest", async (t) => {
  const { path, args } = newState(t);
  const ended = app(1, { time: Date.now() - 20 * minute, until: Date.now() - 10 * minute });
  const shadow = app(4, { cmd: "would-ban", jail: "app-watch" });
  const turned = app(5, { jail: "app-watch" });
  leave(path, [
    ended,
    app(2, { jail: "gone" }),
    app(3, { matches: ["a line"] }),
    shadow,
    turned,
    app(6),
    unban(6, { jail: "app", time: Date.now() }),
  ]);
  const { status, stdout, stderr } = await runProgram("f2b-stream", args);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(commands(stdout), [
    "unban app 192.0.2.1 expired",
    "unban gone 192.0.2.2 reload",
    "unban app-watch 192.0.2.5 reload",
    "sync begin",
    "ban app 192.0.2.3 restored",
    "sync end",
  ]);
  const [first = ""] = stdout.split("\n");
  assert.equal(JSON.parse(first).time, new Date(ended.until ?? 0).toISOString(), "at its end");
  assert.match(
    stdout,
    /"192\.0\.2\.3".*"port":\[80,443\].*"matches":\["a line"\]/,
    "ports are the jail's now",
  );
  for (const line of stdout.split("\n").slice(0, 3))
    assert.ok(linesOf(path).includes(line), "unbans are in the state");
});

test("f2b-stream --state: a new state is empty and sends no sync", async (t) => {
  const { path, args } = newState(t);
  assert.equal((await runProgram("f2b-stream", args)).stdout, "");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(commands((await runProgram("f2b-stream", args)).stdout), ["sync begin", "sync end"]);
});

test("f2b-stream --state has a command before stdout has it", async (t) => {
  const { path, args } = newState(t);
  const running = start("f2b-stream", args);
  await eventually(() => existsSync(path));
  running.child.stdout?.pause();
  for (let last = 1; last <= 30; last++) running.write(failure(`192.0.2.${last}`).repeat(3));
  const bans = () => linesOf(path).filter((line) => line.startsWith('{"cmd":"ban"')).length;
  await eventually(() => bans() === 30);
  assert.equal(running.stdout(), "");
  running.child.kill("SIGKILL");
  await running.ended;
  const { stdout } = await runProgram("f2b-stream", args);
  assert.equal(commands(stdout).filter((each) => each.endsWith("restored")).length, 30);
});

test("f2b-stream --state remembers over a restart who was banned before, and how often", async (t) => {
  const { path, args } = newState(t);
  const ago = (minutes: number) => Date.now() - minutes * minute;
  leave(path, [
    app(1, { time: ago(20), until: ago(10), bancount: 3 }),
    unban(1, { jail: "app", time: ago(10), reason: "expired" }),
  ]);
  const set = ["--set", "app.escalation={increment: true}"];
  const { stdout } = await runProgram("f2b-stream", [...args, ...set], failure("192.0.2.1").repeat(3));
  assert.match(stdout, /"cmd":"ban","jail":"app".*"bancount":4/);
});

test("f2b-stream --state counts bans from before a restart where bans are counted", async (t) => {
  const { args } = newState(t);
  const set = ["--set", "app.bantime=30s", "--set", "app-watch.enabled=false"];
  const first = await runProgram(
    "f2b-stream",
    [...args, ...set],
    failure("192.0.2.1", Date.now() - 2 * minute).repeat(3),
  );
  assert.deepEqual(commands(first.stdout), [], "ended before it was found");
  const second = await runProgram("f2b-stream", [...args, ...set], failure("192.0.2.1").repeat(3));
  assert.deepEqual(commands(second.stdout), [
    "sync begin",
    "sync end",
    "ban app 192.0.2.1",
    "ban app-again 192.0.2.1",
  ]);
});

test("f2b-stream --state writes a ban that is due when the state ends between it and the ban that led to it", async (t) => {
  const { path, args } = newState(t);
  leave(path, [
    app(1),
    unban(1, { jail: "app", time: Date.now() - minute }),
    app(1, { time: Date.now() - 1000 }),
  ]);
  const { stdout } = await runProgram("f2b-stream", args);
  assert.deepEqual(commands(stdout), [
    "sync begin",
    "ban app 192.0.2.1 restored",
    "sync end",
    "ban app-again 192.0.2.1",
  ]);
});

test("f2b-stream --state reads a log again and changes nothing", async (t) => {
  const { path, args } = newState(t);
  const now = Date.now();
  const log = [1, 1, 1, 2, 2].map((last, index) => failure(`192.0.2.${last}`, now - 5000 + index)).join("");
  await runProgram("f2b-stream", args, log);
  const before = linesOf(path);
  const again = await runProgram("f2b-stream", [...args, "--stats"], log);
  assert.deepEqual(linesOf(path), before);
  assert.match(again.stderr, /state: [1-9]\d* failures not counted again, 0 writes failed/);
  const third = await runProgram("f2b-stream", args, log + failure("192.0.2.2"));
  assert.match(
    third.stdout,
    /"cmd":"ban","jail":"app","ip":"192\.0\.2\.2"/,
    "what was counted is counted again",
  );
});

test("f2b-stream --state ignores an unfinished line from a pipe, which is read again", async (t) => {
  const { args } = newState(t);
  const torn = failure("192.0.2.1").repeat(3).slice(0, -1);
  assert.doesNotMatch((await runProgram("f2b-stream", args, torn)).stdout, /"cmd":"ban"/);
  assert.match(
    (await runProgram("f2b-stream", rules, torn)).stdout,
    /"cmd":"ban"/,
    "without a state it is taken",
  );
});

test("f2b-stream --state is refused while another f2b-stream has it; --resume is not", async (t) => {
  const { path, args } = newState(t);
  const running = start("f2b-stream", args);
  await eventually(() => existsSync(path) && statSync(path).size > 0);
  const second = await runProgram("f2b-stream", args);
  const told = `f2b-stream: error: state ${path}: another f2b-stream uses it\n`;
  assert.deepEqual([second.status, second.stdout, second.stderr], [75, "", told]);
  assert.equal((await runProgram("f2b-stream", [...args, "--resume"])).status, 0);
  running.child.kill("SIGKILL");
  await running.ended;
  assert.equal((await runProgram("f2b-stream", args)).status, 0);
});

test("f2b-stream --state refuses a file that is not a state, and leaves it as it is", async (t) => {
  const { path, args } = newState(t);
  writeFileSync(path, "precious\n");
  const { status, stderr } = await runProgram("f2b-stream", args);
  assert.deepEqual(
    [status, stderr],
    [78, `f2b-stream: error: state ${path}: is not a state of f2b-stream\n`],
  );
  assert.equal(readFileSync(path, "utf8"), "precious\n");
  const missing = await runProgram("f2b-stream", [...rules, "--state", `${path}/none`]);
  assert.equal(missing.status, 74);
  assert.match(missing.stderr, /error: state \S+: ENOTDIR/);
});

const reaches: readonly { name: string; rules: readonly string[]; seconds: number }[] = [
  {
    name: "the longest findtime of jails that count lines, and a minute",
    rules: [...rules, "--set", "app-watch.findtime=20m"],
    seconds: 1260,
  },
  {
    name: "five minutes more where lines are joined by session",
    rules: ["-r", "sshd", "--set", "sshd.findtime=10m"],
    seconds: 960,
  },
];

for (const { name, rules, seconds } of reaches) {
  test(`f2b-stream --resume goes back by ${name}`, async (t) => {
    const path = join(newFolder(t), "state");
    const args = [...rules, "--state", path, "--resume"];
    const before = Math.floor(Date.now() / 1000) - seconds;
    const nothing = Number(/^@(\d+)\n$/.exec((await runProgram("f2b-stream", args)).stdout)?.[1]);
    assert.ok(nothing >= before && nothing <= before + 30, "nothing is known: from now");
    assert.equal(existsSync(path), false);
    leave(path, [], Date.UTC(2026, 10, 21, 12, 0, 0, 999));
    const { status, stdout, stderr } = await runProgram("f2b-stream", args);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal(stdout, `@${Date.UTC(2026, 10, 21, 12) / 1000 - seconds}\n`);
  });
}

test("f2b-stream --resume goes back from now when the state is ahead of the clock", async (t) => {
  const { path, args } = newState(t);
  leave(path, [], Date.now() + 1e9);
  const { stdout } = await runProgram("f2b-stream", [...args, "--resume"]);
  assert.ok(Number(stdout.slice(1)) <= Date.now() / 1000);
});

const usage: readonly { name: string; args: string[]; told: RegExp }[] = [
  {
    name: "--state with --replay",
    args: ["--state", "S", "--replay"],
    told: /error: option --state excludes --replay/,
  },
  { name: "--resume without --state", args: ["--resume"], told: /error: option --resume needs --state/ },
];

for (const { name, args, told } of usage) {
  test(`f2b-stream refuses ${name}`, async () => {
    const { status, stderr } = await runProgram("f2b-stream", [...rules, ...args]);
    assert.equal(status, 64);
    assert.match(stderr, told);
  });
}
