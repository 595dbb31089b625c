import assert from "node:assert/strict";
import { test } from "node:test";
import { commandTags, fillTags, jailTags } from "../../../src/exec/actions/action-tags.ts";
import type { EnforcedJail } from "../../../src/exec/kernel/backend.ts";
import type { EnforcedBan } from "../../../src/protocol/command.ts";
import { decode } from "../../../src/protocol/command.ts";

const jail: EnforcedJail = {
  name: "smtp",
  ports: ["25", "465"],
  protocols: ["tcp"],
  chains: [],
  blocktype: "drop",
};
const read = (fields: object) => decode(JSON.stringify(fields), 0) as EnforcedBan;

const TIMES = { time: "2014-01-07T14:59:04.500Z", until: "2014-01-07T15:09:04.500Z" };
const tags = commandTags(read({ cmd: "ban", ip: "192.0.2.7", ...TIMES, failures: 3, bancount: 2 }), jail);

const CASES = [
  { argument: "ALERT <ip> BANNED", filled: "ALERT 192.0.2.7 BANNED" },
  { argument: "<name>:<port>/<protocol>", filled: "smtp:25,465/tcp" },
  { argument: "<time> <bantime> <failures> <bancount>", filled: "1389106744 600 3 2" },
  { argument: "<ip> <ip>", filled: "192.0.2.7 192.0.2.7" },
  { argument: "$(<ip>); `x` '\" &", filled: "$(192.0.2.7); `x` '\" &" },
  { argument: "1 < 2 > 1", filled: "1 < 2 > 1" },
];

for (const { argument, filled } of CASES) {
  test(`fillTags: ${argument}`, () => assert.deepEqual(fillTags([argument], tags), [filled]));
}

test("commandTags: for ever is -1; an unban has only a time", () => {
  assert.equal(commandTags(read({ cmd: "ban", ip: "192.0.2.7" }), jail).bantime, "-1");
  const unban = commandTags(read({ cmd: "unban", ip: "192.0.2.7", time: TIMES.time }), jail);
  assert.deepEqual([unban.ip, unban.time, unban.failures], ["192.0.2.7", "1389106744", "0"]);
});

test("commandTags: an id has no <ip>", () => {
  const idTags = commandTags(read({ cmd: "ban", id: "-rf /" }), jail);
  assert.equal(fillTags(["x", "<ip>"], idTags), undefined);
  assert.deepEqual(fillTags(["x", "<name>"], idTags), ["x", "smtp"]);
});

test("jailTags: all ports are 0:65535", () => {
  assert.deepEqual(jailTags({ ...jail, ports: [], protocols: [] }), {
    name: "smtp",
    port: "0:65535",
    protocol: "tcp",
  });
});

test("fillTags lets no jail's name become an option", () => {
  assert.throws(() => fillTags(["<name>"], jailTags({ ...jail, name: "-rf" })), RangeError);
  assert.deepEqual(fillTags(["--jail=<name>"], jailTags({ ...jail, name: "-rf" })), ["--jail=-rf"]);
});
