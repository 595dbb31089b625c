import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { newFolder } from "../helpers/folder.ts";
import { program, type Running, runProgram, start } from "../helpers/program.ts";
import { readTagged } from "../helpers/tagged-reader.ts";

/** The lines that f2b-tail has written of a source. */
function linesOf(stdout: string, source: string): readonly string[] {
  return readTagged(Buffer.from(stdout)).get(source)?.lines ?? [];
}

/** Resolves when a source has these lines. */
async function untilLines(running: Running, source: string, lines: readonly string[]): Promise<void> {
  await running.until(({ stdout }) => stdout !== "" && linesOf(stdout, source).length >= lines.length);
  assert.deepEqual(linesOf(running.stdout(), source), lines);
}

async function follow(args: readonly string[]): Promise<Running> {
  const running = start("f2b-tail", args);
  await running.until(({ stdout }) => stdout.includes('"sources"'));
  return running;
}

async function stop({ child, ended }: Running): Promise<void> {
  child.kill("SIGTERM");
  const { status, stderr } = await ended;
  assert.equal(status, 0, stderr);
}

test("f2b-tail --no-follow reads files one after the other, and ends", async (t) => {
  const folder = newFolder(t);
  const [first, second] = [join(folder, "a.log"), join(folder, "b.log")];
  writeFileSync(first, "one\ntwo\n");
  writeFileSync(second, "three\nfour");
  const { stdout, status } = await runProgram("f2b-tail", ["--no-follow", "--from-start", second, first]);
  assert.equal(status, 0);
  assert.deepEqual(linesOf(stdout, first), ["one", "two"]);
  assert.deepEqual(linesOf(stdout, second), ["three", "four"]);
  assert.ok(stdout.indexOf("four") < stdout.indexOf("one"));
});

test("f2b-tail --plain writes the lines alone", async (t) => {
  const log = join(newFolder(t), "a.log");
  writeFileSync(log, "one\n\x1b[31mtwo\n");
  const { stdout } = await runProgram("f2b-tail", ["--no-follow", "--from-start", "--plain", log]);
  assert.equal(stdout, "one\n\x1b[31mtwo\n");
});

test("f2b-tail begins at the end, but not inside of a line", async (t) => {
  const log = join(newFolder(t), "a.log");
  writeFileSync(log, "old\nunfin");
  const running = await follow([log]);
  appendFileSync(log, "ished\nnew\n");
  await untilLines(running, log, ["unfinished", "new"]);
  await stop(running);
});

test("f2b-tail finds files that appear, for names and for patterns, from their beginnings", async (t) => {
  const folder = newFolder(t);
  const [named, matched] = [join(folder, "named"), join(folder, "x.log")];
  const running = await follow([named, join(folder, "*.log")]);
  assert.match(running.stderr(), /follows 0 files, waits for 2 more/);
  writeFileSync(named, "one\n");
  writeFileSync(matched, "two\n");
  await untilLines(running, named, ["one"]);
  await untilLines(running, matched, ["two"]);
  await stop(running);
});

test("f2b-tail leaves compressed and rotated files alone where a pattern matches them", async (t) => {
  const folder = newFolder(t);
  for (const name of ["x.log", "x.log.1", "x.log-20261128", "x.log.2.gz", "y.1", "z.log.zst"])
    writeFileSync(join(folder, name), `${name}\n`);
  const { stdout } = await runProgram("f2b-tail", [
    "--no-follow",
    "--from-start",
    "--plain",
    join(folder, "*"),
  ]);
  assert.equal(stdout, "x.log\ny.1\n");
});

test("f2b-tail follows a link to where it leads now", async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, "elsewhere"));
  const [link, first, second] = [
    join(folder, "link"),
    join(folder, "elsewhere/1"),
    join(folder, "elsewhere/2"),
  ];
  writeFileSync(first, "");
  writeFileSync(second, "second\n");
  symlinkSync(first, link);
  const running = await follow([link]);
  appendFileSync(first, "first\n");
  await untilLines(running, link, ["first"]);
  symlinkSync(second, `${link}.new`);
  renameSync(`${link}.new`, link);
  await untilLines(running, link, ["first", "second"]);
  await stop(running);
});

