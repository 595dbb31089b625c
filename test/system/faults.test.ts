import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { decode } from "../../src/protocol/command.ts";
import { killPiped, Piped } from "../helpers/piped.ts";
import { program } from "../helpers/program.ts";
import { ROOT } from "../helpers/root.ts";

// What goes wrong around the programs: readers that leave, stop or never were, full disks, signals in the middle of a flood.

/** A program, what it is fed, and how many of that are found in what it wrote. */
interface Subject {
  readonly name: "f2b-stream" | "f2b-exec";
  readonly argv: readonly string[];
  /** The `n`th line of input, about an address of its own. */
  readonly line: (n: number) => string;
  /** The addresses told of, in order. */
  readonly told: (stdout: string) => readonly string[];
}

const address = (n: number) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;

const STREAM: Subject = {
  name: "f2b-stream",
  argv: [
    ...[process.execPath, program("f2b-stream"), "-r", "test/fixtures/rules/app.yaml"],
    ...["--set", "app.maxretry=1", "--set", "app-watch.enabled=false", "--set", "app-again.enabled=false"],
  ],
  line: (n) => `${new Date().toISOString()} web1 app[7]: login failed from ${address(n)}\n`,
  told: (stdout) =>
    commandsIn(stdout).flatMap((each) => (each.cmd === "ban" && !each.repeat ? [each.ip ?? ""] : [])),
};

const EXEC: Subject = {
  name: "f2b-exec",
  argv: [process.execPath, program("f2b-exec"), "--backend", "none", "--results"],
  line: (n) => `{"cmd":"ban","ip":"${address(n)}"}\n`,
  told: (stdout) =>
    stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).ip),
};

const SUBJECTS = [STREAM, EXEC];

after(killPiped);
const COUNT = 20_200;
const ADDRESSES = Array.from({ length: COUNT }, (_, n) => address(n));

/** Lines `from` to `to`, the last left out. */
function lines({ line }: Subject, from = 0, to = COUNT): string {
  return Array.from({ length: to - from }, (_, n) => line(from + n)).join("");
}

/** The commands that stdout holds: whole lines, each a command. */
function commandsIn(stdout: string) {
  assert.ok(stdout === "" || stdout.endsWith("\n"), "it ends in a whole line");
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => decode(line, 0))
    .flatMap((command) => (command.cmd === "sync" ? [] : [{ repeat: undefined, ...command }]));
}

/** How a program ends: what stands on stderr, the exit status. */
interface End {
  readonly told: RegExp;
  readonly status: number;
}

const QUIETLY: End = { told: /^$/, status: 0 };

/** Faults that take one line of shell, in which `"$@"` is the program; `count`: addresses on stdout. */
const shellFaults: readonly (Record<Subject["name"], End> & {
  name: string;
  script: string;
  input: number;
  count: number;
})[] = [
  {
    name: "leaves when the reader of stdout has left",
    script: 'set -o pipefail; "$@" 2>/dev/null | head -n 1',
    input: COUNT,
    "f2b-stream": { told: /^$/, status: 141 },
    "f2b-exec": { told: /^$/, status: 141 },
    count: 1,
  },
  {
    name: "ends at once when stdin is closed",
    script: 'exec "$@" <&-',
    input: 2,
    "f2b-stream": QUIETLY,
    "f2b-exec": QUIETLY,
    count: 0,
  },
  {
    name: "writes to nobody when stdout is closed",
    script: 'exec "$@" >&-',
    input: 2,
    "f2b-stream": QUIETLY,
    "f2b-exec": { told: /^(?:f2b-exec: NOTICE \[manual\] Ban [0-9.]+\n){2}$/, status: 0 },
    count: 0,
  },
  {
    name: "tells that stdout is on a full disk",
    script: 'exec "$@" >/dev/full',
    input: 2,
    "f2b-stream": {
      told: /^f2b-stream: error: stdout: ENOSPC: no space left on device, write\n$/,
      status: 74,
    },
    "f2b-exec": {
      told: /^(?:f2b-exec: NOTICE .*\n){2}f2b-exec: error: standard output: ENOSPC: .*: bans go on without results\n$/,
      status: 74,
    },
    count: 0,
  },
  {
    name: "works on when stderr is closed",
    script: 'exec "$@" 2>&-',
    input: 2,
    "f2b-stream": QUIETLY,
    "f2b-exec": QUIETLY,
    count: 2,
  },
  {
    name: "works on when stderr is on a full disk",
    script: 'exec "$@" 2>/dev/full',
    input: 2,
    "f2b-stream": QUIETLY,
    "f2b-exec": QUIETLY,
    count: 2,
  },
  {
    name: "works on when the reader of stderr is gone",
    script: 'exec "$@" 2> >(exec true)',
    input: COUNT,
    "f2b-stream": QUIETLY,
    "f2b-exec": QUIETLY,
    count: COUNT,
  },
];

