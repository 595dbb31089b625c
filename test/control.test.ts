import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { decode } from "../src/protocol/command.ts";
import { SocketFolder, Talk, talk } from "./helpers/control.ts";
import { answersInManual } from "./helpers/manual-answers.ts";
import { program, runProgram, start } from "./helpers/program.ts";
import { ROOT } from "./helpers/root.ts";
import { type Answer, RULES, Steered } from "./helpers/steered.ts";

const OK = { ok: true };

let steered: Steered | undefined;

/** Starts what is ended after the test. */
async function steer(rules = RULES, ...args: string[]): Promise<Steered> {
  steered = await Steered.start(rules, ...args);
  return steered;
}

afterEach(async () => {
  await steered?.stop();
  steered = undefined;
});

test("f2b-stream --control shows the socket first with mode 0600, whatever the umask", async () => {
  const folder = new SocketFolder();
  const argv = [process.execPath, program("f2b-stream"), "-r", "sshd", "--control", folder.path()];
  const child = spawn("sh", ["-c", 'umask 0; exec "$@"', "sh", ...argv], { cwd: ROOT });
  try {
    while (!existsSync(folder.path())) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(lstatSync(folder.path()).mode & 0o777, 0o600);
    assert.deepEqual((await talk(folder.path(), '{"do":"ping"}\n')).at(-1), OK);
  } finally {
    child.kill("SIGKILL");
    folder.remove();
  }
});

test("f2b-stream --control ends with its input, whoever is connected, and takes the socket away", async () => {
  const { path, running } = await steer();
  const [silent, reading] = [new Talk(path), new Talk(path)];
  reading.socket.write('{"do":"ping"}\n');
  await reading.until(2);
  running.child.stdin?.end();
  assert.equal((await running.ended).status, 0);
  await Promise.all([silent.ended, reading.ended]);
  assert.deepEqual(readdirSync(dirname(path)), ["rules.yaml"]);
});

