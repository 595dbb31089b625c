import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encode } from "../../../src/protocol/command.ts";
import { encodeHeader, HEADER_BYTES } from "../../../src/stream/state/header.ts";
import { readSeen } from "../../../src/stream/state/resume.ts";
import type { StateError } from "../../../src/stream/state/state-error.ts";
import { FakeClock } from "../../helpers/clock.ts";
import { eventually } from "../../helpers/eventually.ts";
import { newFolder } from "../../helpers/folder.ts";
import { ban, keepAll, linesOf, NOW, openLog, unban, write } from "../../helpers/state.ts";

const decisions = [ban(1, { matches: ["a \u2028 line"] }), unban(1), ban(2, { cmd: "would-ban" }), ban(3)];
const text = decisions.map(encode).join("");

test("BanLog restores what was added, in order", async (t) => {
  const path = join(newFolder(t), "state");
  const first = await openLog(path);
  assert.deepEqual([first.log.isNew, first.log.isWhole, first.held], [true, true, []]);
  write(first.log, ...decisions.slice(0, 2));
  write(first.log, ...decisions.slice(2));
  await first.log.end();
  const second = await openLog(path);
  assert.deepEqual([second.log.isNew, second.log.isWhole, second.held], [false, true, decisions]);
  await second.log.end();
  assert.equal(
    readFileSync(path, "utf8").slice(HEADER_BYTES),
    text,
    "the text of the commands and nothing else",
  );
  assert.deepEqual([...first.told, ...second.told], []);
});

test("BanLog has what was added even when the process dies at once", async (t) => {
  const path = join(newFolder(t), "state");
  const { log } = await openLog(path);
  write(log, ...decisions);
  assert.equal(readFileSync(path, "utf8").slice(HEADER_BYTES), text);
  await log.end();
});

test("BanLog drops an incomplete last line, wherever it ends, and the next line does not stick to it", async (t) => {
  const path = join(newFolder(t), "state");
  const header = encodeHeader({ seen: undefined, isWhole: true });
  const bytes = Buffer.from(text);
  const ends = [...bytes].flatMap((byte, index) => (byte === 10 ? [index + 1] : []));
  for (let length = 0; length <= bytes.length; length += length < 20 ? 1 : 7) {
    writeFileSync(path, Buffer.concat([Buffer.from(header), bytes.subarray(0, length)]));
    const whole = ends.filter((end) => end <= length).length;
    const { log, held, told } = await openLog(path);
    assert.deepEqual(held, decisions.slice(0, whole), `cut at ${length}`);
    assert.equal(log.isWhole, true);
    const torn = length - (ends[whole - 1] ?? 0);
    const warning = `test: warning: state ${path}: dropped an incomplete last line of ${torn === 1 ? "1 byte" : `${torn} bytes`}\n`;
    assert.deepEqual(told, torn > 0 ? [warning] : []);
    write(log, ban(4));
    await log.end();
    assert.deepEqual(
      linesOf(path),
      [...decisions.slice(0, whole), ban(4)].map((each) => encode(each).trimEnd()),
    );
  }
});

const damages: readonly { name: string; line: string; told: string }[] = [
  { name: "garbage", line: "\0\0\0 \u001b[31m", told: "expected a JSON object on one line" },
  {
    name: "a command cut in two",
    line: encode(ban(9)).slice(10, -1),
    told: "expected a JSON object on one line",
  },
  {
    name: "something that is not an address",
    line: '{"cmd":"ban","ip":"192.0.2.300"}',
    told: 'ip: expected an address or a network, got "192.0.2.300"',
  },
  { name: "a line without end", line: "x".repeat(70_000), told: "the line is too long" },
];

for (const { name, line, told } of damages) {
  test(`BanLog goes on with ${name} in its middle, says where, and is not whole`, async (t) => {
    const path = join(newFolder(t), "state");
    const header = encodeHeader({ seen: undefined, isWhole: true });
    const before = encode(ban(1));
    writeFileSync(path, `${header}${before}${line}\n${encode(ban(2))}`);
    const opened = await openLog(path);
    assert.deepEqual(opened.held, [ban(1), ban(2)]);
    assert.equal(opened.log.isWhole, false);
    const place = `line 3 (byte ${HEADER_BYTES + before.length})`;
    assert.deepEqual(opened.told, [
      `test: error: state ${path}: ${place}: ${told}\n`,
      "test: hint: the bans that could be read are in force, and no sync is sent\n",
    ]);
    await opened.log.end();
    assert.equal(readFileSync(path, "utf8").includes(line), true, "nothing is thrown away");
  });
}

test("BanLog counts damaged lines, and gives the place of the first", async (t) => {
  const path = join(newFolder(t), "state");
  writeFileSync(path, `${encodeHeader({ seen: undefined, isWhole: true })}x\ny\nz\n`);
  const { log, told } = await openLog(path);
  assert.match(
    told[0] ?? "",
    /line 2 \(byte \d+\): expected a JSON object on one line, and 2 more damaged lines\n$/,
  );
  await log.end();
});

