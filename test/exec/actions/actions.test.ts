import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Report } from "../../../src/cli/report.ts";
import { Actions } from "../../../src/exec/actions/actions.ts";
import type { EnforcedJail } from "../../../src/exec/kernel/backend.ts";
import { type Run, run } from "../../../src/exec/kernel/run-command.ts";
import type { ActionSpec } from "../../../src/exec/settings/settings.ts";
import type { EnforcedBan, EnforcedUnban } from "../../../src/protocol/command.ts";

const jail: EnforcedJail = { name: "smtp", ports: [], protocols: [], chains: [], blocktype: "drop" };
const ban = (ip: string): EnforcedBan => ({ cmd: "ban", jail: "smtp", ip, time: 0, until: null });
const unban = (ip: string): EnforcedUnban => ({ cmd: "unban", jail: "smtp", ip, time: 0 });

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "f2b-actions-"));
});
after(() => rmSync(folder, { recursive: true }));

function setUp(specs: readonly ActionSpec[], runner: Run = run, maxWaiting?: number) {
  const told: string[] = [];
  const report = new Report("f2b-exec", (line) => told.push(line.trimEnd()));
  const actions = new Actions({
    actionsOf: () => specs,
    run: runner,
    report,
    ...(maxWaiting && { maxWaiting }),
  });
  return { actions, told };
}

/** A runner whose commands end when the test lets them. */
function heldRunner() {
  const started: string[] = [];
  const endings: (() => void)[] = [];
  const runner: Run = (argv) => {
    started.push(argv.join(" "));
    return new Promise((resolve) => endings.push(() => resolve({ status: 0, stdout: "", stderr: "" })));
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const endFirst = async () => {
    endings.shift()?.();
    await turn();
  };
  return { runner, started, turn, endFirst };
}

test("Actions give a command its arguments as they are, the whole ban on stdin, and a bare environment", async () => {
  const file = join(folder, "seen");
  const script = `printf '%s|' "$@" > ${file}; cat >> ${file}; env | cut -d= -f1 | sort >> ${file}`;
  const { actions, told } = setUp([
    { actionban: ["sh", "-c", script, "sh", "ALERT <ip> $(id); x", "<bantime>"] },
  ]);
  actions.add({ ...ban("192.0.2.7"), matches: ["it's $(evil)"] }, jail);
  await actions.idle();
  assert.deepEqual(told, []);
  const [first, ...names] = readFileSync(file, "utf8").trimEnd().split("\n");
  assert.equal(
    first,
    `ALERT 192.0.2.7 $(id); x|-1|{"cmd":"ban","jail":"smtp","ip":"192.0.2.7","time":"1970-01-01T00:00:00.000Z","until":null,"matches":["it's $(evil)"]}`,
  );
  assert.deepEqual(
    names.filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name)),
    ["LC_ALL", "PATH"],
  );
});

test("Actions report a failure with status and stderr, made safe for a terminal", async () => {
  const { actions, told } = setUp([
    { name: "mail", actionban: ["sh", "-c", "printf 'no \\033[2J way' >&2; exit 3"] },
    { actionban: ["/nonexistent/tool"] },
  ]);
  actions.add(ban("192.0.2.7"), jail);
  await actions.idle();
  assert.deepEqual(told, [
    "f2b-exec: error: [smtp] actionban of mail: exit status 3: no \\x1b[2J way",
    "f2b-exec: error: [smtp] actionban of /nonexistent/tool: ENOENT",
  ]);
});

test("Actions do not wait for what an action leaves running", async () => {
  const { actions, told } = setUp([{ actionban: ["sh", "-c", "sleep 60 & echo $! >&2; exit 1"] }]);
  actions.add(ban("192.0.2.7"), jail);
  await actions.idle();
  const pid = Number(/exit status 1: (\d+)$/.exec(told[0] ?? "")?.[1]);
  process.kill(pid, "SIGKILL");
});

test("run kills a command that takes too long, with its children", async () => {
  const ran = await run(["sh", "-c", "sleep 60; true"], { timeout: 50, maxStdout: 1000 });
  assert.equal(ran.failure, "timed out after 0.05 s");
  assert.equal(ran.status, null);
});

test("run keeps no more of stdout than allowed", async () => {
  const ran = await run(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"], {
    timeout: 10_000,
    maxStdout: 1000,
  });
  assert.deepEqual([ran.status, ran.stdout], [0, "x".repeat(1000)]);
});

test("Actions run four commands at a time, those of one address one after the other", async () => {
  const { runner, started, endFirst, turn } = heldRunner();
  const { actions } = setUp([{ actionban: ["do", "<ip>"], actionunban: ["undo", "<ip>"] }], runner);
  actions.add(ban("192.0.2.1"), jail);
  actions.add(unban("192.0.2.1"), jail);
  for (const last of [2, 3, 4, 5]) actions.add(ban(`192.0.2.${last}`), jail);
  await turn();
  assert.deepEqual(started, ["do 192.0.2.1", "do 192.0.2.2", "do 192.0.2.3", "do 192.0.2.4"]);
  await endFirst();
  await endFirst();
  assert.deepEqual(started.slice(4), ["do 192.0.2.5", "undo 192.0.2.1"]);
});

