import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { Report } from "../../src/cli/report.ts";
import { listenAt } from "../../src/protocol/control-socket.ts";
import {
  COMMANDS,
  checkFolder,
  FileError,
  LIST,
  look,
  OURS,
  RULES,
  readTrusted,
  type Trust,
} from "../../src/shared/safe-file.ts";
import { MetricsFile } from "../../src/stream/health/metrics-file.ts";
import { IgnoreList } from "../../src/stream/jail/ignore.ts";
import { encodeHeader } from "../../src/stream/state/header.ts";
import { readSeen } from "../../src/stream/state/resume.ts";
import { newFolder } from "../helpers/folder.ts";
import { program, runProgram } from "../helpers/program.ts";
import { openLog } from "../helpers/state.ts";

/** Nobody of this machine; only root can give files away. */
const STRANGER = 12_345;
const isRoot = process.geteuid?.() === 0;

const HEADER = encodeHeader({ seen: undefined, isWhole: true });

/** What may be at a path, put there. */
type Put = (path: string) => void | Promise<void>;

const file =
  (text: string, mode = 0o600): Put =>
  (path) => {
    writeFileSync(path, text);
    chmodSync(path, mode);
  };

const strangers =
  (put: Put): Put =>
  async (path) => {
    await put(path);
    chownSync(path, STRANGER, STRANGER);
  };