for (const { name, script, input, count, ...ends } of shellFaults) {
  for (const subject of SUBJECTS) {
    test(`${subject.name} ${name}`, () => {
      // With -v f2b-stream says as much on stderr as f2b-exec does.
      const verbose = subject === STREAM && name.includes("stderr") ? ["-v"] : [];
      const ended = spawnSync("bash", ["-c", script, "bash", ...subject.argv, ...verbose], {
        cwd: ROOT,
        encoding: "utf8",
        input: lines(subject, 0, input),
        maxBuffer: 1 << 26,
        timeout: 60_000,
      });
      const { told, status } = ends[subject.name];
      assert.match(ended.stderr, told);
      assert.equal(ended.status, status);
      assert.equal(subject.told(ended.stdout).length, count);
    });
  }
}

for (const subject of SUBJECTS) {
  test(`${subject.name} holds little for a reader that has stopped, and loses nothing`, async () => {
    const rounds = subject === EXEC ? 20 : 1;
    const input = lines(subject).repeat(rounds);
    const piped = new Piped(subject.argv);
    piped.write(input);
    piped.endInput();
    await piped.stuck();
    assert.ok(piped.unread > input.length / 2, `only ${piped.unread} bytes of ${input.length} wait outside`);
    assert.ok(piped.residentBytes < 250e6, `${piped.residentBytes} bytes resident`);
    piped.read();
    assert.equal((await piped.ended).status, 0);
    assert.deepEqual(subject.told(piped.stdout), Array(rounds).fill(ADDRESSES).flat());
  });

  test(`${subject.name} goes on where it was after SIGSTOP and SIGCONT, and tells nothing of it`, async () => {
    const piped = new Piped(subject.argv);
    piped.read();
    piped.write(lines(subject, 0, COUNT / 2));
    await piped.until(() => piped.stdout.length > 0);
    piped.child.kill("SIGSTOP");
    piped.write(lines(subject, COUNT / 2));
    piped.endInput();
    await piped.stuck();
    piped.child.kill("SIGCONT");
    assert.equal((await piped.ended).status, 0);
    assert.deepEqual(subject.told(piped.stdout), ADDRESSES);
    assert.deepEqual(piped.stderr.match(/^.*(?:warning|error).*$/gm), null);
  });

  test(`${subject.name} loses nothing to a hundred hangups in a flood`, async () => {
    const piped = new Piped(subject.argv);
    piped.read();
    const part = COUNT / 101;
    piped.write(lines(subject, 0, part));
    await piped.until(() => piped.stdout.length > 0);
    for (let n = 1; n <= 100; n++) {
      piped.child.kill("SIGHUP");
      piped.write(lines(subject, n * part, (n + 1) * part));
      await sleep(2);
    }
    piped.endInput();
    assert.equal((await piped.ended).status, 0);
    assert.deepEqual(subject.told(piped.stdout), ADDRESSES);
  });
}

test("f2b-stream reads its rules once or twice for a hundred hangups while its reader has stopped", async () => {
  const piped = new Piped(STREAM.argv);
  piped.write(lines(STREAM));
  await piped.stuck();
  for (let n = 0; n < 100; n++) {
    piped.child.kill("SIGHUP");
    await sleep(2);
  }
  piped.read();
  await piped.until(() => piped.stdout.includes('"phase":"end"') && piped.unread === 0);
  piped.endInput();
  assert.equal((await piped.ended).status, 0);
  const read = piped.stderr.match(/rules reloaded/g)?.length ?? 0;
  assert.ok(read === 1 || read === 2, `${read} times`);
  assert.equal(piped.stdout.match(/"phase":"begin"/g)?.length, read);
  assert.deepEqual(STREAM.told(piped.stdout), ADDRESSES);
});

test("f2b-stream ends in a whole command at SIGTERM in a flood", async () => {
  const piped = new Piped(STREAM.argv);
  piped.read();
  piped.write(lines(STREAM));
  await piped.until(() => piped.stdout.length > 0);
  piped.child.kill("SIGTERM");
  assert.deepEqual(await piped.ended, { status: 0, signal: null });
  const told = STREAM.told(piped.stdout);
  assert.deepEqual(told, ADDRESSES.slice(0, told.length));
  assert.equal(piped.stderr, "");
});

test("f2b-exec reads on to the end of a flood at SIGTERM", async () => {
  const piped = new Piped(EXEC.argv);
  piped.read();
  piped.write(lines(EXEC));
  await piped.until(() => piped.stdout.length > 0);
  piped.child.kill("SIGTERM");
  piped.endInput();
  assert.deepEqual(await piped.ended, { status: 0, signal: null });
  assert.deepEqual(EXEC.told(piped.stdout), ADDRESSES);
});

test("f2b-stream tells of a mistake and waits before it ends, where a daemon would start it anew at once", async () => {
  const piped = new Piped([process.execPath, program("f2b-stream"), "-r", "./nowhere.yaml"]);
  await piped.until(() => piped.stderr.includes("nowhere.yaml"));
  piped.leave();
  piped.child.kill("SIGTERM");
  assert.deepEqual(await piped.ended, { status: null, signal: "SIGTERM" }, "it was still there");
});