test("f2b-tail reads a file with two names once, and tells that", async (t) => {
  const folder = newFolder(t);
  const [log, link] = [join(folder, "a.log"), join(folder, "b.log")];
  writeFileSync(log, "one\n");
  symlinkSync(log, link);
  const { stdout, stderr } = await runProgram("f2b-tail", [
    "--no-follow",
    "--from-start",
    "--plain",
    join(folder, "*.log"),
  ]);
  assert.equal(stdout, "one\n");
  assert.match(stderr, /b\.log: is the same file as .*a\.log, and is read as that/);
});

test("f2b-tail drops a line that is too long, whole, and tells that", async (t) => {
  const log = join(newFolder(t), "a.log");
  writeFileSync(log, `one\n${"x".repeat(101)}\n${"y".repeat(100)}\n${"z".repeat(5_000_000)}\ntwo\n`);
  const { stdout, stderr } = await runProgram("f2b-tail", [
    ...["--no-follow", "--from-start", "--plain", "--max-line", "100", log],
  ]);
  assert.equal(stdout, `one\n${"y".repeat(100)}\ntwo\n`);
  assert.match(stderr, /dropped a line longer than 100 bytes/);
});

test("f2b-tail reads no more files than --max-files, and tells that", async (t) => {
  const folder = newFolder(t);
  for (const name of ["a", "b", "c"]) writeFileSync(join(folder, `${name}.log`), `${name}\n`);
  const args = ["--no-follow", "--from-start", "--plain", "--max-files", "2", join(folder, "*.log")];
  const { stdout, stderr } = await runProgram("f2b-tail", args);
  assert.equal(stdout, "a\nb\n");
  assert.match(stderr, /c\.log: not read: there are 2 files\n.*--max-files raises the bound/);
});

test("f2b-tail reads stdin to its end", async () => {
  const { stdout, status } = await runProgram("f2b-tail", ["-"], "one\ntwo\nthree");
  assert.equal(status, 0);
  assert.deepEqual(linesOf(stdout, "-"), ["one", "two", "three"]);
});

test("f2b-tail reads a FIFO, one writer after the other", async (t) => {
  const fifo = join(newFolder(t), "fifo");
  execFileSync("mkfifo", [fifo]);
  const running = await follow([fifo]);
  writeFileSync(fifo, "one\n");
  await untilLines(running, fifo, ["one"]);
  writeFileSync(fifo, "two\n");
  await untilLines(running, fifo, ["one", "two"]);
  assert.match(running.stdout(), /"kind":"fifo"/);
  await stop(running);
});

test("f2b-tail follows without inotify", async (t) => {
  const log = join(newFolder(t), "a.log");
  writeFileSync(log, "");
  const running = await follow(["--poll", log]);
  appendFileSync(log, "one\n");
  await untilLines(running, log, ["one"]);
  renameSync(log, `${log}.1`);
  appendFileSync(`${log}.1`, "two\n");
  writeFileSync(log, "three\n");
  await untilLines(running, log, ["one", "two", "three"]);
  await stop(running);
});

test("f2b-tail follows 50 files at once", async (t) => {
  const folder = newFolder(t);
  const logs = Array.from({ length: 50 }, (_, number) => join(folder, `${number}.log`));
  for (const log of logs) writeFileSync(log, "");
  const running = await follow([join(folder, "*.log")]);
  for (let line = 0; line < 40; line++) for (const log of logs) appendFileSync(log, `${line}\n`);
  const wanted = Array.from({ length: 40 }, (_, line) => String(line));
  for (const log of logs) await untilLines(running, log, wanted);
  await stop(running);
});

test("f2b-tail --state goes on where it was, with the same token", async (t) => {
  const folder = newFolder(t);
  const [log, state] = [join(folder, "a.log"), join(folder, "state")];
  writeFileSync(log, "old\n");
  const first = await follow(["--state", state, log]);
  appendFileSync(log, "one\n");
  await untilLines(first, log, ["one"]);
  await stop(first);
  appendFileSync(log, "two\n");
  renameSync(log, `${log}.1`);
  writeFileSync(log, "three\n");
  const second = await follow(["--state", state, log]);
  await untilLines(second, log, ["two", "three"]);
  await stop(second);
  assert.equal(second.stdout().slice(0, 30), first.stdout().slice(0, 30));
  assert.equal(statSync(state).mode & 0o777, 0o600);
});