test("BanLog accepts commands that another program collected, and makes a state of them", async (t) => {
  const path = join(newFolder(t), "state");
  const sync = '{"cmd":"sync","phase":"begin","jails":[]}\n\n{"cmd":"of-tomorrow"}\n';
  writeFileSync(path, `${sync}${text}`, { mode: 0o644 });
  const { log, held, told } = await openLog(path);
  assert.deepEqual([held, told, log.isWhole], [decisions, [], true]);
  const header = encodeHeader({ seen: NOW, isWhole: true });
  await eventually(() => readFileSync(path, "utf8") === `${header}${text}`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await log.end();
});

const refused: readonly { name: string; make: (path: string) => void; code: string; message: RegExp }[] = [
  {
    name: "another kind of file",
    make: (path) => writeFileSync(path, "precious\nwords\n"),
    code: "ERR_STATE_FORMAT",
    message: /: is not a state of f2b-stream$/,
  },
  {
    name: "one line of text",
    make: (path) => writeFileSync(path, "precious"),
    code: "ERR_STATE_FORMAT",
    message: /: is not a state of f2b-stream$/,
  },
  {
    name: "a folder",
    make: (path) => mkdirSync(path),
    code: "ERR_STATE_ACCESS",
    message: /: is a directory, expected a regular file$/,
  },
  {
    name: "a device",
    make: (path) => symlinkSync("/dev/null", path),
    code: "ERR_STATE_ACCESS",
    message: /: is a link to \/dev\/null, expected a file/,
  },
];

for (const { name, make, code, message } of refused) {
  test(`BanLog refuses ${name}, and leaves it as it is`, async (t) => {
    const path = join(newFolder(t), "state");
    make(path);
    const before = statSync(path).isFile() ? readFileSync(path, "utf8") : "";
    await assert.rejects(openLog(path), (error: StateError) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return error.message.startsWith(`state ${path}: `);
    });
    if (before !== "") assert.equal(readFileSync(path, "utf8"), before);
  });
}

test("BanLog refuses a second user, until the first has ended", async (t) => {
  const path = join(newFolder(t), "state");
  const first = await openLog(path);
  const busy = { code: "ERR_STATE_BUSY", message: `state ${path}: another f2b-stream uses it` };
  await assert.rejects(openLog(path), busy);
  write(first.log, ban(1));
  await first.log.end();
  const second = await openLog(path);
  assert.deepEqual(second.held, [ban(1)]);
  await second.log.end();
});

test("BanLog makes its file unreadable to other users", async (t) => {
  const folder = newFolder(t);
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  for (const name of ["new", "wide"]) {
    const path = join(folder, name);
    if (name === "wide") {
      writeFileSync(path, encodeHeader({ seen: undefined, isWhole: true }));
      chmodSync(path, 0o644);
    }
    const { log } = await openLog(path);
    assert.equal(statSync(path).mode & 0o777, 0o600, name);
    await log.end();
  }
});

test("BanLog removes what an interrupted compaction has left", async (t) => {
  const folder = newFolder(t);
  writeFileSync(join(folder, "state.new"), `${encodeHeader({ seen: undefined, isWhole: true })}half of it`);
  const { log } = await openLog(join(folder, "state"));
  assert.deepEqual(readdirSync(folder), ["state"]);
  await log.end();
});

test("BanLog notes up to when the log was read, without growing", async (t) => {
  const path = join(newFolder(t), "state");
  await (await openLog(path)).log.end();
  const clock = new FakeClock("2026-11-21T12:00:00.000Z");
  const { log } = await openLog(path, keepAll, clock);
  const minute = 60_000;
  const seen = (time: number, now: number) => {
    log.noteSeen(time, now);
    return readSeen(path);
  };
  const { size } = statSync(path);
  clock.advance(1000);
  await eventually(() => clock.timers === 1);
  assert.equal(readSeen(path), NOW, "when the first run began");
  assert.equal(seen(NOW + 1, NOW + minute), NOW + 1);
  assert.equal(seen(NOW - minute, NOW + minute), NOW + 1, "a late line");
  assert.equal(seen(NOW + 3 * minute, NOW + 2 * minute), NOW + 2 * minute, "a line that is ahead");
  assert.equal(seen(NOW + minute, NOW + minute), NOW + minute, "the wall clock jumped back");
  assert.equal(statSync(path).size, size);
  await log.end();
});

test("BanLog prefers the time of the first line that it reads to that of its first start", async (t) => {
  const path = join(newFolder(t), "state");
  const { log } = await openLog(path);
  log.noteSeen(NOW - 5000, NOW);
  await log.end();
  assert.equal(readSeen(path), NOW - 5000);
});

test("readSeen knows nothing of a state that is not there, or has no header", (t) => {
  const path = join(newFolder(t), "state");
  assert.equal(readSeen(path), undefined);
  writeFileSync(path, text);
  assert.equal(readSeen(path), undefined);
  truncateSync(path);
  assert.equal(readSeen(path), undefined);
});