test("f2b-stream --control replaces a socket that was left behind, and takes its own away at SIGTERM", async () => {
  const { path, running } = await steer();
  running.child.kill("SIGKILL");
  await running.ended;
  assert.equal(existsSync(path), true);
  const next = start("f2b-stream", ["-r", "sshd", "--control", path]);
  while ((await talk(path, '{"do":"ping"}\n')).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  next.child.kill("SIGTERM");
  assert.deepEqual(await next.ended, { status: 0, signal: null, stdout: "", stderr: "" });
  assert.equal(existsSync(path), false);
});

test("f2b-stream --control is refused where another listens, which goes on", async () => {
  const { path, ask } = await steer().then((each) => ({ path: each.path, ask: each.ask.bind(each) }));
  assert.deepEqual(await runProgram("f2b-stream", ["-r", "sshd", "--control", path]), {
    status: 69,
    signal: null,
    stdout: "",
    stderr:
      `f2b-stream: error: --control: ${path}: another f2b-stream listens there\n` +
      "f2b-stream: hint: each f2b-stream needs a --control of its own\n",
  });
  assert.deepEqual((await ask({ do: "ping" })).at(-1), OK);
});

const impossible: readonly { name: string; name_: string; told: RegExp }[] = [
  { name: "a file", name_: "file", told: /error: --control: \S+: exists and is not a socket\n$/ },
  {
    name: "a folder that is not there",
    name_: "missing/control",
    told: /no such folder: \S+\/missing\n.*hint: create it/,
  },
  {
    name: "a path that is too long",
    name_: "x".repeat(108),
    told: /error: --control: \S+: the path is \d+ bytes long, at most 107 are allowed\n$/,
  },
];

for (const { name, name_, told } of impossible) {
  test(`f2b-stream --control is refused with ${name}`, async () => {
    const folder = new SocketFolder();
    writeFileSync(folder.path("file"), "kept");
    const { status, stderr } = await runProgram("f2b-stream", [
      "-r",
      "sshd",
      "--control",
      folder.path(name_),
    ]);
    assert.equal(status, 69);
    assert.match(stderr, told);
    assert.deepEqual(readdirSync(folder.path("")), ["file"]);
    folder.remove();
  });
}

test("f2b-stream --control is refused with --replay", async () => {
  const { status, stderr } = await runProgram("f2b-stream", ["-r", "sshd", "--replay", "--control", "/x"]);
  assert.equal(status, 64);
  assert.match(stderr, /error: option --control excludes --replay/);
});

/** An answer with times and numbers of this run and machine made the same for all. */
function steady(answer: Answer): Answer {
  const text = JSON.stringify(answer, (key, value: unknown) => {
    if (typeof value === "number" && ["pid", "memory", "bytes"].includes(key)) return "number";
    if (key === "file" || key === "version") return key;
    return value;
  });
  return JSON.parse(text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME"));
}

describe("answers about what has happened", () => {
  let shared: Steered;
  before(async () => {
    shared = await Steered.start();
    await shared.fail(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.200"]);
    await shared.fail(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "alice"]);
  });
  after(() => shared.stop());

  const rule = { file: "file", line: 3, column: 3 };
  const app = { jail: "app", mode: "enforce", on: "log", failures: 10, ignored: 1 };
  const appCounts = { ...app, bans: 1, unbans: 0, repeats: 1, banned: 1, addresses: 3, evicted: 0 };
  const again = { jail: "again", mode: "enforce", on: "ban", failures: 1, ignored: 0 };
  const againCounts = { ...again, bans: 0, unbans: 0, repeats: 0, banned: 0, addresses: 1, evicted: 0 };
  const ban = {
    cmd: "ban",
    jail: "app",
    ip: "192.0.2.1",
    time: "TIME",
    until: "TIME",
    port: [80, 443],
    protocol: ["tcp"],
    failures: 3,
    bancount: 1,
  };
  const line = (name: string) => `TIME web1 app[7]: login failed ${name}`;
  const inApp = { mode: "enforce", rule, maxretry: 3, findtime: 600, ignored: null };
  const nothing = { ban: null, repeats: 0, repeated: null, failures: [], forgotten: null, matches: [] };
  const never = { bancount: 0, remembered: null, next: 600 };

  const answers: readonly { request: object; answer: Answer }[] = [
    { request: { do: "ping" }, answer: [{ version: "version", pid: "number" }] },
    {
      request: { do: "status" },
      answer: [
        {
          version: "version",
          pid: "number",
          started: "TIME",
          now: "TIME",
          format: "syslog",
          source: null,
          bytes: "number",
          lastinput: "TIME",
          blind: [],
          overlong: 0,
          givenup: 0,
          nobody: 0,
          ended: 0,
          full: 0,
          evicted: 0,
          warnings: 1,
          memory: "number",
          banned: 1,
          jails: [appCounts, againCounts],
        },
      ],
    },
    {
      request: { do: "status", jail: "again" },
      answer: [
        {
          ...againCounts,
          rule: { ...rule, line: 8 },
          settings: {
            enabled: true,
            on: "ban",
            mode: "enforce",
            maxlines: 1,
            maxretry: 2,
            findtime: "1d",
            bantime: "7d",
            escalation: {
              increment: false,
              factor: 1,
              rndtime: "0s",
              overalljails: false,
              memory: "7d",
            },
            count: { ipv4: 32, ipv6: 64 },
            ignoreip: ["192.0.2.200"],
            ignoreself: false,
            usedns: "no",
            protocol: ["tcp"],
            maxmatches: 10,
          },
        },
      ],
    },
    { request: { do: "banned" }, answer: [ban] },
    {
      request: { do: "explain", ip: "192.0.2.1" },
      answer: [
        {
          jail: "app",
          ip: "192.0.2.1",
          ...inApp,
          ban,
          repeats: 1,
          repeated: "TIME",
          failures: ["TIME"],
          forgotten: "TIME",
          matches: Array(4).fill(line("from 192.0.2.1")),
          bancount: 1,
          remembered: null,
          next: 600,
        },
        {
          jail: "again",
          ip: "192.0.2.1",
          ...inApp,
          rule: { ...rule, line: 8 },
          maxretry: 2,
          findtime: 86_400,
          ...nothing,
          failures: ["TIME"],
          forgotten: "TIME",
          matches: ["TIME [app] Ban 192.0.2.1"],
          ...never,
          next: 604_800,
        },
      ],
    },
    {
      request: { do: "explain", ip: "192.0.2.2" },
      answer: [
        {
          jail: "app",
          ip: "192.0.2.2",
          ...inApp,
          ...nothing,
          failures: ["TIME", "TIME"],
          forgotten: "TIME",
          matches: [line("from 192.0.2.2"), line("from 192.0.2.2")],
          ...never,
        },
      ],
    },
    {
      request: { do: "explain", id: "alice" },
      answer: [
        {
          jail: "app",
          id: "alice",
          ...inApp,
          ...nothing,
          failures: ["TIME"],
          forgotten: "TIME",
          matches: [line("of alice")],
          ...never,
        },
      ],
    },
    { request: { do: "explain", ip: "192.0.2.3" }, answer: [] },
    {
      request: { do: "explain", ip: "192.0.2.200" },
      answer: ["app", "again"].map((jail, index) => ({
        jail,
        ip: "192.0.2.200",
        ...inApp,
        rule: { ...rule, line: [3, 8][index] },
        maxretry: [3, 2][index],
        findtime: [600, 86_400][index],
        ignored: "it is an address that ignoreip names",
        ...nothing,
        ...never,
        next: [600, 604_800][index],
      })),
    },
  ];

  for (const { request, answer } of answers) {
    test(`${JSON.stringify(request)}`, async () => {
      assert.deepEqual(steady(await shared.ask(request)), [...answer, OK]);
    });
  }

  const refused: readonly { request: object; code: string; message: string }[] = [
    {
      request: { do: "status", jail: "ap" },
      code: "ERR_CONTROL_JAIL",
      message: 'no jail "ap": did you mean "app"?',
    },
    {
      request: { do: "ban", jail: "sshd", ip: "192.0.2.9" },
      code: "ERR_CONTROL_JAIL",
      message: 'no jail "sshd": there are app, again',
    },
    {
      request: { do: "ban", jail: "app", ip: "192.0.2.200" },
      code: "ERR_CONTROL_REFUSED",
      message: "192.0.2.200 is not banned in app: it is an address that ignoreip names",
    },
    {
      request: { do: "ban", jail: "app", ip: "192.0.2.0/24" },
      code: "ERR_CONTROL_REFUSED",
      message: "192.0.2.0/24 is not banned in app: it holds an address that ignoreip names",
    },
    {
      request: { do: "ban", jail: "app", ip: "198.51.0.0/15" },
      code: "ERR_CONTROL_REFUSED",
      message: "198.50.0.0/15 is not banned in app: networks wider than /16 are not banned",
    },
    {
      request: { do: "ban", jail: "app", ip: "2001:db8::/31" },
      code: "ERR_CONTROL_REFUSED",
      message: "2001:db8::/31 is not banned in app: networks wider than /32 are not banned",
    },
    {
      request: { do: "ban", jail: "app", id: "x".repeat(1025) },
      code: "ERR_CONTROL_REFUSED",
      message: `${"x".repeat(80)}… is not banned in app: the id is longer than 1024 characters`,
    },
    {
      request: { do: "halt" },
      code: "ERR_CONTROL_REQUEST",
      message: "do: expected ping, status, banned, ban, unban, explain or reload",
    },
  ];

  for (const { request, code, message } of refused) {
    test(`${JSON.stringify(request).slice(0, 80)} is refused`, async () => {
      assert.deepEqual(await shared.ask(request), [{ ok: false, code, message }]);
    });
  }
});

test("a ban by hand is written as a command, with what was counted, and as the jail has it", async () => {
  const steered = await steer();
  await steered.fail(["192.0.2.7", "192.0.2.7"]);
  const asked = Date.now();
  const [answer] = await steered.ask({ do: "ban", jail: "app", ip: "192.0.2.7" });
  assert.equal(answer?.result, "banned");
  const command = decode(steered.running.stdout(), 0);
  assert.ok(command.cmd === "ban" && "until" in command && command.until !== null);
  assert.ok(command.time >= asked && command.time <= Date.now());
  assert.equal(command.until - command.time, 600_000);
  const { time: _time, until: _until, matches, ...rest } = command;
  assert.deepEqual(rest, {
    cmd: "ban",
    jail: "app",
    ip: "192.0.2.7",
    port: [80, 443],
    protocol: ["tcp"],
    failures: 2,
    bancount: 1,
    manual: true,
  });
  assert.equal(matches?.length, 2);
  assert.match(steered.running.stderr(), /^f2b-stream: \[app\] 192\.0\.2\.7 banned by hand until \S+Z\n$/);
});

const steps: readonly { name: string; rules?: string; fail?: string[]; ask: object[]; commands: string[] }[] =
  [
    {
      name: "a ban for a while, and its end, each written when it is due",
      ask: [{ do: "ban", jail: "app", ip: "192.0.2.7", bantime: 0.05 }],
      commands: ["ban app 192.0.2.7 manual", "unban app 192.0.2.7 expired"],
    },
    {
      name: "another end for a ban in force, and none for one that is as it was",
      ask: [
        { do: "ban", jail: "app", ip: "192.0.2.7" },
        { do: "ban", jail: "app", ip: "192.0.2.7" },
        { do: "ban", jail: "app", ip: "192.0.2.7", bantime: -1 },
      ],
      commands: ["ban app 192.0.2.7 manual", "ban app 192.0.2.7 manual"],
    },
    {
      name: "bans by hand to jails that count bans",
      ask: [
        { do: "ban", jail: "app", ip: "192.0.2.7" },
        { do: "unban", ip: "198.51.100.1" },
        { do: "ban", jail: "again", ip: "198.51.100.0/24" },
      ],
      commands: ["ban app 192.0.2.7 manual", "ban again 198.51.100.0/24 manual"],
    },
    {
      name: "a would-ban of a jail that only watches",
      rules: RULES.replace("maxretry: 3", "mode: shadow"),
      ask: [
        { do: "ban", jail: "app", ip: "192.0.2.7" },
        { do: "unban", ip: "192.0.2.7" },
      ],
      commands: ["would-ban app 192.0.2.7 manual", "would-unban app 192.0.2.7 manual"],
    },
    {
      name: "an unban in all jails",
      fail: ["192.0.2.7", "192.0.2.7", "192.0.2.7"],
      ask: [
        { do: "ban", jail: "again", ip: "::ffff:192.0.2.7" },
        { do: "unban", ip: "192.0.2.7" },
      ],
      commands: [
        "ban app 192.0.2.7",
        "ban again 192.0.2.7 manual",
        "unban app 192.0.2.7 manual",
        "unban again 192.0.2.7 manual",
      ],
    },
    {
      name: "an unban of the network that an address counts as",
      fail: ["2001:db8::1", "2001:db8::2", "2001:db8::3"],
      ask: [{ do: "unban", ip: "2001:db8::9" }],
      commands: ["ban app 2001:db8::/64", "unban app 2001:db8::/64 manual"],
    },
    {
      name: "unbans within a network, and no others",
      ask: [
        { do: "ban", jail: "app", ip: "198.51.100.0/24" },
        { do: "ban", jail: "app", ip: "198.51.100.0/28" },
        { do: "ban", jail: "app", ip: "198.51.100.9" },
        { do: "ban", jail: "app", ip: "192.0.2.7" },
        { do: "ban", jail: "app", id: "198.51.100.8" },
        { do: "unban", ip: "198.51.100.0/25" },
      ],
      commands: [
        "ban app 198.51.100.0/24 manual",
        "ban app 198.51.100.0/28 manual",
        "ban app 198.51.100.9 manual",
        "ban app 192.0.2.7 manual",
        "ban app 198.51.100.8 manual",
        "unban app 198.51.100.0/28 manual",
        "unban app 198.51.100.9 manual",
      ],
    },
    {
      name: "unbans of all",
      fail: ["alice", "alice", "alice"],
      ask: [
        { do: "ban", jail: "app", ip: "192.0.2.7" },
        { do: "unban", all: true },
        { do: "unban", all: true },
      ],
      commands: [
        "ban app alice",
        "ban app 192.0.2.7 manual",
        "unban app alice manual",
        "unban app 192.0.2.7 manual",
      ],
    },
    {
      name: "nothing for an unban of somebody who is not banned",
      fail: ["192.0.2.7"],
      ask: [
        { do: "unban", ip: "192.0.2.7" },
        { do: "unban", id: "192.0.2.7" },
      ],
      commands: [],
    },
  ];

for (const { name, rules, fail = [], ask, commands } of steps) {
  test(`f2b-stream --control writes ${name}`, async () => {
    const steered = await steer(rules);
    if (fail.length > 0) await steered.fail(fail);
    const answers = await steered.ask(...ask);
    assert.deepEqual(
      answers.filter(({ ok }) => ok === false),
      [],
    );
    await steered.running.until(() => steered.commands().length >= commands.length);
    assert.deepEqual(steered.commands(), commands);
  });
}

test("f2b-stream --control says what an unban did, and what it could not", async () => {
  const steered = await steer();
  await steered.fail(["198.51.100.7", "198.51.100.7", "198.51.100.7", "192.0.2.7"]);
  const ban = { do: "ban", jail: "app" };
  await steered.ask(
    { ...ban, ip: "198.51.100.0/24" },
    { ...ban, ip: "198.51.0.0/16" },
    { ...ban, ip: "192.0.2.0/26" },
  );
  const wide = ["198.51.100.0/24", "198.51.0.0/16"].map((ip) => ({ jail: "app", ip }));
  const answers = await steered.ask(
    { do: "unban", ip: "198.51.100.7" },
    { do: "unban", ip: "198.51.100.7" },
    { do: "unban", ip: "192.0.2.7" },
    { do: "unban", all: true },
  );
  assert.deepEqual(
    answers.filter(({ ok }) => ok === undefined),
    [
      { bans: 1, jails: { app: 1 }, counted: 1, still: wide },
      { bans: 0, jails: {}, counted: 0, still: wide },
      { bans: 0, jails: {}, counted: 1, still: [{ jail: "app", ip: "192.0.2.0/26" }] },
      { bans: 3, jails: { app: 3 }, counted: 0, still: [] },
    ],
  );
});

for (const whom of [{ ip: "192.0.2.7" }, { ip: "192.0.2.0/28" }, { all: true }]) {
  test(`f2b-stream --control counts from zero after an unban of ${JSON.stringify(whom)}, bans too`, async () => {
    const steered = await steer();
    for (let turn = 0; turn < 2; turn++) {
      await steered.fail(["192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7"]);
      await steered.ask({ do: "unban", ...whom });
    }
    await steered.fail(["192.0.2.7", "192.0.2.7"]);
    const once = ["ban app 192.0.2.7", "unban app 192.0.2.7 manual"];
    assert.deepEqual(steered.commands(), [...once, ...once]);
  });
}

test("f2b-stream --control knows after kill -9 what was asked by hand, when it keeps a state", async () => {
  const steered = await steer(RULES, "--state", "STATE");
  await steered.fail(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"], 300_000);
  const ban = { do: "ban", jail: "app" };
  await steered.ask({ ...ban, ip: "198.51.100.1" }, { ...ban, ip: "198.51.100.1", bantime: -1 });
  await steered.ask({ ...ban, ip: "198.51.100.2" }, { do: "unban", ip: "198.51.100.2" });
  await steered.ask({ do: "unban", ip: "192.0.2.1" }, { do: "unban", ip: "192.0.2.2" });
  await steered.restart();
  steered.log(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2"], 300_000);
  await steered.fail(["192.0.2.3"]);
  assert.deepEqual(steered.commands(), ["sync begin", "ban app 198.51.100.1 manual restored", "sync end"]);
  const [{ ban: { until, manual } = {} } = {}] = (await steered.ask({
    do: "explain",
    ip: "198.51.100.1",
  })) as {
    ban?: { until?: unknown; manual?: unknown };
  }[];
  assert.deepEqual([until, manual], [null, true]);
  assert.match((await steered.client("explain", "198.51.100.2")).stdout, /bancount {2}1, remembered until/);
});

test("f2b-stream --control explains bans by the networks around", async () => {
  const steered = await steer();
  await steered.fail(["2001:db8::1", "2001:db8::2"]);
  const ban = { do: "ban", jail: "app" };
  await steered.ask(
    { ...ban, ip: "2001:db8::7" },
    { ...ban, ip: "2001:db8::/48" },
    { ...ban, ip: "2001:db8:0:1::/64" },
  );
  const answers = await steered.ask({ do: "explain", ip: "2001:db8::7" });
  assert.deepEqual(
    answers.map(({ jail, ip, ban, failures }) => [
      jail,
      ip,
      ban !== null,
      Array.isArray(failures) && failures.length,
    ]),
    [
      ["app", "2001:db8::7", true, 0],
      ["app", "2001:db8::/48", true, 0],
      ["app", "2001:db8::/64", false, 2],
      ["again", "2001:db8::/64", false, 1],
      [undefined, undefined, true, false],
    ],
  );
});

test("f2b-stream --control explains how bans grow, and remembers those that have ended", async () => {
  const steered = await steer(RULES.replace("maxretry: 3", "maxretry: 3\n    escalation: {increment: true}"));
  const known = async () => {
    const [{ bancount, next, remembered } = {}] = await steered.ask({ do: "explain", ip: "192.0.2.7" });
    return [bancount, next, typeof remembered];
  };
  await steered.fail(["192.0.2.7", "192.0.2.7", "192.0.2.7"]);
  assert.deepEqual(await known(), [1, 1200, "object"]);
  await steered.ask({ do: "unban", ip: "192.0.2.7" });
  assert.deepEqual(await known(), [1, 1200, "string"]);
  await steered.ask({ do: "ban", jail: "app", ip: "192.0.2.7", bantime: -1 });
  assert.deepEqual(await known(), [2, 2400, "object"]);
});

test("the manual of f2b-client describes every answer, field by field", async () => {
  const steered = await steer();
  await steered.fail(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.200", "bob"]);
  const described = new Set<string>();
  const check = async (section: string, request: object, rest = section) => {
    const answers = await steered.ask(request);
    for (const [index, answer] of answers.slice(0, -1).entries()) {
      const name = index === 0 ? section : rest;
      described.add(name);
      assert.deepEqual(answersInManual.problems(name, answer), [], JSON.stringify(request));
    }
    const end = answers.at(-1);
    if (end?.ok === true) return;
    described.add("error");
    assert.deepEqual(answersInManual.problems("error", end), [], JSON.stringify(request));
  };
  await check("ping", { do: "ping" });
  await check("status", { do: "status" });
  await check("ban jail", { do: "ban", jail: "app", ip: "198.51.100.0/24", bantime: -1 });
  await check("ban jail", { do: "ban", jail: "app", id: "bob" });
  await check("ban jail", { do: "ban", jail: "again", ip: "198.51.100.8" });
  await check("status jail", { do: "status", jail: "app" }, "ban");
  await check("ban", { do: "banned" });
  for (const ip of ["192.0.2.1", "192.0.2.2", "192.0.2.200", "198.51.100.8"]) {
    await check("explain", { do: "explain", ip });
  }
  await check("explain", { do: "explain", id: "bob" });
  await check("unban", { do: "unban", ip: "198.51.100.8" });
  await check("explain", { do: "explain", ip: "198.51.100.8" });
  await check("reload", { do: "reload" });
  await check("status jail", { do: "status", jail: "none" });
  steered.rules(`${RULES}  broken: {maxretries: 3}\n`);
  await check("reload", { do: "reload" });
  const parts = ["jail", "place", "banned", "still", "mistake"];
  assert.deepEqual(
    answersInManual.names.filter((name) => !parts.includes(name)).sort(),
    [...described].sort(),
  );
});