test("Actions run actionstart once, before the jail's first actionban", async () => {
  const { runner, started, endFirst, turn } = heldRunner();
  const { actions } = setUp([{ actionstart: ["start", "<name>"], actionban: ["do", "<ip>"] }], runner);
  actions.add(ban("192.0.2.1"), jail);
  actions.add(ban("192.0.2.2"), jail);
  await turn();
  assert.deepEqual(started, ["start smtp"]);
  await endFirst();
  assert.deepEqual(started, ["start smtp", "do 192.0.2.1", "do 192.0.2.2"]);
});

test("Actions drop commands beyond the bound, and report and count them", async () => {
  const { runner, turn } = heldRunner();
  const { actions, told } = setUp([{ actionban: ["do", "<ip>"] }], runner, 2);
  for (let last = 1; last <= 10; last++) actions.add(ban(`192.0.2.${last}`), jail);
  await turn();
  assert.equal(actions.dropped, 4);
  assert.deepEqual(told, [
    "f2b-exec: warning: more than 2 commands wait for their actions: dropped the actions of a command",
  ]);
  assert.equal(actions.abandon(), 2);
});

test("Actions with <ip> are not run for an id, which is reported", async () => {
  const { actions, told } = setUp([{ actionban: ["false", "<ip>"] }, { name: "b", actionban: ["false"] }]);
  actions.add({ cmd: "ban", jail: "smtp", id: "joe", time: 0, until: null }, jail);
  await actions.idle();
  assert.deepEqual(told, [
    "f2b-exec: warning: [smtp] actionban of false: not run, since an id has no <ip>",
    "f2b-exec: error: [smtp] actionban of b: exit status 1",
  ]);
});

test("Actions check before each ban, and restart an action whose check fails", async () => {
  const ran: string[] = [];
  let isGone = false;
  const runner: Run = async (argv) => {
    ran.push(argv.join(" "));
    return { status: argv[0] === "check" && isGone ? 1 : 0, stdout: "", stderr: "" };
  };
  const spec = {
    ...{ actionstart: ["start"], actionstop: ["stop"], actioncheck: ["check"], actionban: ["ban", "<ip>"] },
  };
  const { actions, told } = setUp([spec], runner);
  actions.add(ban("192.0.2.7"), jail);
  await actions.idle();
  isGone = true;
  actions.add(ban("192.0.2.8"), jail);
  await actions.idle();
  assert.deepEqual(ran, ["start", "check", "ban 192.0.2.7", "check", "stop", "start", "ban 192.0.2.8"]);
  assert.deepEqual(told, ["f2b-exec: warning: [smtp] actioncheck of check failed: restarting the action"]);
});

test("Actions with norestored skip restored bans, and their end", async () => {
  const ran: string[] = [];
  const runner: Run = async (argv) => {
    ran.push(argv.join(" "));
    return { status: 0, stdout: "", stderr: "" };
  };
  const mail = { actionban: ["mail", "<ip>"], actionunban: ["unmail", "<ip>"], norestored: true };
  const file = { actionban: ["file", "<ip>"], actionunban: ["unfile", "<ip>"] };
  const { actions } = setUp([mail, file], runner);
  actions.add({ ...ban("192.0.2.7"), restored: true }, jail);
  actions.add(unban("192.0.2.7"), jail);
  actions.add(ban("192.0.2.7"), jail);
  actions.add(unban("192.0.2.7"), jail);
  await actions.idle();
  const restored = ["file 192.0.2.7", "unfile 192.0.2.7"];
  const fresh = ["mail 192.0.2.7", "file 192.0.2.7", "unmail 192.0.2.7", "unfile 192.0.2.7"];
  assert.deepEqual(ran, [...restored, ...fresh]);
});

test("Actions give a command the time that its timeout allows", async () => {
  const { actions, told } = setUp([{ actionban: ["sleep", "60"], timeout: 1 }]);
  actions.add(ban("192.0.2.7"), jail);
  await actions.idle();
  assert.deepEqual(told, ["f2b-exec: error: [smtp] actionban of sleep: timed out after 1 s"]);
});

const UNSTARTABLE: readonly (readonly [name: string, argv: readonly string[], failure: RegExp])[] = [
  ["that is not there", ["/nowhere"], /^ENOENT$/],
  ["below a file", ["/etc/passwd/x"], /^ENOTDIR$/],
  ["that is a folder", ["/"], /^EACCES$/],
  ["whose name is too long", [`/${"x".repeat(300)}`], /^ENAMETOOLONG$/],
  ["with an argument that is too long", ["true", "x".repeat(3_000_000)], /^E2BIG$/],
  ["with a NUL", ["true", "a\0b"], /^ERR_INVALID_ARG_VALUE$/],
  ["without a name", [""], /^ERR_INVALID_ARG_VALUE$/],
];

for (const [name, argv, failure] of UNSTARTABLE) {
  test(`run never rejects: a command ${name}`, async () => {
    const ran = await run(argv, { timeout: 5000, maxStdout: 0 });
    assert.equal(ran.status, null);
    assert.match(ran.failure ?? "", failure);
  });
}
