import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FileLock } from "../../../src/exec/kernel/lock.ts";
import { newFolder } from "../../helpers/folder.ts";

const NAMESPACE = statSync("/proc/self/ns/net").ino;

function setUp(t: TestContext) {
  const directory = join(newFolder(t), "locks");
  const told: string[] = [];
  const newLock = () => new FileLock((message) => told.push(message), directory);
  return { directory, told, newLock, files: () => readdirSync(directory).sort() };
}

test("FileLock gives a jail to one process at a time, says which has it, and leaves no file", async (t) => {
  const { directory, newLock, files } = setUp(t);
  const [first, second] = [newLock(), newLock()];
  assert.equal(await first.take("sshd"), undefined);
  assert.equal(await second.take("sshd"), `another f2b-exec serves it (pid ${process.pid})`);
  assert.equal(await second.take("smtp"), undefined, "another jail");
  assert.deepEqual(files(), [`${NAMESPACE}-f2bs-smtp`, `${NAMESPACE}-f2bs-sshd`]);
  assert.equal(statSync(join(directory, `${NAMESPACE}-f2bs-sshd`)).mode & 0o777, 0o600);
  await first.release();
  assert.equal(await second.take("sshd"), undefined);
  await second.release();
  assert.deepEqual(files(), []);
});

test("FileLock: of many that start and stop at once never two hold a jail, and no file is left", async (t) => {
  const { told, newLock, files } = setUp(t);
  let holders = 0;
  let most = 0;
  let taken = 0;
  const serve = async () => {
    for (let turn = 0; turn < 12; turn++) {
      const lock = newLock();
      if ((await lock.take("sshd")) === undefined) {
        taken++;
        most = Math.max(most, ++holders);
        await new Promise((resolve) => setTimeout(resolve, (turn % 4) * 8));
        holders--;
      }
      await lock.release();
    }
  };
  await Promise.all(Array.from({ length: 12 }, serve));
  assert.equal(most, 1);
  assert.ok(taken >= 12, `taken ${taken} times`);
  assert.deepEqual([files(), told], [[], []]);
});

test("FileLock: a lock on a file that was removed meanwhile does not count", async (t) => {
  const { newLock } = setUp(t);
  const [first, second, third] = [newLock(), newLock(), newLock()];
  await first.take("sshd");
  // It has opened the first one's file by now.
  const opened = second.take("sshd");
  await first.release();
  const answers = await Promise.all([opened, third.take("sshd")]);
  assert.equal(answers.filter((holder) => holder === undefined).length, 1, answers.join());
  await second.release();
  await third.release();
});

test("FileLock: a start removes the files of killed processes, in any namespace, and nothing else", async (t) => {
  const { directory, newLock, files } = setUp(t);
  mkdirSync(directory, { mode: 0o700 });
  for (const name of ["1-f2bs-old", `${NAMESPACE}-f2bs-sshd`, `${NAMESPACE}-f2bs-other`])
    writeFileSync(join(directory, name), "999999999\n");
  writeFileSync(join(directory, "hosts-deny.lock"), "");
  writeFileSync(join(directory, "2-f2bs-held"), `${process.pid}\n`);
  const holder = spawn("flock", [join(directory, "2-f2bs-held"), "sh", "-c", "echo; cat"]);
  await once(holder.stdout, "data");
  const lock = newLock();
  assert.equal(await lock.take("sshd"), undefined);
  await lock.release();
  const sweeper = newLock();
  assert.equal(await sweeper.take("sshd"), undefined);
  await new Promise((resolve) => setTimeout(resolve, 0));
  while (files().length > 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(files(), ["2-f2bs-held", `${NAMESPACE}-f2bs-sshd`, "hosts-deny.lock"]);
  await sweeper.release();
  assert.deepEqual(files(), ["2-f2bs-held", "hosts-deny.lock"]);
  holder.stdin.end();
  await once(holder, "exit");
});

test("FileLock tries again while another start checks a stale file", async (t) => {
  const { directory, newLock } = setUp(t);
  mkdirSync(directory, { mode: 0o700 });
  const path = join(directory, `${NAMESPACE}-f2bs-sshd`);
  writeFileSync(path, "999999999\n");
  const looking = spawn("flock", [path, "sh", "-c", "echo; read line"]);
  await once(looking.stdout, "data");
  const lock = newLock();
  const taken = lock.take("sshd");
  looking.stdin.end("\n");
  assert.equal(await taken, undefined);
  assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  await lock.release();
});

test("FileLock follows no link, and does not lock where others may write", async (t) => {
  const { directory, told, newLock } = setUp(t);
  mkdirSync(directory, { mode: 0o700 });
  const victim = join(directory, "victim");
  writeFileSync(victim, "precious");
  symlinkSync(victim, join(directory, `${NAMESPACE}-f2bs-sshd`));
  assert.equal(await newLock().take("sshd"), undefined);
  assert.match(told.join(), /^jails are not locked against a second f2b-exec: ELOOP/);
  assert.equal(readFileSync(victim, "utf8"), "precious");
  chmodSync(directory, 0o777);
  assert.equal(await newLock().take("smtp"), undefined);
  assert.match(told[1] ?? "", /belongs to another user or can be written by others$/);
});