test("f2b-tail tells what it can't read because it is gone", async (t) => {
  const folder = newFolder(t);
  const [log, state] = [join(folder, "a.log"), join(folder, "state")];
  writeFileSync(log, "old\n");
  await stop(await follow(["--state", state, log]));
  // Its inode must not be used again.
  const fd = openSync(log, "r");
  unlinkSync(log);
  writeFileSync(log, "new\n");
  const running = await follow(["--state", state, log]);
  await untilLines(running, log, ["new"]);
  assert.match(running.stderr(), /a\.log: what came after byte 4 of the file that was here is not read/);
  closeSync(fd);
  await stop(running);
});

test("f2b-tail refuses a state that another uses, or that is something else", async (t) => {
  const folder = newFolder(t);
  const [log, state, other] = [join(folder, "a.log"), join(folder, "state"), join(folder, "other")];
  writeFileSync(log, "");
  writeFileSync(other, "something else\n");
  chmodSync(other, 0o600);
  const running = await follow(["--state", state, log]);
  const second = await runProgram("f2b-tail", ["--state", state, log]);
  assert.equal(second.status, 75);
  assert.match(second.stderr, /another f2b-tail uses it/);
  await stop(running);
  const third = await runProgram("f2b-tail", ["--state", other, log]);
  assert.equal(third.status, 78);
  assert.equal(readFileSync(other, "utf8"), "something else\n");
});

test("f2b-tail tells that a state is torn", async (t) => {
  const folder = newFolder(t);
  const [log, state] = [join(folder, "a.log"), join(folder, "state")];
  writeFileSync(log, "one\n");
  writeFileSync(state, "f2b-tail-state 1 7 935 450f3fc40cb9bb4fd1de2e42b8d73cdf\n{");
  chmodSync(state, 0o600);
  const running = await follow(["--state", state, log]);
  assert.match(running.stderr(), /the state is torn/);
  await stop(running);
});