const fifo: Put = (path) => void execFileSync("mkfifo", [path]);
const device: Put = (path) => void execFileSync("mknod", [path, "c", "1", "5"]);
const socket: Put = async (path) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.made`, resolve));
  linkSync(`${path}.made`, path);
  server.close();
};
const linkTo =
  (put?: Put): Put =>
  async (path) => {
    await put?.(`${path}.target`);
    symlinkSync(`${path}.target`, path);
  };

interface Case {
  readonly name: string;
  readonly put: Put;
  /** What is said, by trust; undefined: it is taken. */
  readonly says: Readonly<Record<"ours" | "list" | "rules" | "commands", RegExp | undefined>>;
  readonly needsRoot?: boolean;
}

const all = (says: RegExp | undefined) => ({ ours: says, list: says, rules: says, commands: says });

const cases: readonly Case[] = [
  { name: "a file of ours", put: file("x"), says: all(undefined) },
  { name: "a file of ours for all to read", put: file("x", 0o644), says: all(undefined) },
  {
    name: "a file that its group may write",
    put: file("x", 0o660),
    says: {
      ...all(undefined),
      ours: /^can be written by others \(mode 0660\): check its content, then chmod go-w it/,
    },
  },
  {
    name: "a file that anybody may write",
    put: file("x", 0o666),
    says: {
      ours: /^can be written by others \(mode 0666\): check its content, then chmod go-w it/,
      list: /^can be written by anybody \(mode 0666\): check its content, then chmod o-w it/,
      rules: undefined,
      commands: /^can be written by anybody \(mode 0666\): check its content, then chmod o-w it/,
    },
  },
  {
    name: "another user's file",
    put: strangers(file("x", 0o644)),
    needsRoot: true,
    says: {
      ours: /^belongs to user 12345, expected 0, who runs this program: if it is the right file, chown it/,
      list: undefined,
      rules: undefined,
      commands: /^belongs to user 12345, expected 0 or root: if it is the right file, chown it/,
    },
  },
  {
    name: "a link to a file",
    put: linkTo(file("x")),
    says: {
      ...all(undefined),
      ours: /^is a link to \S+\.target, expected a file: if that is the right one, give its path/,
    },
  },
  {
    name: "a link to a FIFO",
    put: linkTo(fifo),
    says: { ...all(/^is a FIFO, expected a regular file$/), ours: /^is a link to/ },
  },
  {
    name: "a link to another user's file",
    put: linkTo(strangers(file("x"))),
    needsRoot: true,
    says: { ours: /^is a link/, list: undefined, rules: undefined, commands: /^belongs to user 12345/ },
  },
  { name: "a FIFO", put: fifo, says: all(/^is a FIFO, expected a regular file$/) },
  { name: "a socket", put: socket, says: all(/^is a socket, expected a regular file$/) },
  { name: "a device", put: device, says: all(/^is a device, expected a regular file$/), needsRoot: true },
  {
    name: "a directory",
    put: (path) => mkdirSync(path),
    says: all(/^is a directory, expected a regular file$/),
  },
];

const trusts: readonly (readonly [keyof Case["says"], Trust])[] = [
  ["ours", OURS],
  ["list", LIST],
  ["rules", RULES],
  ["commands", COMMANDS],
];

for (const { name, put, says, needsRoot } of cases) {
  for (const [kind, trust] of trusts) {
    const skip = needsRoot === true && !isRoot && "needs root";
    test(`readTrusted ${says[kind] ? "refuses" : "takes"} ${name} among ${kind}`, { skip }, async (t) => {
      const path = join(newFolder(t), "path");
      await put(path);
      const wanted = says[kind];
      if (wanted === undefined) assert.equal(readTrusted(path, 10, trust).toString(), "x");
      else assert.throws(() => readTrusted(path, 10, trust), { name: "FileError", message: wanted });
    });
  }
}

test("look tells a missing file from an existing one", (t) => {
  const path = join(newFolder(t), "path");
  assert.equal(look(path, OURS), undefined);
  assert.throws(() => readTrusted(path, 10, OURS), { code: "ENOENT" });
  symlinkSync("nowhere", path);
  assert.throws(() => look(path, OURS), /is a link to nowhere/);
  assert.throws(() => look(path, LIST), { code: "ENOENT" });
});

test("readTrusted reads one byte more than asked for, and no further", (t) => {
  const path = join(newFolder(t), "path");
  writeFileSync(path, "x".repeat(200_000));
  assert.equal(readTrusted(path, 10, OURS).length, 11);
  assert.equal(readTrusted(path, 100_000, OURS).length, 100_001);
  assert.equal(readTrusted(path, 300_000, OURS).length, 200_000);
});

test("readTrusted accepts /dev/null where pipes are accepted", () => {
  assert.equal(readTrusted("/dev/null", 10, RULES).length, 0);
  assert.equal(readTrusted("/dev/null", 10, COMMANDS).length, 0);
  assert.throws(() => readTrusted("/dev/null", 10, OURS), FileError);
});

/** By the mode of a folder: whether what is put into it stays there. */
for (const [mode, isSafe] of [
  [0o755, true],
  [0o775, true],
  [0o1777, true],
  [0o777, false],
  [0o702, false],
] as const) {
  test(`checkFolder ${isSafe ? "takes" : "refuses"} a folder of mode ${mode.toString(8)}`, (t) => {
    const folder = newFolder(t);
    chmodSync(folder, mode);
    if (isSafe) checkFolder(join(folder, "state"));
    else
      assert.throws(
        () => checkFolder(join(folder, "state")),
        /^FileError: its folder \S+ can be written by anybody/,
      );
  });
}

/** All that a change of a path would show in: what it is, its mode, owner and content, and what it leads to. */
function shown(path: string): unknown {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const target = `${path}.target`;
  const { mode, uid, ino, size, mtimeMs } = stat;
  const of = (each: string) =>
    lstatSync(each, { throwIfNoEntry: false })?.isFile() ? readFileSync(each, "utf8") : "";
  return [
    mode,
    uid,
    ino,
    size,
    mtimeMs,
    of(path),
    existsSync(target) && [lstatSync(target).mode, of(target)],
  ];
}

/** What is no state of ours, and stays as it is, and what lies beside it too. */
const noStates: readonly { name: string; put: Put; says: RegExp; needsRoot?: boolean }[] = [
  { name: "a text", put: file("precious\nwords\n", 0o644), says: /: is not a state of f2b-stream$/ },
  { name: "a FIFO", put: fifo, says: /: is a FIFO/ },
  { name: "a directory", put: (path) => mkdirSync(path), says: /: is a directory/ },
  { name: "a socket", put: socket, says: /: is a socket/ },
  { name: "a device", put: device, says: /: is a device/, needsRoot: true },
  { name: "a link to an empty file", put: linkTo(file("", 0o644)), says: /: is a link to/ },
  { name: "a link to a state", put: linkTo(file(HEADER)), says: /: is a link to/ },
  { name: "a link to nothing", put: linkTo(), says: /: is a link to/ },
  {
    name: "a state that others may write",
    put: file(HEADER, 0o622),
    says: /: can be written by others \(mode 0622\)/,
  },
  {
    name: "another user's state",
    put: strangers(file(HEADER)),
    says: /: belongs to user 12345/,
    needsRoot: true,
  },
  {
    name: "another user's empty file",
    put: strangers(file("")),
    says: /: belongs to user 12345/,
    needsRoot: true,
  },
];

for (const { name, put, says, needsRoot } of noStates) {
  const skip = needsRoot === true && !isRoot && "needs root";
  test(`BanLog refuses ${name}, and changes nothing`, { skip }, async (t) => {
    const path = join(newFolder(t), "state");
    await put(path);
    await file(HEADER, 0o644)(`${path}.new`);
    const before = [shown(path), shown(`${path}.new`)];
    await assert.rejects(openLog(path), says);
    assert.deepEqual([shown(path), shown(`${path}.new`)], before);
  });
  if (name === "a text") continue;
  test(`readSeen refuses ${name}`, { skip }, async (t) => {
    const path = join(newFolder(t), "state");
    await put(path);
    assert.throws(() => readSeen(path), { code: "ERR_STATE_ACCESS", message: says });
  });
}

/** What is in the place of the new file of a compaction. */
for (const { name, put, isLeft, needsRoot } of [
  { name: "an empty file", put: file(""), isLeft: true },
  { name: "a state", put: file(`${HEADER}{"cmd":`), isLeft: true },
  { name: "zeros, as a crash may leave", put: file("\0".repeat(500)), isLeft: true },
  { name: "a text", put: file("precious\n"), isLeft: false },
  { name: "a link", put: linkTo(file("")), isLeft: false },
  { name: "a FIFO", put: fifo, isLeft: false },
  { name: "another user's file", put: strangers(file("")), isLeft: false, needsRoot: true },
] as readonly { name: string; put: Put; isLeft: boolean; needsRoot?: boolean }[]) {
  const skip = needsRoot === true && !isRoot && "needs root";
  test(`BanLog ${isLeft ? "takes away" : "leaves"} ${name} beside a state, under the name of its new file`, {
    skip,
  }, async (t) => {
    const path = join(newFolder(t), "state");
    await file(HEADER)(path);
    await put(`${path}.new`);
    const before = [shown(path), shown(`${path}.new`)];
    if (isLeft) await (await openLog(path)).log.end();
    else await assert.rejects(openLog(path), /^StateError: state \S+: \S+\.new is in the way/);
    if (isLeft) assert.equal(existsSync(`${path}.new`), false);
    else assert.deepEqual([shown(path), shown(`${path}.new`)], before);
  });
}

test("BanLog makes a readable state unreadable to others", async (t) => {
  const path = join(newFolder(t), "state");
  await file(HEADER, 0o644)(path);
  await (await openLog(path)).log.end();
  assert.equal(lstatSync(path).mode & 0o777, 0o600);
});

test("BanLog refuses a folder that anybody may write", async (t) => {
  const folder = newFolder(t);
  chmodSync(folder, 0o777);
  await assert.rejects(openLog(join(folder, "state")), /: its folder \S+ can be written by anybody/);
  assert.equal(existsSync(join(folder, "state")), false);
});

const METRICS = "# HELP f2b_stream_info The version.\n";

/** What --metrics may find at its path, or where it writes before. */
const metrics: readonly { name: string; put: Put; says?: RegExp; needsRoot?: boolean }[] = [
  { name: "nothing", put: () => undefined },
  { name: "an empty file", put: file("", 0o644) },
  { name: "metrics", put: file(METRICS, 0o644) },
  { name: "the beginning of metrics", put: file("# HELP f2", 0o644) },
  { name: "another text", put: file("precious\n"), says: /is not a metrics file of f2b-stream/ },
  { name: "a link", put: linkTo(file(METRICS)), says: /is a link to/ },
  { name: "a FIFO", put: fifo, says: /is a FIFO/ },
  { name: "a directory", put: (path) => mkdirSync(path), says: /is a directory/ },
  { name: "a device", put: device, says: /is a device/, needsRoot: true },
  {
    name: "another user's metrics",
    put: strangers(file(METRICS)),
    says: /belongs to user 12345/,
    needsRoot: true,
  },
];

for (const { name, put, says, needsRoot } of metrics) {
  for (const where of ["f2b.prom", ".f2b.prom.new"]) {
    const skip = needsRoot === true && !isRoot && "needs root";
    test(`MetricsFile ${says ? "leaves" : "replaces"} ${name} at ${where}`, { skip }, async (t) => {
      const folder = newFolder(t);
      const at = join(folder, where);
      await put(at);
      const before = shown(at);
      const told: string[] = [];
      const report = new Report("test", (line) => told.push(line));
      await new MetricsFile(join(folder, "f2b.prom"), () => METRICS, report).write();
      if (says) {
        assert.deepEqual(shown(at), before);
        assert.match(told.join(""), says);
        assert.ok(told[0]?.startsWith(`test: warning: --metrics: ${at} `), told[0]);
      } else {
        assert.deepEqual(told, []);
        assert.equal(readFileSync(join(folder, "f2b.prom"), "utf8"), METRICS);
        assert.equal(existsSync(join(folder, ".f2b.prom.new")), false);
      }
    });
  }
}

test("f2b-stream --metrics /dev/null reports an error, and leaves the device", async () => {
  const { status, stderr } = await runProgram("f2b-stream", [
    "-r",
    "sshd",
    "--replay",
    "--metrics",
    "/dev/null",
  ]);
  assert.equal(status, 0);
  assert.match(stderr, /warning: --metrics: \/dev\/null is a device, expected a regular file/);
  assert.ok(lstatSync("/dev/null").isCharacterDevice());
});

test("listenAt refuses a folder that anybody may write, and another user's socket", {
  skip: !isRoot && "needs root",
}, async (t) => {
  const folder = newFolder(t);
  const path = join(folder, "control");
  chmodSync(folder, 0o777);
  await assert.rejects(listenAt(path), /^SocketError: \S+: its folder \S+ can be written by anybody/);
  chmodSync(folder, 0o700);
  await strangers(socket)(path);
  const before = shown(path);
  await assert.rejects(listenAt(path), /^SocketError: \S+: exists and belongs to user 12345$/);
  assert.deepEqual(shown(path), before);
});

/** What an IgnoreList tells of the list at a path. */
function toldOf(path: string): readonly string[] {
  const told: string[] = [];
  const host = { isLive: true, addressesOf: () => [], warn: (message: string) => told.push(message) };
  const rule = { networks: [], files: [path], hosts: [], self: false, command: undefined };
  new IgnoreList(rule, host).refresh(0);
  return told;
}

for (const { name, put, says } of [
  { name: "a list", put: file("192.0.2.1\n", 0o644), says: undefined },
  { name: "a link to a list", put: linkTo(file("192.0.2.1\n", 0o644)), says: undefined },
  { name: "a FIFO", put: fifo, says: "is a FIFO, expected a regular file" },
  {
    name: "a directory",
    put: (path: string) => mkdirSync(path),
    says: "is a directory, expected a regular file",
  },
  {
    name: "a list that anybody may write",
    put: file("192.0.2.1\n", 0o666),
    says: "can be written by anybody (mode 0666): check its content, then chmod o-w it",
  },
]) {
  test(`IgnoreList ${says === undefined ? "reads" : "refuses"} ${name}`, async (t) => {
    const path = join(newFolder(t), "list");
    await put(path);
    assert.deepEqual(toldOf(path), says === undefined ? [] : [`ignoreip: ${path}: ${says}`]);
  });
}

const RULES_TEXT = "jails: {app: {framing: message, failregex: '^login failed from <ADDR>$'}}";
const CONFIG_TEXT = "defaults: {blocktype: drop}";

/** Runs a line of bash, with the two programs as $stream and $exec. */
function bash(line: string): { status: number | null; stderr: string } {
  const env = {
    ...process.env,
    stream: program("f2b-stream"),
    exec: program("f2b-exec"),
    node: process.execPath,
  };
  return spawnSync("bash", ["-c", line], { encoding: "utf8", env, timeout: 60_000 });
}

test("f2b-stream and f2b-exec read what a shell gives them as <(command)", () => {
  const rules = bash(`"$node" "$stream" --check -r <(sleep 0.2; echo ${JSON.stringify(RULES_TEXT)})`);
  assert.deepEqual([rules.status, /1 jails?, /.test(rules.stderr)], [0, true], rules.stderr);
  const config = bash(
    `"$node" "$exec" --dry-run --backend none -c <(sleep 0.2; echo ${JSON.stringify(CONFIG_TEXT)}) </dev/null`,
  );
  assert.deepEqual([config.status, config.stderr], [0, ""]);
  assert.equal(bash('"$node" "$exec" --dry-run --backend none -c /dev/null </dev/null').status, 0);
});

/** Files that are read at the start, and would hold it up for ever. */
const starts: readonly {
  name: string;
  run: (t: TestContext) => Promise<{ status: number | null; stderr: string }>;
  says: RegExp;
}[] = [
  {
    name: "rules",
    says: /error: \S+fifo\.yaml: is a FIFO, expected a regular file/,
    run: (t) => started(t, "f2b-stream", (path) => ["-r", path]),
  },
  {
    name: "a folder of rules",
    says: /error: \S+fifo\.yaml: is a FIFO/,
    run: (t) => started(t, "f2b-stream", (path) => ["-r", dirname(path)]),
  },
  {
    name: "a state",
    says: /error: state \S+fifo\.yaml: is a FIFO/,
    run: (t) => started(t, "f2b-stream", (path) => ["-r", "sshd", "--state", path]),
  },
  {
    name: "a state to resume from",
    says: /error: state \S+fifo\.yaml: is a FIFO/,
    run: (t) => started(t, "f2b-stream", (path) => ["-r", "sshd", "--resume", "--state", path]),
  },
  {
    name: "the configuration of f2b-exec",
    says: /error: \S+fifo\.yaml: is a FIFO/,
    run: (t) => started(t, "f2b-exec", (path) => ["--dry-run", "-c", path]),
  },
  {
    name: "a file of fail2ban's",
    says: /jail\.local:1:1: is a FIFO/,
    run: async (t) => {
      const folder = newFolder(t);
      writeFileSync(join(folder, "jail.conf"), "[DEFAULT]\n");
      await fifo(join(folder, "jail.local"));
      return runProgram("f2b-stream", ["-r", folder]);
    },
  },
];

async function started(
  t: TestContext,
  name: "f2b-stream" | "f2b-exec",
  args: (path: string) => readonly string[],
) {
  const path = join(newFolder(t), "fifo.yaml");
  await fifo(path);
  return runProgram(name, [...args(path)]);
}

for (const { name, says, run } of starts) {
  test(`a FIFO in the place of ${name} does not block a start`, { timeout: 60_000 }, async (t) => {
    const { status, stderr } = await run(t);
    assert.match(stderr, says);
    assert.notEqual(status, 0);
  });
}