test("f2b-tail ends with 141 when its reader is gone", async (t) => {
  const log = join(newFolder(t), "a.log");
  writeFileSync(log, "one\n".repeat(1_000_000));
  const shell = spawn(
    "bash",
    [
      "-c",
      '"$0" "$1" --from-start "$2" | head -n 1 > /dev/null; echo "$PIPESTATUS"',
      process.execPath,
      program("f2b-tail"),
      log,
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  let status = "";
  shell.stdout.setEncoding("utf8").on("data", (text: string) => {
    status += text;
  });
  await once(shell, "close");
  assert.equal(status, "141\n");
});

test("f2b-tail reads nothing while its reader takes nothing, and still ends when asked", async (t) => {
  const log = join(newFolder(t), "a.log");
  writeFileSync(log, "one\n".repeat(5_000_000));
  const fifo = join(newFolder(t), "fifo");
  execFileSync("mkfifo", [fifo]);
  const reader = openSync(fifo, "r+");
  const out = openSync(fifo, "w");
  const child = spawn(process.execPath, [program("f2b-tail"), "--from-start", log], {
    stdio: ["ignore", out, "pipe"],
  });
  closeSync(out);
  await once(child.stderr as Readable, "data");
  child.kill();
  const [status] = await once(child, "close");
  closeSync(reader);
  assert.equal(status, 0);
});

test("f2b-tail refuses what it can't do", async (t) => {
  const folder = newFolder(t);
  const cases = [
    { args: [], message: /nothing to read/ },
    { args: [folder], message: /is a directory: expected a file, or a pattern such as '.*\/\*\.log'/ },
    { args: ["--journal=ssh"], message: /option --journal: expected FIELD=VALUE, got "ssh"/ },
    { args: ["x", "--since", "yesterday"], message: /option --since: expected a time/ },
    { args: ["x", "--since", "@1", "--from-start"], message: /exclude each other/ },
    { args: ["x", "--nosuch"], message: /unknown option/ },
  ];
  for (const { args, message } of cases) {
    const { status, stderr } = await runProgram("f2b-tail", args);
    assert.equal(status, 64, stderr);
    assert.match(stderr, message);
  }
});

test("f2b-tail --since begins at a time, in old parts too", async (t) => {
  const folder = newFolder(t);
  const log = join(folder, "a.log");
  const line = (hour: number) =>
    `2026-11-28T${String(hour).padStart(2, "0")}:00:00Z gw sshd[1]: hour ${hour}\n`;
  writeFileSync(`${log}.2`, [1, 2, 3].map(line).join(""));
  writeFileSync(`${log}.1`, [4, 5, 6].map(line).join(""));
  writeFileSync(log, [7, 8, 9].map(line).join(""));
  const since = async (time: string) => {
    const { stdout } = await runProgram("f2b-tail", ["--no-follow", "--plain", "--since", time, log]);
    return stdout.match(/(?<=hour )\d+/g) ?? [];
  };
  assert.deepEqual(await since("2026-11-28T08:00:00Z"), ["8", "9"]);
  assert.deepEqual(await since("2026-11-28T05:00:00Z"), ["5", "6", "7", "8", "9"]);
  assert.deepEqual(await since("@1795921201"), []);
});

test("f2b-tail -r reads what the jails read", async (t) => {
  const folder = newFolder(t);
  const [log, rules] = [join(folder, "app.log"), join(folder, "rules.yaml")];
  writeFileSync(log, "one\n");
  const jail = `failregex: "^failed from <HOST>$"`;
  writeFileSync(rules, `jails:\n  app:\n    ${jail}\n    logpath: ["${folder}/*.log", "${folder}/nosuch"]\n`);
  const { stdout, stderr, status } = await runProgram("f2b-tail", [
    "--no-follow",
    "--from-start",
    "-r",
    rules,
  ]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(linesOf(stdout, log), ["one"]);
  assert.match(stderr, /1 jail with files, 0 jails with the journal/);
  assert.match(stderr, /nosuch: nothing is there/);
});

test("f2b-tail --journal runs journalctl, again when it ends, after the last entry", async (t) => {
  const folder = newFolder(t);
  const [bin, state] = [join(folder, "bin"), join(folder, "state")];
  mkdirSync(bin);
  // Gives an entry and ends; says with which words it was run.
  writeFileSync(
    join(bin, "journalctl"),
    `#!/bin/sh\necho "$@" >> ${folder}/words\nn=$(wc -l < ${folder}/words)\necho "{\\"__CURSOR\\":\\"c$n\\",\\"__REALTIME_TIMESTAMP\\":\\"179590000000000$n\\",\\"MESSAGE\\":\\"m\\"}"\necho "to $n" >&2\n`,
    { mode: 0o755 },
  );
  const run = (args: readonly string[]) => {
    const env = { PATH: `${bin}:${process.env.PATH}` };
    return start(
      "f2b-tail",
      ["--state", state, "--journal=_SYSTEMD_UNIT=a.service", "--journal=_UID=0", ...args],
      env,
    );
  };
  const running = run([]);
  const name = "journal _SYSTEMD_UNIT=a.service + _UID=0";
  await running.until(({ stdout }) => stdout !== "" && linesOf(stdout, name).length >= 2);
  assert.match(running.stderr(), /journalctl ended with 0: starting it again in 1 s/);
  assert.match(running.stderr(), /journalctl: to 1/);
  await stop(running);
  const again = run([]);
  await again.until(({ stdout }) => stdout !== "" && linesOf(stdout, name).length >= 1);
  await stop(again);
  const words = readFileSync(join(folder, "words"), "utf8").split("\n");
  assert.match(
    words[0] ?? "",
    /^-q -a -f -o json --no-tail --since=@[\d.]+ _SYSTEMD_UNIT=a\.service \+ _UID=0$/,
  );
  assert.equal(words[1], "-q -a -f -o json --no-tail --after-cursor=c1 _SYSTEMD_UNIT=a.service + _UID=0");
  const restarted = words.findIndex((each, index) => index > 1 && each.includes("--after-cursor"));
  assert.ok(restarted > 1);
  const places = new Set((running.stdout() + again.stdout()).match(/"place":"[^"]*"/g));
  assert.equal(places.size, 1);
  rmSync(bin, { recursive: true });
});
